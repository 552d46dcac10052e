import { Args } from '@oclif/core';
import { BaseCommand } from './shared/base-command.ts';
import { completionOf } from './shared/completion.ts';
import { SCRIPTS } from './shared/completion-scripts.ts';

export default class Autocomplete extends BaseCommand<typeof Autocomplete> {
  static override readonly summary = 'Print what makes a shell complete commands, flags, stages, settings and hosts.';
  static override readonly description =
    'The script goes where the shell reads it. For bash: source <(mcpk autocomplete bash) in ~/.bashrc; for zsh the same in ~/.zshrc, after compinit; for fish into ~/.config/fish/completions/mcpk.fish. Hosts are those of the inventory that the line names, or of ./mcpk.yaml. Make it anew when mcpk is another version.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> bash',
    '<%= config.bin %> <%= command.id %> fish > ~/.config/fish/completions/mcpk.fish',
  ];
  static override readonly enableJsonFlag: boolean = false;
  static override readonly args = {
    shell: Args.string({ description: 'The shell.', options: Object.keys(SCRIPTS), required: true }),
  };

  async run(): Promise<void> {
    const [{ STAGES }, { settingsOf }, { readSchema }] = await Promise.all([
      import('../states/index.ts'),
      import('../inventory/setting.ts'),
      import('../inventory/schema.ts'),
    ]);
    const completion = completionOf(this.config, {
      ...Object.fromEntries(['FILE', 'FILE|!CMD', 'FOLDER', 'FOLDER|FILE', 'BUNDLE'].map((name) => [name, 'file'])),
      ...Object.fromEntries(['HOST', 'NODE'].map((name) => [name, { ask: 'host' }])),
      EXPR: { ask: 'limit' },
      TOPIC: {
        one: [...new Set(this.config.commands.flatMap(({ hidden, id }) => (hidden ? [] : (id.split(':')[0] ?? ''))))],
      },
      STAGES: { list: STAGES.map((stage) => stage.name) },
      SETTING: { one: [...settingsOf(readSchema()).keys()].filter((name) => name !== '') },
    });
    this.print(SCRIPTS[this.args.shell]?.(completion) ?? '');
  }
}
