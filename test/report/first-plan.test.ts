import { describe, expect, it } from 'vitest';
import { compare } from '../../src/engine/plan/compare.ts';
import { compile } from '../../src/engine/plan/compile.ts';
import { inventoryOf } from '../../src/engine/plan/inventory-digest.ts';
import { plan } from '../../src/engine/plan/plan.ts';
import type { Plan } from '../../src/engine/types.ts';
import { renderPlan } from '../../src/report/plan-text.ts';
import { PLAIN } from '../../src/report/theme.ts';
import { STAGES } from '../../src/states/index.ts';
import { emptyObserved, fileState } from '../resources/case.ts';
import { anyArtifact, factsOf, labCluster, registered } from '../states/cluster.ts';

const cluster = await labCluster('');
const manifests = new Map<string, string>();

/** What everything comes to on hosts that have an /etc/hosts and nothing else; mcpk was on `known` before. */
function planned(known: readonly string[] = []): Plan {
  const nodes = known.length === 0 ? {} : { etcd: 'formed' as const, nodes: registered(cluster) };
  const bare = factsOf(cluster, nodes);
  const owned = [{ ref: 'file:/etc/was-here', hash: 'h', stage: 'system' }];
  const facts = {
    ...bare,
    hosts: new Map([...bare.hosts].map(([name, host]) => [name, known.includes(name) ? { ...host, owned } : host])),
  };
  const tree = compile({ cluster, facts, stages: STAGES, artifacts: anyArtifact, manifests });
  const there = {
    ...emptyObserved(),
    paths: { '/etc/hosts': fileState({ mode: '0644', sha256: 'x' }) },
    texts: { '/etc/hosts': '127.0.0.1 localhost\n' },
  };
  const observed = new Map(tree.hosts.map((host) => [host, there]));
  const now = new Date(0);
  const comparisons = compare({ tree, observed, facts: facts.hosts, apiOwned: new Map(), now });
  const inventory = inventoryOf({ cluster, artifacts: anyArtifact, manifests });
  return plan({ cluster, facts, stages: STAGES, tree, comparisons, selection: {}, inventory, tool: 't', now });
}

const ALL = cluster.hosts.map((host) => host.name);
const text = (made: Plan, how: { verbose?: boolean; summary?: boolean } = {}): string =>
  renderPlan(made, PLAIN, { verbose: false, ...how });

describe('a first plan', () => {
  const first = text(planned());

  it('is a summary by itself, of at most a hundred lines', () => {
    expect(first).toContain('New: m1, m2, m3, w1, w2. What is laid there is summed up; --verbose shows all of it.\n');
    expect(first.split('\n').length).toBeLessThan(100);
    expect(text(planned(), { verbose: true }).split('\n').length).toBeGreaterThan(1000);
  });

  it('names packages and units, counts what is laid and says what is known later', () => {
    expect(first).toContain(`
haproxy                                                               m1, m2, m3
  + install  haproxy
  + create   3 files, 1 directory
  + start    haproxy.service
`);
    expect(first).toContain('  + issue   15 certificates\n');
    expect(first).toMatch(/^addons +api\n {2}\? \d+ kube objects {4}known after addons: no API server answers yet\n/m);
  });

  it('shows in full what changes of what is there', () => {
    expect(first).toContain(
      '  ~ file          /etc/hosts (block hosts)    its block is absent\n      + 10.77.0.11 m1\n',
    );
    expect(first).toMatch(/^ {2}~ sysctl +vm\.panic_on_oom = 0 /m);
  });

  it('says once that packages stay', () => {
    for (const how of [{}, { verbose: true }]) {
      expect(text(planned(), how).split('packages are not taken off again').length).toBe(2);
    }
    expect(first).toContain(
      'No way back from system, haproxy, keepalived, runtime (packages are not taken off again), ',
    );
  });
});

describe('a plan of a cluster that stands', () => {
  it('sums up what is new on a new host alone', () => {
    const joins = text(planned(ALL.filter((name) => name !== 'w2')));
    expect(joins).toContain('New: w2. What is laid there');
    expect(joins).toMatch(/^runtime +w2\n {2}\+ install {2}runc, containerd\n {2}\+ create {3}6 directories/m);
    expect(joins).toMatch(
      /^runtime +m1, m2, m3, w1 \(same change\)\n {2}\+ package {4}runc {4}install: not installed\n/m,
    );
  });

  it('is what it was where no host is new, and a summary when asked', () => {
    const made = planned(ALL);
    expect(text(made)).not.toMatch(/New:|summed up/i);
    expect(text(made)).toContain('  + package       ca-certificates    install: not installed\n');
    const summary = text(made, { summary: true });
    expect(summary).toContain('Summed up: without --summary each change is shown.\n');
    expect(summary.split('\n').length).toBeLessThan(100);
    expect(summary).toMatch(/^ {2}~ update {3}kernel\.keys\.root_maxbytes = 25000000, /m);
  });
});
