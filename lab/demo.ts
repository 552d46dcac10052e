/**
 * `npm run demo`: from nothing to a highly available Kubernetes on this machine, and a second run that finds nothing
 * to do. Safe to run again; reuses what is there; leaves the lab up.
 */
import { CALICO, inventoryFlags } from '../bench/mcpk.ts';
import { noop } from '../bench/noop.ts';
import { messageOf } from './errors.ts';
import { unfit } from './lab.ts';
import { onOperatorSide, operatorEnvironment } from './operator.ts';
import { CLONE } from './paths.ts';
import { attach } from './run.ts';

const INVENTORY = inventoryFlags(CALICO);

const NEXT = `
The lab is up. What to try next:

  npm run lab -- exec kubectl get nodes,pods -A -o wide
  npm run lab -- exec mcpk plan -i inventories/lab.yaml       nothing to do; now change a setting in the file and look again
  npm run lab -- host m1 rm /etc/etcd/etcd.yaml               drift: plan finds it, apply mends it
  npm run lab -- power off m1                                 lose a master; kubectl still answers at the VIP
  npm run lab -- power on m1                                  and get it back
  npm run lab -- down                                         leave nothing behind
`;

class Failed extends Error {
  readonly code: number;
  constructor(code: number, what: string) {
    super(`the demo ends here: ${what} (exit ${String(code)})`);
    this.code = code;
  }
}

function headline(text: string): void {
  process.stdout.write(`\n── ${text} ${'─'.repeat(Math.max(0, 74 - text.length))}\n\n`);
}

async function must(what: string, argv: readonly string[]): Promise<number> {
  const started = performance.now();
  const code = await attach(argv, { cwd: CLONE });
  if (code !== 0) throw new Failed(code, what);
  return (performance.now() - started) / 1000;
}

/** mcpk on the operator's side, with its live view on this terminal. */
async function mcpk(...words: string[]): Promise<number> {
  const started = performance.now();
  process.stdout.write(`$ mcpk ${words.join(' ')}\n`);
  const code = await attach(onOperatorSide(['mcpk', ...words]), { cwd: CLONE, env: operatorEnvironment() });
  if (code !== 0) throw new Failed(code, `mcpk ${words[0] ?? ''}`);
  return (performance.now() - started) / 1000;
}

async function demo(): Promise<void> {
  headline('mcpk itself');
  await must('the build', [process.execPath, 'scripts/build.ts']);
  process.stdout.write('built\n');
  headline('five bare hosts');
  await must('the lab', [process.execPath, 'lab/main.ts', 'up']);
  headline('apply');
  const first = await mcpk('apply', ...INVENTORY, '--yes');
  headline('apply once more: nothing is to be done');
  const second = await mcpk('apply', ...INVENTORY, '--yes');
  headline('verify');
  await mcpk('verify', ...INVENTORY);
  headline('figures');
  const { tables, notes } = await noop({ quick: true, note: () => undefined }, CALICO);
  const measured = tables.flatMap(({ rows }) =>
    rows.map(([what = '', median = '', , , ratio = '']) => [what, `${median.padEnd(8)} ${ratio} the floor`]),
  );
  const figures = [
    ['first apply here', `${first.toFixed(1)} s`],
    ['second apply here', `${second.toFixed(1)} s`],
    ...measured,
  ];
  for (const [what = '', figure = ''] of figures) process.stdout.write(`${what.padEnd(18)} ${figure}\n`);
  process.stdout.write(`\n${notes.join('\n')}\n`);
  process.stdout.write('npm run bench compares a first apply from bare hosts with a plain script.\n');
  process.stdout.write(NEXT);
}

const reason = unfit();
if (reason === undefined) {
  await demo().catch((error: unknown) => {
    process.stderr.write(`\n✖ ${messageOf(error)}\n`);
    process.exitCode = error instanceof Failed ? error.code : 1;
  });
} else {
  process.stderr.write(`✖ this machine cannot host the lab: ${reason}\n`);
  process.exitCode = 1;
}
