import { beforeAll, describe, expect, it } from 'vitest';
import { PATHS } from '../../src/core/paths.ts';
import { quote } from '../../src/core/quote.ts';
import { ref } from '../../src/resources/kinds.ts';
import type { Resource } from '../../src/resources/types.ts';
import type { Plan, RunResult, StateTree } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import { spoil } from './support/drift.ts';
import { eventually, mcpk, mcpkJson, on, unitStarts } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';

startFrom('ready', { leaves: 'ready' });

interface Target {
  host: string;
  stage: string;
  resource: Resource;
  argv: string[];
}

let tree: StateTree;

/** Every different resource once, on the last host that has it: what a table forgets can't be left out here. */
function targets(how: 'changed' | 'removed'): Target[] {
  const found = new Map<string, Target>();
  for (const stage of tree.stages) {
    for (const { host, resources } of stage.hosts) {
      for (const resource of resources) {
        const argv = host === 'api' ? undefined : spoil(how, resource);
        if (argv) found.set(ref(resource), { host, stage: stage.name, resource, argv });
      }
    }
  }
  return [...found.values()];
}

/** Of a binary the links of its host to it: what runs it runs another file now, and starts again. */
function linksTo({ host, resource }: Target): { host: string; resource: Resource }[] {
  if (resource.kind !== 'binary') return [];
  const own = tree.stages.flatMap((stage) => stage.hosts).filter((states) => states.host === host);
  return own
    .flatMap((states) => states.resources)
    .filter((each) => each.kind === 'link' && each.target === `${PATHS.store}/${resource.sha256}`)
    .map((each) => ({ host, resource: each }));
}

/** All of them with one call a host. */
async function spoilAll(spoiled: readonly Target[]): Promise<void> {
  const byHost = Map.groupBy(spoiled, (each) => each.host);
  await Promise.all(
    [...byHost].map(([host, own]) => on(host, 'sh', '-ec', own.map(({ argv }) => quote(argv)).join('\n'))),
  );
}

/** What restarts because of one of these is told from what restarts because of another: they take turns alone. */
const ALONE = new Set(['artifacts', 'certificates', 'etcd', 'api-server']);
/** Of the others these and the rest: HAProxy not with Keepalived, which may restart for it. */
const TOGETHER = new Set(['haproxy', 'runtime', 'nodes', 'network', 'addons']);

function roundOf({ stage }: Target): string {
  if (ALONE.has(stage)) return stage;
  return TOGETHER.has(stage) ? 'HAProxy and what pods need' : 'the rest';
}

/** `m1 etcd.service` of every unit that must start again because of these. */
function dependents(spoiled: readonly Target[], how: 'changed' | 'removed'): string[] {
  const hit = new Set(
    spoiled.flatMap((each) => [each, ...linksTo(each)].map((of) => `${of.host} ${ref(of.resource)}`)),
  );
  const units = tree.stages
    .flatMap((stage) => stage.hosts)
    .flatMap(({ host, resources }) =>
      resources.flatMap((resource) => (resource.kind === 'unit' ? [{ host, resource }] : [])),
    );
  const direct = units
    .filter(({ host, resource }) => {
      const started = resource.inputs.some((input) => input.on === 'restart' && hit.has(`${host} ${input.ref}`));
      const stopped = how === 'removed' && hit.has(`${host} ${ref(resource)}`);
      const unpacked =
        how === 'removed' &&
        spoiled.some(
          (each) =>
            each.host === host && each.resource.kind === 'package' && each.resource.units.includes(resource.name),
        );
      return started || stopped || unpacked;
    })
    .map(({ host, resource }) => `${host} ${resource.name}`);
  // An API server is stopped gracefully before its local etcd member, and started after it.
  const around = direct.flatMap((unit) =>
    unit.endsWith(' etcd.service') ? [unit.replace('etcd.service', 'kube-apiserver.service')] : [],
  );
  return [...new Set([...direct, ...around])].toSorted();
}

const FOLLOWERS: Readonly<Record<string, readonly string[]>> = {
  'etcd.service': ['kube-apiserver', 'kube-scheduler', 'kube-controller-manager'],
  'kube-apiserver.service': ['kube-scheduler', 'kube-controller-manager'],
};

/**
 * What may restart or not. Controllers exit when their API server is away for 10 s, which it is when it or its etcd
 * member was stopped by hand; an API server is taken out of rotation for its member only while it serves.
 */
function mayFollow(expected: readonly string[]): string[] {
  return expected.flatMap((unit) => {
    const [host = '', name = ''] = unit.split(' ');
    return (FOLLOWERS[name] ?? []).map((each) => `${host} ${each}.service`);
  });
}

/** Where HAProxy restarts, Keepalived stops for it if it has the VIP. */
function mayHandOver(expected: readonly string[]): string[] {
  const proxies = expected.filter((unit) => unit.endsWith(' haproxy.service'));
  return proxies.map((unit) => unit.replace('haproxy', 'keepalived'));
}

/** The plan while something is spoiled; it must find something. */
async function planWith(what: string): Promise<Plan> {
  const said = await mcpk(['plan', '--json']);
  expect(said.code, what).toBe(2);
  return JSON.parse(said.stdout) as Plan;
}

/** `m1 file:/etc/x` of all that a plan would change. */
function changesOf(plan: Plan): string[] {
  return plan.stages.flatMap((of) =>
    of.hosts.flatMap((host) =>
      host.items.filter((item) => item.comparison.result === 'change').map((item) => `${host.host} ${item.ref}`),
    ),
  );
}

/** Nothing is to be done, but for the starts of those that systemd is just starting again. */
async function nothingLeft(what: string, excused: readonly string[]): Promise<void> {
  await eventually(what, 30, async () => {
    const plan = JSON.parse((await mcpk(['plan', '--json'])).stdout) as Plan;
    const starting = plan.actions.filter((each) => each.verb === 'start').map((each) => `${each.host} ${each.unit}`);
    const excusedNow = starting.filter((unit) => excused.includes(unit)).map((unit) => unit.replace(' ', ' unit:'));
    expect(changesOf(plan).toSorted(), what).toEqual(excusedNow.toSorted());
    return excusedNow.length === 0 ? true : undefined;
  });
}

describe('drift', () => {
  beforeAll(async () => {
    tree = await mcpkJson<StateTree>(['show'], 0);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });

  for (const how of ['changed', 'removed'] as const) {
    // A minute and a half each, which the CI tier takes once.
    it.runIf(how === 'changed' || FULL)(
      `what was ${how} by hand is found, mended, and only what depends on it restarts`,
      async () => {
        const all = targets(how);
        expect(new Set(all.map((each) => each.stage)).size).toBeGreaterThan(8);
        for (const [round, spoiled] of Map.groupBy(all, roundOf)) {
          const before = await unitStarts();
          await spoilAll(spoiled);
          const what = `${round}: ${how}: ${spoiled.map((each) => `${each.host} ${ref(each.resource)}`).join(', ')}`;
          const plan = await planWith(what);
          const planned = changesOf(plan);
          for (const each of spoiled)
            expect(planned, `${round}: ${how}`).toContain(`${each.host} ${ref(each.resource)}`);
          await mcpkJson<RunResult>(['apply', '--yes'], 0);
          const expected = dependents(spoiled, how).filter((unit) => unit in before);
          const excused = [...mayHandOver(expected), ...(how === 'removed' ? mayFollow(expected) : [])];
          await nothingLeft(`${round}: ${how}, after apply`, excused);
          const after = await unitStarts();
          const restarted = Object.keys(after).filter(
            (unit) => after[unit] !== before[unit] && !excused.includes(unit),
          );
          expect(restarted.toSorted(), `${round}: ${how}`).toEqual(expected.filter((unit) => !excused.includes(unit)));
        }
      },
    );
  }

  it('a drop-in that somebody put over a unit is found and taken away', async () => {
    await on(
      'm2',
      'sh',
      '-c',
      'mkdir -p /etc/systemd/system/kube-scheduler.service.d && printf "[Service]\\nNice=5\\n" > /etc/systemd/system/kube-scheduler.service.d/hand.conf && systemctl daemon-reload',
    );
    const plan = await mcpkJson<Plan>(['plan'], 2);
    expect(JSON.stringify(plan.stages.flatMap((stage) => stage.hosts))).toContain('hand.conf');
    await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });
});
