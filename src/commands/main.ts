import { Errors, run, settings, type Command, type Interfaces } from '@oclif/core';
import Apply from './apply.ts';
import ArtifactsBundle from './artifacts/bundle.ts';
import ArtifactsFetch from './artifacts/fetch.ts';
import ArtifactsList from './artifacts/list.ts';
import ArtifactsVerify from './artifacts/verify.ts';
import Autocomplete from './autocomplete.ts';
import Complete from './complete.ts';
import EtcdDefrag from './etcd/defrag.ts';
import EtcdRecover from './etcd/recover.ts';
import EtcdRehearse from './etcd/rehearse.ts';
import EtcdRestore from './etcd/restore.ts';
import EtcdSnapshot from './etcd/snapshot.ts';
import EtcdStatus from './etcd/status.ts';
import Exec from './exec.ts';
import Explain from './explain.ts';
import Facts from './facts.ts';
import HelpCommand from './help.ts';
import History from './history.ts';
import HostKeyPin from './host-key/pin.ts';
import HostKeyScan from './host-key/scan.ts';
import HostKeyShow from './host-key/show.ts';
import Images from './images.ts';
import Init from './init.ts';
import Kubeconfig from './kubeconfig.ts';
import NodeDrain from './node/drain.ts';
import NodeReboot from './node/reboot.ts';
import NodeRemove from './node/remove.ts';
import NodeReplace from './node/replace.ts';
import NodeUncordon from './node/uncordon.ts';
import NodeUpgradePackages from './node/upgrade-packages.ts';
import Plan from './plan.ts';
import Render from './render.ts';
import Reset from './reset.ts';
import Rollback from './rollback.ts';
import Show from './show.ts';
import Validate from './validate.ts';
import Verify from './verify.ts';
import VersionCommand from './version.ts';
import { EXIT_CODES, McpkError } from '../core/errors.ts';
import { renderError } from '../report/error-text.ts';
import { themeFor } from '../report/theme.ts';

export { commandNotFound } from './shared/command-not-found.ts';
export { MainHelp } from './shared/help.ts';

/** What oclif runs, by the words of the command line. A command loads what it needs when it runs. */
export const COMMANDS: Readonly<Record<string, Command.Class>> = {
  apply: Apply,
  'artifacts:bundle': ArtifactsBundle,
  'artifacts:fetch': ArtifactsFetch,
  'artifacts:list': ArtifactsList,
  'artifacts:verify': ArtifactsVerify,
  autocomplete: Autocomplete,
  complete: Complete,
  'etcd:defrag': EtcdDefrag,
  'etcd:recover': EtcdRecover,
  'etcd:rehearse': EtcdRehearse,
  'etcd:restore': EtcdRestore,
  'etcd:snapshot': EtcdSnapshot,
  'etcd:status': EtcdStatus,
  exec: Exec,
  explain: Explain,
  facts: Facts,
  help: HelpCommand,
  history: History,
  'host-key:pin': HostKeyPin,
  'host-key:scan': HostKeyScan,
  'host-key:show': HostKeyShow,
  images: Images,
  init: Init,
  kubeconfig: Kubeconfig,
  'node:drain': NodeDrain,
  'node:reboot': NodeReboot,
  'node:remove': NodeRemove,
  'node:replace': NodeReplace,
  'node:uncordon': NodeUncordon,
  'node:upgrade-packages': NodeUpgradePackages,
  plan: Plan,
  render: Render,
  reset: Reset,
  rollback: Rollback,
  show: Show,
  validate: Validate,
  verify: Verify,
  version: VersionCommand,
};

/** Runs the command line of this process; `root` is the folder of package.json. */
export async function main(options: Interfaces.Options): Promise<void> {
  const isLost = hearOutput();
  // Where NODE_ENV is test or development oclif would load TypeScript's compiler first, to look for sources.
  settings.enableAutoTranspile = false;
  try {
    await run(process.argv.slice(2), options);
    await written(process.stdout);
    const isFailed = process.exitCode !== undefined && !FINE.has(process.exitCode);
    if (isLost() && !isFailed) process.exitCode = EXIT_CODES.unexpected[0];
  } catch (error) {
    await Errors.handle(error instanceof Error ? error : new Error(String(error)));
  }
}

/** Codes of a run that did what it should. */
const FINE: ReadonlySet<unknown> = new Set([EXIT_CODES.done[0], EXIT_CODES.pending[0]]);

/**
 * What cannot be printed does not end what runs on the hosts. Whoever read may be gone (`| head -1`): nothing is said
 * of that. A result that is lost is said once. Tells whether one was.
 */
function hearOutput(): () => boolean {
  let isLost = false;
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE' || isLost) return;
    isLost = true;
    const said = new McpkError('unexpected', `the output cannot be written: ${error.message}`);
    process.stderr.write(renderError(said, themeFor(process.stderr, process.env)));
  };
  // oclif's own end the process with a stack.
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error');
  process.stdout.on('error', onError);
  process.stderr.on('error', () => undefined);
  return () => isLost;
}

/** What was printed is on its way, or nobody reads any more; oclif's own `flush` waits for a closed pipe for ever. */
async function written(stream: NodeJS.WriteStream): Promise<void> {
  if (!stream.destroyed) await new Promise((resolve) => stream.write('', resolve));
}
