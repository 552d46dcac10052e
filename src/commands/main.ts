import { Errors, run, type Command, type Interfaces } from '@oclif/core';
import Apply from './apply.ts';
import Exec from './exec.ts';
import Facts from './facts.ts';
import History from './history.ts';
import HostKeyPin from './host-key/pin.ts';
import HostKeyScan from './host-key/scan.ts';
import HostKeyShow from './host-key/show.ts';
import Init from './init.ts';
import Kubeconfig from './kubeconfig.ts';
import Plan from './plan.ts';
import Render from './render.ts';
import Rollback from './rollback.ts';
import Show from './show.ts';
import Validate from './validate.ts';
import Verify from './verify.ts';

export { commandNotFound } from './shared/command-not-found.ts';
export { MainHelp } from './shared/help.ts';

/** What oclif runs, by the words of the command line. A command loads what it needs when it runs. */
export const COMMANDS: Readonly<Record<string, Command.Class>> = {
  apply: Apply,
  exec: Exec,
  facts: Facts,
  history: History,
  'host-key:pin': HostKeyPin,
  'host-key:scan': HostKeyScan,
  'host-key:show': HostKeyShow,
  init: Init,
  kubeconfig: Kubeconfig,
  plan: Plan,
  render: Render,
  rollback: Rollback,
  show: Show,
  validate: Validate,
  verify: Verify,
};

/** Runs the command line of this process; `root` is the folder of package.json. */
export async function main(options: Interfaces.Options): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Whoever read is gone (`| head -1`): what runs on the hosts ends as it would.
      if (error.code !== 'EPIPE') throw error;
    });
  try {
    await run(process.argv.slice(2), options);
    await written(process.stdout);
  } catch (error) {
    await Errors.handle(error instanceof Error ? error : new Error(String(error)));
  }
}

/** What was printed is on its way, or nobody reads any more; oclif's own `flush` waits for a closed pipe for ever. */
async function written(stream: NodeJS.WriteStream): Promise<void> {
  if (!stream.destroyed) await new Promise((resolve) => stream.write('', resolve));
}
