import { onOperatorSide, operatorEnvironment } from '../../../lab/operator.ts';
import { CLONE } from '../../../lab/paths.ts';
import { RunningCommand } from '../../support/running-command.ts';
import { INVENTORY } from './mcpk.ts';

/** A run of mcpk that something happens to. Its progress comes a line an event (`--verbose`). */
export class Running extends RunningCommand {
  constructor(args: readonly string[], overlays: readonly string[] = []) {
    // A saved plan holds its inventory.
    const files = args.includes('--plan') ? [] : [INVENTORY, ...overlays].flatMap((file) => ['-i', file]);
    super(onOperatorSide(['mcpk', ...args, '--verbose', ...files]), { cwd: CLONE, env: operatorEnvironment() });
  }
}
