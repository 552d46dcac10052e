import { Help } from '@oclif/core';
import { exitCodeTable } from './command-line.ts';

/** oclif's help, with the exit codes below the list of commands. */
export class MainHelp extends Help {
  protected override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    this.log(this.section('EXIT CODES', exitCodeTable()));
    this.log('');
  }
}
