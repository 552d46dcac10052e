import { fetchConformance } from './conformance.ts';
import { LabError, messageOf } from './errors.ts';
import { onHost } from './hosts.ts';
import {
  down,
  fetch,
  linkDown,
  linkUp,
  loadCutOff,
  netem,
  powerOff,
  powerOn,
  reset,
  status,
  up,
  wipe,
  type Progress,
} from './lab.ts';
import { onOperatorSide, operatorEnvironment } from './operator.ts';
import { attach, run } from './run.ts';
import { foldersOf, savedLabs } from './saved.ts';
import { forget, load, save } from './states.ts';
import { VIP } from './topology.ts';

const USAGE = `Five bare hosts and an operator's side on this machine.

  npm run lab -- up                   get what is missing, boot what is off
  npm run lab -- fetch [conformance]  only get what is missing; also upstream's tests and their images
  npm run lab -- reset [HOST…]        boot the hosts bare again
  npm run lab -- down                 end the lab, leave nothing behind
  npm run lab -- save NAME            stop the hosts, keep them and the operator's files, boot again
  npm run lab -- load NAME            put a saved lab in the place of this one
  npm run lab -- saved                list the saved labs, with what they take on disk
  npm run lab -- forget NAME          remove a saved lab
  npm run lab -- status               hosts, addresses, whether they are on
  npm run lab -- exec CMD…            run a command on the operator's side
  npm run lab -- host HOST CMD…       run a command on a host
  npm run lab -- power on|off HOST    power loss and return
  npm run lab -- link up|down HOST    plug a host's cable in, or pull it
  npm run lab -- netem HOST [WORDS…]  delay or lose what a host sends; no words end it
  npm run lab -- wipe HOST            power loss and a new, empty disk
`;

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  switch (command) {
    case 'up':
      await up(print);
      process.stdout.write(
        `\nThe lab is up. Try: npm run lab -- exec ssh -F '$MCPK_LAB_SSH_CONFIG' m1, or: npm run lab -- host m1 systemctl status\n`,
      );
      return 0;
    case 'fetch':
      await (rest[0] === 'conformance' ? fetchConformance(print) : fetch(print));
      return 0;
    case 'reset':
      await reset(rest.length === 0 ? undefined : rest, print);
      return 0;
    case 'down':
      await down(print);
      return 0;
    case 'save':
      await save(requiredName(rest[0]), print);
      return 0;
    case 'load':
      await load(requiredName(rest[0]), print);
      return 0;
    case 'saved':
      return printSaved();
    case 'forget':
      await forget(requiredName(rest[0]));
      return 0;
    case 'status':
      return printStatus();
    case 'exec':
      return execute(rest);
    case 'host':
      return onOneHost(rest);
    case 'power':
    case 'link':
      return fault(command, rest);
    case 'netem':
      await netem(required(rest[0]), rest.slice(1));
      return 0;
    case 'wipe':
      await wipe(required(rest[0]));
      return 0;
    case undefined:
    case 'help':
    case '--help':
      process.stdout.write(USAGE);
      return command === undefined ? 64 : 0;
    default:
      throw new LabError(`the lab has no command "${command}"`, { hint: `its commands are:\n\n${USAGE}` });
  }
}

async function execute(argv: readonly string[]): Promise<number> {
  if (!(await status()).up) throw new LabError('the lab is not up', { hint: 'start it with: npm run lab -- up' });
  return attach(onOperatorSide(argv.length === 0 ? [process.env['SHELL'] ?? 'sh'] : argv), {
    env: operatorEnvironment(),
    cwd: callersFolder(),
  });
}

/** npm runs scripts in the package's folder and tells where it was called from. */
function callersFolder(): string {
  const folder = process.env['npm_lifecycle_event'] === 'lab' ? process.env['INIT_CWD'] : undefined;
  return folder ?? process.cwd();
}

async function onOneHost(argv: readonly string[]): Promise<number> {
  const [name, ...command] = argv;
  return attach(await onHost(required(name), command.length === 0 ? ['/bin/bash', '-l'] : command));
}

async function fault(kind: 'power' | 'link', argv: readonly string[]): Promise<number> {
  const [state, host] = argv;
  const actions = {
    power: { on: powerOn, off: powerOff, up: undefined, down: undefined },
    link: { up: linkUp, down: linkDown, on: undefined, off: undefined },
  };
  const known = state === 'on' || state === 'off' || state === 'up' || state === 'down';
  const action = known ? actions[kind][state] : undefined;
  if (action === undefined) {
    throw new LabError(`${kind} takes ${kind === 'power' ? 'on or off' : 'up or down'}, then a host`, {
      hint: `for example: npm run lab -- ${kind} ${kind === 'power' ? 'off' : 'down'} m1`,
    });
  }
  await action(required(host));
  return 0;
}

function required(host: string | undefined): string {
  if (host === undefined) throw new LabError('which host?', { hint: 'name one of m1, m2, m3, w1, w2' });
  return host;
}

function requiredName(name: string | undefined): string {
  if (name === undefined) throw new LabError('which saved lab?', { hint: 'npm run lab -- saved lists them' });
  return name;
}

async function printSaved(): Promise<number> {
  for (const saved of await savedLabs()) {
    const lines = await run(['du', '-shc', ...(await foldersOf(saved.name))]);
    const [size = ''] = lines.trimEnd().split('\n').at(-1)?.split('\t') ?? [];
    process.stdout.write(`${saved.name.padEnd(12)}  ${saved.savedAt}  ${size.padStart(6)}  on ${saved.image}\n`);
  }
  return 0;
}

async function printStatus(): Promise<number> {
  const lab = await status();
  const lines = lab.hosts.map((host) => `${host.name}  ${host.address.padEnd(12)}  ${host.on ? 'on' : 'off'}`);
  process.stdout.write(
    `${lines.join('\n')}\n\nlab       ${lab.up ? 'up' : 'down'}\nregistry  ${lab.registry ? 'up' : 'down'}\nVIP       ${VIP}\n`,
  );
  const loading = await loadCutOff();
  if (loading !== undefined) process.stdout.write(`in pieces: the load of ${loading} was cut off; load it again\n`);
  return lab.up && lab.registry && loading === undefined && lab.hosts.every((host) => host.on) ? 0 : 1;
}

function print({ part, text, seconds }: Progress): void {
  const time = seconds === undefined ? '' : `${seconds.toFixed(1)} s`;
  process.stdout.write(`${seconds === undefined ? '…' : '✔'} ${part.padEnd(12)} ${time.padStart(7)}  ${text}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`✖ ${messageOf(error)}\n`);
  if (error instanceof LabError && error.hint !== undefined) process.stderr.write(`  what to do: ${error.hint}\n`);
  process.exitCode = 1;
}
