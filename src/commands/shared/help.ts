import { CommandHelp, Help, type Command } from '@oclif/core';
import { endingsOf, exitCodeTable } from './exit-codes.ts';

/**
 * oclif's help, with the exit codes below the list of commands, those of a command below its own, and the stages where
 * a command takes their names.
 */
export class MainHelp extends Help {
  protected override CommandHelpClass: typeof CommandHelp = HelpWithExitCodes;

  /** oclif takes the word `help` for a flag; of the command it would show the whole. */
  override async showHelp(argv: string[]): Promise<void> {
    const help = argv.every((word) => word === 'help' || word.startsWith('-')) && argv.includes('help');
    const command = help ? this.config.findCommand('help') : undefined;
    await (command === undefined ? super.showHelp(argv) : this.showCommandHelp(command));
  }

  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    this.log(this.section('EXIT CODES', exitCodeTable()));
    this.log('');
    this.log(this.section('DOCS', `README.md and docs/ in ${this.config.root}`));
    this.log('');
  }

  override async showCommandHelp(command: Command.Loadable): Promise<void> {
    await super.showCommandHelp(command);
    if (!Object.values(command.flags).some((flag) => flag.type === 'option' && flag.helpValue === 'STAGES')) return;
    const { STAGES } = await import('../../states/index.ts');
    const rows = STAGES.map(({ name, title }) => ({ name, description: title }));
    this.log(this.section('STAGES', rows));
    this.log('');
  }
}

class HelpWithExitCodes extends CommandHelp {
  /** oclif would say the summary, which is the first line of all, once more. */
  protected override description(): string | undefined {
    const { description } = this.command;
    return description === undefined ? undefined : this.wrap(description);
  }

  /** Of a flag that excludes several others oclif would say that these exclude each other, too. */
  protected override defaultUsage(): string {
    const { command } = this;
    const flags = Object.entries(command.flags).map(([name, { exclusive, ...flag }]) => [
      name,
      exclusive?.length === 1 ? { ...flag, exclusive } : flag,
    ]);
    this.command = { ...command, flags: Object.fromEntries(flags) as typeof command.flags };
    try {
      return super.defaultUsage();
    } finally {
      this.command = command;
    }
  }

  protected override sections(): ReturnType<CommandHelp['sections']> {
    const header = 'EXIT CODES';
    const body = exitCodeTable(endingsOf(this.command));
    return [...super.sections(), { header, generate: () => ({ header, body }) }];
  }
}
