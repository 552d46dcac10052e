import { Args } from '@oclif/core';
import { noCommand } from './shared/command-not-found.ts';
import { BaseCommand } from './shared/base-command.ts';
import { MainHelp } from './shared/help.ts';

export default class HelpCommand extends BaseCommand<typeof HelpCommand> {
  static override readonly summary = 'Show what mcpk can do, or what a command takes.';
  static override readonly description = 'The same as --help.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> plan',
    '<%= config.bin %> <%= command.id %> host-key pin',
  ];
  static override readonly enableJsonFlag: boolean = false;
  static override readonly args = {
    topic: Args.string({ description: 'A command, or the first word of one.' }),
    second: Args.string({ description: 'The second word of one, such as pin of host-key pin.' }),
  };

  async run(): Promise<void> {
    const words = [this.args.topic, this.args.second].filter((word) => word !== undefined);
    const id = words.join(':');
    if (id !== '' && !this.config.findCommand(id) && !this.config.findTopic(id))
      throw noCommand(id, this.config.commandIDs);
    await new MainHelp(this.config).showHelp(words);
  }
}
