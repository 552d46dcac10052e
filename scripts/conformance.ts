/**
 * `npm run conformance -- [--focus REGEX] [--rounds N] [--procs N]`: upstream's conformance specs against the lab's cluster
 * with Calico. It fails when a spec does, or when one tells of a connection to the VIP that was cut or came late. What a
 * run of all specs gave goes into docs/conformance.md.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { circumstancesOf } from '../bench/circumstances.ts';
import { CALICO, settle, writeKubeconfig } from '../bench/mcpk.ts';
import { fetchConformance } from '../lab/conformance.ts';
import { waitForNodes } from '../lab/nodes.ts';
import { namesOfTestImages, TEST_IMAGES } from '../lab/test-images.ts';
import { DOCUMENT, renderRounds, writeDocument, type Round } from './conformance/document.ts';
import { runRound, type Asked } from './conformance/run.ts';
import { labIsUp, whyNoLab } from './lab.ts';
import { ROOT } from './process.ts';

/** Of the lab's five hosts, which share the machine. */
const PROCS = 4;

const note = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { focus: { type: 'string' }, rounds: { type: 'string' }, procs: { type: 'string' } },
  });
  const [rounds, procs] = [counted(values.rounds, 1), counted(values.procs, PROCS)];
  const reason = whyNoLab();
  if (reason !== undefined || !(await labIsUp())) {
    note(`✖ ${reason ?? 'the lab did not come up'}`);
    return 1;
  }
  const programs = await fetchConformance(({ part, text }) => note(`… ${part}  ${text}`));
  await settle(CALICO);
  await writeKubeconfig(CALICO);
  const notReady = await waitForNodes(90);
  if (notReady.length > 0) throw new Error(`not Ready: ${notReady.join(', ')}`);
  const asked: Asked = {
    tests: programs('conformance'),
    kubernetes: programs('kubernetes'),
    procs,
    ...(values.focus === undefined ? {} : { focus: values.focus }),
  };
  const done: Round[] = [];
  for (let round = 1; round <= rounds; round += 1)
    done.push(await runRound(asked, join(ROOT, '.cache/conformance', String(round))));
  await tell(done, values);
  return done.every(isGood) ? 0 : 1;
}

function counted(text: string | undefined, otherwise: number): number {
  const count = Number(text ?? otherwise);
  if (Number.isInteger(count) && count > 0) return count;
  throw new Error(`${String(text)} is no number of runs or processes`);
}

/** Where nothing ran, nothing is proved. */
function isGood({ passed, failed, atVip }: Round): boolean {
  return passed.length > 0 && failed.length === 0 && atVip.length === 0;
}

async function tell(
  rounds: readonly Round[],
  { focus, ...numbers }: Record<string, string | undefined>,
): Promise<void> {
  const options = Object.entries(numbers).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  );
  const command = ['npm run conformance', ...(options.length > 0 ? ['--', ...options] : [])].join(' ');
  const images = [...(await namesOfTestImages())].map(([id, { reference }]) => ({
    reference,
    of: TEST_IMAGES[id]?.of ?? '',
  }));
  const sharing = 'five hosts, the operator and all tests';
  const text = renderRounds(rounds, images, await circumstancesOf(command, sharing));
  note(text);
  // Of a part there is nothing to be told there.
  if (focus === undefined) await writeDocument(text);
  note(focus === undefined ? `written into ${DOCUMENT}` : `only a part: ${DOCUMENT} stays as it is`);
}

process.exitCode = await main();
