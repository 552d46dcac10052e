import { BaseCommand } from './shared/base-command.ts';

/** `--json` of version. */
interface Version {
  mcpk: string;
  node: string;
  platform: string;
}

export default class VersionCommand extends BaseCommand<typeof VersionCommand> {
  static override readonly summary = 'Show the version of mcpk.';
  static override readonly description = 'The same as --version: mcpk, the system and Node.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ];

  async run(): Promise<Version> {
    const { version, platform, arch, userAgent } = this.config;
    this.print(`${userAgent}\n`);
    return { mcpk: version, node: process.versions.node, platform: `${platform}-${arch}` };
  }
}
