import { CommandHelp, Help } from '@oclif/core';
import { endingsOf, exitCodeTable } from './exit-codes.ts';

/** oclif's help, with the exit codes below the list of commands, and those of a command below its own. */
export class MainHelp extends Help {
  protected override CommandHelpClass: typeof CommandHelp = HelpWithExitCodes;

  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    this.log(this.section('EXIT CODES', exitCodeTable()));
    this.log('');
  }
}

class HelpWithExitCodes extends CommandHelp {
  protected override sections(): ReturnType<CommandHelp['sections']> {
    const endings = endingsOf(this.command);
    return [...super.sections(), { header: 'EXIT CODES', generate: () => exitCodeTable(endings) }];
  }
}
