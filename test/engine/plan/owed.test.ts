import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cordonOf } from '../../../src/cluster/cordon.ts';
import type { NodeFacts } from '../../../src/cluster/facts.ts';
import { plan } from '../../../src/engine/plan/plan.ts';
import type { HostPlan, Plan } from '../../../src/engine/types.ts';
import { execute } from '../../../src/engine/work/execute.ts';
import { nodes } from '../../../src/states/nodes.ts';
import { factsOf, labCluster, registered } from '../../states/cluster.ts';
import { fakeHands, fakeState, programOf } from '../support/fake-hands.ts';
import { CHANGE } from '../support/fake-run.ts';

const cluster = await labCluster();
const folder = mkdtempSync(join(tmpdir(), 'mcpk-owed-'));
const state = join(folder, 'node.json');
const stub = join(folder, 'kubectl');
/** A kubectl with one Node: it reads what the steps' jsonpath asks for, and merges a patch. */
writeFileSync(
  stub,
  `#!${process.execPath}
const fs = require('fs'); const words = process.argv.slice(2).filter((word) => !/^--(kubeconfig|server|cache-dir)=/.test(word));
const node = JSON.parse(fs.readFileSync('${state}', 'utf8'));
if (words[0] === 'get') process.stdout.write((node.unschedulable ? 'true' : '') + (node.by ?? ''));
if (words[0] === 'drain') node.unschedulable = true;
if (words[0] === 'patch') {
  const patch = JSON.parse(words.at(-1));
  node.unschedulable = patch.spec.unschedulable ?? undefined;
  node.by = patch.metadata.annotations['mcpk.io/cordoned-by'] ?? undefined;
}
fs.writeFileSync('${state}', JSON.stringify(node));
`,
);
chmodSync(stub, 0o755);
afterAll(() => rmSync(folder, { recursive: true }));

interface Live {
  unschedulable?: boolean;
  by?: string;
  version: string;
}
const live = (): Live => JSON.parse(readFileSync(state, 'utf8')) as Live;
const become = (node: Live): void => writeFileSync(state, JSON.stringify(node));

class Killed extends Error {}

/** Plans from what w1 is now, and carries it out; `killAt`: from that moment on nothing of the run does anything. */
async function run(killAt = Infinity): Promise<{ plan: Plan; done: string[]; moments: number }> {
  const { unschedulable, by, version } = live();
  const cordoned = cordonOf({ unschedulable }, by === undefined ? {} : { 'mcpk.io/cordoned-by': by });
  const w1: NodeFacts = {
    ...registered(cluster).get('w1')!,
    kubeletVersion: version,
    ...(cordoned ? { cordoned } : {}),
  };
  const facts = factsOf(cluster, { nodes: new Map([...registered(cluster), ['w1', w1]]) });
  const differs = version !== `v${cluster.versions.kubernetes}`;
  const item = { ref: 'unit:kubelet.service', title: '', kind: 'unit' };
  const hosts: HostPlan[] = [
    { host: 'w1', items: [{ ...item, comparison: differs ? CHANGE : { result: 'unchanged', reason: '', hash: '' } }] },
  ];
  const planned = plan({
    cluster,
    facts,
    stages: [nodes],
    tree: { hosts: [], stages: [] },
    comparisons: { byHost: new Map(), shared: new Map(), stages: new Map([['nodes', hosts]]) },
    selection: {},
    inventory: { files: [], sha256: '' },
    tool: 't',
    now: new Date(0),
  });
  let moment = 0;
  const tick = (): void => {
    moment += 1;
    if (moment >= killAt) throw new Killed();
  };
  const hands = fakeHands({ facts, before: tick });
  const of = { ...hands };
  hands.converge = async (stage, host) => {
    await of.converge(stage, host);
    become({ ...live(), version: `v${cluster.versions.kubernetes}` });
    tick();
  };
  hands.step = async (taken, until) => {
    const answer = await of.step(taken, until);
    const at = taken.run.findIndex((word) => word.endsWith('/kubectl'));
    const argv = taken.run.with(at, stub);
    execFileSync(argv[0]!, argv.slice(1));
    tick();
    return answer;
  };
  const stages = [{ stage: nodes, plan: planned.stages[0]!, inScope: true, isHeld: true }];
  await execute(programOf(planned, stages, { cluster }), hands, fakeState()).catch(() => undefined);
  return { plan: planned, done: hands.done, moments: moment };
}

const OLD = 'v1.36.4';

describe('a run that is killed while it drains a node', () => {
  it('leaves nothing cordoned after the next one, wherever it was', async () => {
    become({ version: OLD });
    const { moments } = await run();
    expect(live()).toEqual({ version: `v${cluster.versions.kubernetes}` });
    let owed = 0;
    for (let at = 1; at <= moments; at += 1) {
      become({ version: OLD });
      await run(at);
      const left = live();
      const next = await run();
      expect([at, live()]).toEqual([at, { version: `v${cluster.versions.kubernetes}` }]);
      if (left.unschedulable && left.version !== OLD) {
        owed += 1;
        // A change, that plan shows and ends with 2 for.
        expect(next.plan.summary.changes).toBe(1);
        expect(next.plan.stages[0]).toMatchObject({
          batches: [['w1']],
          steps: [{ title: 'uncordon w1', when: 'after' }],
        });
        expect(next.done.some((what) => what.startsWith('converge'))).toBe(false);
      }
      expect((await run()).plan.summary.changes).toBe(0);
    }
    expect(owed).toBeGreaterThan(0);
  });
});

describe('a cordon of an operator', () => {
  it.each([OLD, `v${cluster.versions.kubernetes}`])(
    'is never lifted, whatever changes: kubelet %s',
    async (version) => {
      become({ version, unschedulable: true });
      const { plan: planned } = await run();
      expect(live()).toMatchObject({ unschedulable: true });
      expect(live()).not.toHaveProperty('by');
      expect(planned.stages[0]?.steps.map(({ title }) => title)).toEqual(version === OLD ? ['drain w1'] : []);
    },
  );

  it('nor one that was made after the plan', async () => {
    become({ version: OLD });
    const around = nodes.around?.({
      cluster,
      facts: factsOf(cluster, { nodes: registered(cluster, OLD) }),
      batch: ['w1'],
    });
    become({ version: OLD, unschedulable: true });
    for (const { run: argv } of [...(around?.before ?? []), ...(around?.after ?? [])])
      execFileSync(
        argv.map((word) => (word.endsWith('/kubectl') ? stub : word))[0]!,
        argv.map((word) => (word.endsWith('/kubectl') ? stub : word)).slice(1),
      );
    expect(live()).toEqual({ version: OLD, unschedulable: true });
  });
});
