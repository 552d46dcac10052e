import { describe, expect, it } from 'vitest';
import type { Answer, GateCheck } from '../../../src/cluster/gate.ts';
import type { Facts, HostFacts } from '../../../src/cluster/facts.ts';
import { noteLine, parseJournal } from '../../../src/engine/past/journal-lines.ts';
import { owedOf, owedWords } from '../../../src/engine/past/owed-lines.ts';
import { plan } from '../../../src/engine/plan/plan.ts';
import type { HostPlan, Plan } from '../../../src/engine/types.ts';
import { execute } from '../../../src/engine/work/execute.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import { kindOf, pathsOf } from '../../../src/resources/kinds.ts';
import type { Comparison, Observed, UnitResource, UnitState } from '../../../src/resources/types.ts';
import { apiServer } from '../../../src/states/api-server.ts';
import { etcd } from '../../../src/states/etcd.ts';
import { haproxy } from '../../../src/states/haproxy.ts';
import { STAGES } from '../../../src/states/index.ts';
import { keepalived } from '../../../src/states/keepalived.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { contextOf, factsOf, hostFacts, labCluster, registered } from '../../states/cluster.ts';
import { fakeHands, fakeState, programOf } from '../support/fake-hands.ts';
import { CHANGE } from '../support/fake-run.ts';

/** With two masters each API server is the last one beside the other; the third member of etcd is a host of its own. */
const cluster = await labCluster(
  'hosts: [{ name: m1, roles: [master, etcd] }, { name: m2, roles: [master, etcd] }, { name: m3, roles: [etcd] }]',
);
const MASTERS = ['m1', 'm2'];

/** A stage that restarts a unit on each of its hosts, with steps that stop another unit for so long. */
interface Case {
  /** What restarts. */
  stage: Stage;
  /** Of what is stopped. */
  other: Stage;
  unit: string;
}
const CASES: Case[] = [
  { stage: etcd, other: apiServer, unit: 'etcd.service' },
  { stage: haproxy, other: keepalived, unit: 'haproxy.service' },
];

/** The hosts of a case as they are, whatever runs did to them. */
class World {
  readonly #case: Case;
  readonly #unit: UnitResource;
  /** Hosts on which the stage's unit is yet to restart. */
  pending: Set<string>;
  stopped = new Set<string>();
  /** Hosts on which a run was cut off, with their journals. */
  journals = new Map<string, string>();

  constructor(of: Case) {
    this.#case = of;
    this.pending = new Set(of.stage.hosts(cluster).map(({ name }) => name));
    const states = of.other.states(contextOf(cluster, 'm1', this.#facts()));
    if (!Array.isArray(states)) throw new Error('not deferred');
    this.#unit = states.find((each) => each.kind === 'unit')!;
  }

  /** Plans from what is there, and carries it out; `killAt`: from that moment on nothing of the run does anything. */
  async run(killAt = Infinity): Promise<{ plan: Plan; failures: string[]; moments: number }> {
    const { stage, other } = this.#case;
    const facts = this.#facts();
    const planned = this.#plan(facts);
    let moments = 0;
    const tick = (): void => {
      moments += 1;
      if (moments >= killAt) throw new Error('killed');
    };
    const hands = fakeHands({ facts, before: tick });
    const of = { ...hands };
    hands.converge = async (name, { host }) => {
      await of.converge(name, { host, items: [] });
      if (name === stage.name) this.pending.delete(host);
      else this.stopped.delete(host);
      tick();
    };
    hands.steps = async (steps, signal) => {
      const answers = await of.steps(steps, signal);
      for (const { run, on } of steps) {
        const [program, verb, name] = run;
        if (program === 'systemctl' && name === this.#unit.name) this.stopped[verb === 'stop' ? 'add' : 'delete'](on);
      }
      tick();
      return answers;
    };
    hands.owe = async (name, step) => {
      await of.owe(name, step);
      this.#note(step.on, 'owed', owedWords(name, step.undo ?? []));
      tick();
    };
    hands.settle = (name, hosts) => {
      if (moments < killAt) for (const host of hosts) this.#note(host, 'settled', [name]);
    };
    hands.hold = async (gates, how) => {
      await of.hold(gates, how);
      for (const gate of gates) {
        const wrong = how.code === 'refused' ? this.#wrong(gate) : undefined;
        if (wrong !== undefined) throw new Error(wrong);
      }
    };
    const stages = [stage, other].map((each) => ({
      stage: each,
      plan: planned.stages.find(({ name }) => name === each.name)!,
      inScope: true,
      isHeld: true,
    }));
    const state = fakeState();
    await execute(programOf(planned, stages, { cluster }), hands, state);
    if (moments < killAt) this.journals.clear();
    return { plan: planned, failures: state.failures.map(({ message }) => message), moments };
  }

  #note(host: string, event: 'owed' | 'settled', words: string[]): void {
    this.journals.set(host, `${this.journals.get(host) ?? ''}${noteLine(1795347245120, 'r', event, words)}\n`);
  }

  /** What a guard finds wrong, as the units are. */
  #wrong(gate: GateCheck): string | undefined {
    return gate.check(
      gate.asks.map(({ host, argv }): Answer => {
        const isApi = argv.join(' ').includes(':6443');
        const runs = !(isApi && this.#case.other === apiServer && this.stopped.has(host));
        const body = isApi ? 'ok' : '{"health":"true"}';
        return { host, exitCode: runs ? 0 : 1, stdout: runs ? `HTTP/1.0 200 OK\r\n\r\n${body}` : '', stderr: '' };
      }),
    );
  }

  #facts(): Facts {
    const units = ['etcd', 'kube-apiserver', 'haproxy', 'keepalived'];
    const owned = units.map((name) => ({ ref: `unit:${name}.service`, hash: '', stage: '' })) as HostFacts['owned'];
    const isApi = this.#case.other === apiServer;
    const serving = MASTERS.filter((name) => !(isApi && this.stopped.has(name)));
    const holder = MASTERS.find((name) => isApi || !this.stopped.has(name));
    const own = (name: string, address: string): HostFacts =>
      hostFacts(address, { owned, etcdData: true, ports: [6443], holdsVip: name === holder });
    return factsOf(cluster, {
      hosts: new Map(cluster.hosts.map(({ name, internalAddress }) => [name, own(name, internalAddress)])),
      etcd: 'formed',
      nodes: registered(cluster),
      // The leader is last: the one that was left must not wait for it.
      standing: { etcd: ['m1', 'm2', 'm3'], apiServers: serving, etcdLeader: 'm1' },
      owed: [...this.journals].flatMap(([host, text]) => owedOf(host, parseJournal(text))),
    });
  }

  #plan(facts: Facts): Plan {
    const { stage, other, unit } = this.#case;
    const item = (name: string, comparison: Comparison) => ({
      ref: `unit:${name}`,
      title: name,
      kind: 'unit',
      comparison,
    });
    const restarts = (host: string): Comparison =>
      this.pending.has(host) ? { ...CHANGE, verb: 'restart' } : { result: 'unchanged', reason: '', hash: '' };
    const differences = new Map<string, HostPlan[]>([
      [stage.name, stage.hosts(cluster).map(({ name }) => ({ host: name, items: [item(unit, restarts(name))] }))],
      [other.name, MASTERS.map((host) => ({ host, items: [item(this.#unit.name, this.#compared(host, facts))] }))],
    ]);
    return plan({
      cluster,
      facts,
      stages: [stage, other],
      tree: { hosts: [], stages: [] },
      comparisons: { byHost: new Map(), shared: new Map(), stages: differences },
      selection: {},
      inventory: { files: [], sha256: '' },
      tool: 't',
      now: new Date(0),
    });
  }

  /** By the real comparison of the unit. */
  #compared(host: string, facts: Facts): Comparison {
    const activeState = this.stopped.has(host) ? 'inactive' : 'active';
    const seen: Partial<UnitState> = { loadState: 'loaded', unitFileState: 'enabled', activeState, startedAt: 0 };
    const observed = { paths: {}, units: { [this.#unit.name]: seen } } as unknown as Observed;
    const owned = new Map(facts.hosts.get(host)?.owned.map((each) => [each.ref, each.hash]));
    const context = { host, shared: new Map(), owned, of: () => undefined, pathsOf, now: new Date(0) };
    return kindOf(this.#unit).compare(this.#unit, observed, context);
  }
}

describe.each(CASES.map((each) => ({ ...each, name: each.stage.name })))(
  'a run that is killed while $name stops another unit for a restart',
  (of) => {
    it('owes its start, which the next one does first, wherever it was', async () => {
      const { moments } = await new World(of).run();
      let left = 0;
      for (let at = 1; at <= moments; at += 1) {
        const world = new World(of);
        await world.run(at);
        const [stopped = ''] = world.stopped;
        const owing = [...world.journals.keys()];
        const next = await world.run();
        expect([at, next.failures, [...world.stopped], [...world.pending]]).toEqual([at, [], [], []]);
        expect([at, (await world.run()).plan.summary.changes]).toEqual([at, 0]);
        if (stopped === '') continue;
        left += 1;
        expect([at, owing]).toEqual([at, expect.arrayContaining([stopped])]);
        const [first, second] = next.plan.stages;
        expect(first?.batches[0]).toEqual([stopped]);
        expect(first?.steps.find(({ title }) => title.includes('owes'))).toMatchObject({
          batch: 0,
          when: 'after',
          on: stopped,
        });
        // The comparison alone would start it too, but only after the stage that may wait for it.
        const changes = second?.hosts.flatMap((each) => each.items.map(({ comparison }) => [each.host, comparison]));
        expect(changes).toContainEqual([stopped, expect.objectContaining({ verb: 'start' })]);
      }
      expect(left).toBeGreaterThan(0);
    });
  },
);

it('each step with an undo is noted in the journal, or leaves a mark that its stage finds', () => {
  const hosts = (all: Cluster): Facts['hosts'] =>
    new Map(
      all.hosts.map(({ name, internalAddress }) => {
        const units = ['kube-apiserver', 'keepalived'].map((unit) => ({
          ref: `unit:${unit}.service`,
          hash: '',
          stage: '',
        }));
        return [name, hostFacts(internalAddress, { etcdData: true, holdsVip: name === 'm1', owned: units })];
      }),
    );
  const facts = factsOf(cluster, { hosts: hosts(cluster), etcd: 'formed', nodes: registered(cluster, 'v1.36.4') });
  const restarting = new Map(cluster.hosts.map(({ name }) => [name, ['etcd.service', 'haproxy.service']]));
  const withUndo = STAGES.flatMap((stage) => {
    const batch = stage.hosts(cluster).map(({ name }) => name);
    const steps = stage.around?.({ cluster, facts, batch, restarting });
    return [...(steps?.before ?? []), ...(steps?.after ?? [])].flatMap(({ undo, run, marked }) =>
      undo ? [`${stage.name}: ${marked ? 'found' : `${run.join(' ')}, ${undo.join(' ')}`}`] : [],
    );
  });
  expect([...new Set(withUndo)]).toEqual([
    'departure: found',
    'haproxy: systemctl stop keepalived.service, systemctl start keepalived.service',
    'retirement: found',
    'etcd: systemctl stop kube-apiserver.service, systemctl start kube-apiserver.service',
    'nodes: found',
  ]);
});
