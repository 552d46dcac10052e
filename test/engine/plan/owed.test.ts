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
const state = join(folder, 'node');
const stub = join(folder, 'kubectl');
/** A kubectl with one Node, in sh as a Node.js for each step costs seconds: it tells what the steps' jsonpath asks for, and merges a patch. */
writeFileSync(
  stub,
  `#!/bin/sh
set -eu
{ read -r unschedulable; read -r by; } <'${state}'
for last; do case $last in get | drain | patch) verb=$last ;; esac; done
case $verb in
  get) printf %s "$unschedulable$by" ;;
  drain) unschedulable=true ;;
  patch)
    case $last in *'"unschedulable":true'*) unschedulable=true ;; *'"unschedulable":null'*) unschedulable= ;; esac
    case $last in *'"mcpk.io/cordoned-by":"mcpk"'*) by=mcpk ;; *'"mcpk.io/cordoned-by":null'*) by= ;; esac
    ;;
esac
printf '%s\n%s\n' "$unschedulable" "$by" >'${state}'
`,
);
chmodSync(stub, 0o755);
afterAll(() => rmSync(folder, { recursive: true }));

interface Live {
  unschedulable?: boolean;
  by?: string;
  version: string;
}
/** No step changes it. */
let kubelet = '';
const live = (): Live => {
  const [unschedulable, by] = readFileSync(state, 'utf8').split('\n');
  return { version: kubelet, ...(unschedulable === 'true' ? { unschedulable: true } : {}), ...(by ? { by } : {}) };
};
const become = ({ unschedulable, by, version }: Live): void => {
  kubelet = version;
  writeFileSync(state, `${unschedulable ? 'true' : ''}\n${by ?? ''}\n`);
};

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
  hands.steps = async (steps, until) => {
    const answers = await of.steps(steps, until);
    for (const taken of steps) {
      const at = taken.run.findIndex((word) => word.endsWith('/kubectl'));
      const argv = taken.run.with(at, stub);
      execFileSync(argv[0]!, argv.slice(1));
    }
    tick();
    return answers;
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
          steps: [{ title: 'uncordon w1', when: 'held' }],
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
