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
  }

  override async showCommandHelp(command: Command.Loadable): Promise<void> {
    await super.showCommandHelp(command);
    if (!Object.values(command.flags).some((flag) => flag.type === 'option' && flag.helpValue === 'STAGES')) return;
    const { STAGES } = await import('../../states/index.ts');
    const names = STAGES.map(({ name, title }) => `${name.padEnd(14)}${title}`);
    this.log(this.section('STAGES', names.join('\n')));
    this.log('');
  }
}

class HelpWithExitCodes extends CommandHelp {
  protected override sections(): ReturnType<CommandHelp['sections']> {
    const endings = endingsOf(this.command);
    return [...super.sections(), { header: 'EXIT CODES', generate: () => exitCodeTable(endings) }];
  }
}
