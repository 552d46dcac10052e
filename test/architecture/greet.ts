import { Flags } from '@oclif/core';
import { BaseCommand } from '../../src/commands/shared/base-command.ts';
import type { Ending } from '../../src/commands/shared/exit-codes.ts';
import { McpkError, type ErrorCode } from '../../src/core/errors.ts';

/** A command as one of src/commands, for the tests that add one. It fails with the code that it is told. */
export default class Greet extends BaseCommand<typeof Greet> {
  static override readonly summary = 'Say hello.';
  static override readonly description = 'Says it to nobody in particular.';
  static override readonly examples = ['<%= config.bin %> <%= command.id %> --fail usage'];
  static readonly endings: readonly Ending[] = ['gate', 'unheard' as Ending];
  static override readonly flags = { fail: Flags.string({ summary: 'Do not.' }) };

  run(): Promise<{ said: string }> {
    if (this.flags.fail !== undefined) throw new McpkError(this.flags.fail as ErrorCode, 'nobody listens');
    this.print('hello\n');
    return Promise.resolve({ said: 'hello' });
  }
}
