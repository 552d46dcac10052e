import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderPlan } from '../../src/report/plan-text.ts';
import { PLAIN, width, type Theme } from '../../src/report/theme.ts';
import type { PlanItem } from '../../src/engine/types.ts';
import { CHANGED_FLAG, hosts, MIXED, NOTHING, planOf, RESTART, stage } from '../fixtures/plan.ts';

const OPTIONS = {
  verbose: false,
  when: 'read in 0.3 s',
  applyCommand: 'mcpk apply -i inventories/lab.yaml',
};

const UNIT: PlanItem = {
  ref: 'unit:kubelet.service',
  title: 'kubelet.service',
  kind: 'unit',
  comparison: { result: 'change', verb: 'restart', reasons: ['its file changes'], hash: '', rests: '' },
};

describe('renderPlan', () => {
  it('breaks its headline where the terminal ends', () => {
    const text = renderPlan(CHANGED_FLAG, { ...PLAIN, columns: 40, color: true }, OPTIONS);
    const lines = stripVTControlCharacters(text).split('\n').slice(0, 2);
    expect(lines).toEqual(['lab · 3 hosts · kubernetes 1.37.1 · etcd', '  3.7.3   read in 0.3 s']);
  });

  it('shows the same change on several hosts once, with its diff, the restart and the order', () => {
    expect(renderPlan(CHANGED_FLAG, PLAIN, OPTIONS))
      .toBe(`lab · 3 hosts · kubernetes 1.37.1 · etcd 3.7.3   read in 0.3 s

api-server                                              m1, m2, m3 (same change)
  ~ file  /etc/kubernetes/kube-apiserver.env
      @@ -2,5 +2,5 @@
        --b=2
        --c=3
      - --audit-log-maxage=30
      + --audit-log-maxage=90
        --d=4
        --e=5
  ↻ unit  kube-apiserver.service    restart: its environment file changes

Order  m2 → m3 → m1 (m1 holds the VIP, so it goes last)
       before m1: hand the VIP over
       after each: /readyz, HAProxy sees the backend up

6 changes on 3 hosts, 3 restarts, nothing removed. 214 states unchanged.
Apply with: mcpk apply -i inventories/lab.yaml
`);
  });

  it('shows certificates by specification, removals, what cannot be undone and what is known later', () => {
    const text = renderPlan(MIXED, PLAIN, { verbose: false });
    expect(text).toContain(
      '  + certificate  /etc/etcd/pki/server.crt    issue: absent\n      CN=m1\n      IP 10.0.0.11\n',
    );
    expect(text).toContain(
      '  - file         /etc/old.conf    remove: no longer in the inventory\n      cannot be undone: it was not ours',
    );
    expect(text).toContain('network   known after nodes: pod CIDRs are given by the API server');
    expect(text).toContain('3 changes on 1 host, 1 removed, 1 known later. 1 state unchanged.');
  });

  it('shows the changes of a stage of which order and steps are known later, and says so', () => {
    const changes = hosts(['w1'], [UNIT]);
    const deferred = { until: 'api-access', why: 'no API server answers' };
    const waiting = stage('nodes', { batches: [], hosts: changes, deferred });
    const text = renderPlan(planOf([waiting], { changes: 1, hosts: 1, deferred: 1 }), PLAIN, OPTIONS);
    expect(text).toContain('kubelet.service    restart: its file changes\n\nOrder  and steps: known after api-access');
    expect(text).toContain('known after api-access: no API server answers\n');
  });

  it('shows what a run before left undone, in a stage that changes nothing else', () => {
    const owing = stage('nodes', {
      batches: [['w1']],
      hosts: hosts(['w1'], []),
      steps: [{ batch: 0, when: 'after', title: 'uncordon w1', on: 'm1', run: ['uncordon'] }],
    });
    const text = renderPlan(planOf([owing], { changes: 1, hosts: 1 }), PLAIN, OPTIONS);
    expect(text).toContain('\nnodes\nOrder  w1\n       after w1: uncordon w1 (on m1)\n');
  });

  it('shows a change once although the lines around it differ between the hosts', () => {
    const files = (host: string): string => `name: ${host}\nport: 1\nend\n`;
    const item = (host: string): PlanItem => ({
      ref: 'file:/etc/x',
      title: '/etc/x',
      kind: 'file',
      comparison: {
        result: 'change',
        verb: 'update',
        reasons: ['content differs'],
        hash: '',
        rests: '',
        diff: { before: files(host), after: files(host).replace('port: 1', 'port: 2') },
      },
    });
    const each = ['m1', 'm2'].map((host) => ({ host, items: [item(host)] }));
    const gates = ['node m1 Ready', 'node m2 Ready', 'one leader'];
    const text = renderPlan(
      planOf([stage('x', { hosts: each, batches: [['m1'], ['m2']], gates })], { changes: 2, hosts: 2 }),
      PLAIN,
      OPTIONS,
    );
    expect(text).toContain(
      'm1, m2 (same change)\n  ~ file  /etc/x\n      @@ -1,3 +1,3 @@\n        …\n      - port: 1\n      + port: 2\n        end\n',
    );
    expect(text).toContain('after each: node Ready, one leader');
  });

  it.each([
    ['API server m1 ready', 'API server ready'],
    ['node m1 Ready', 'node Ready'],
    ['containerd m1 ready for CRI', 'containerd ready for CRI'],
    ['HAProxy sees m1 UP', 'HAProxy sees that host UP'],
    ['drain m1', 'drain that host'],
    ["move etcd's leader away from m1", "move etcd's leader away from that host"],
    ['note on m1 that etcd has formed', 'note on that host that etcd has formed'],
    ['replace the etcd member m1', 'replace the etcd member'],
    ['one host holds 10.0.0.100', 'one host holds 10.0.0.100'],
    ['Deployment kube-system/m1 rolled out', 'Deployment kube-system/m1 rolled out'],
  ])('names no host in what is so for each: %s', (title, said) => {
    const each = (host: string): string => title.replace(/ m1\b/, ` ${host}`);
    const steps = ['m1', 'm2'].map((on, batch) => ({ batch, when: 'before' as const, title: each(on), on, run: [] }));
    const gates = ['m1', 'm2'].map(each);
    const rolling = stage('x', { hosts: hosts(['m1', 'm2'], [RESTART]), batches: [['m1'], ['m2']], gates, steps });
    const text = renderPlan(planOf([rolling]), PLAIN, OPTIONS);
    expect(text).toContain(`before each: ${said}\n`);
    expect(text).toContain(`after each: ${said}\n`);
  });

  it('says once what each host of a batch gets', () => {
    const names = ['m1', 'm2', 'm3'];
    const steps = names.map((on) => ({
      batch: 0,
      when: 'held' as const,
      title: `note on ${on} that it formed`,
      on,
      run: [],
    }));
    const forming = stage('etcd', { hosts: hosts(names, [RESTART]), batches: [names], steps });
    expect(renderPlan(planOf([forming]), PLAIN, OPTIONS)).toContain(
      'Order  m1, m2, m3\n       after each: note on that host that it formed\n',
    );
  });

  it('lists the restarts of several stages in order, one line for hosts that share the reason', () => {
    const etcd: PlanItem = {
      ref: 'unit:etcd.service',
      title: 'etcd.service',
      kind: 'unit',
      comparison: {
        result: 'change',
        verb: 'restart',
        reasons: ['restart, because /etc/etcd/etcd.yaml changes', 'restart, because /usr/local/bin/etcd changes'],
        hash: 'b',
        rests: 'a',
      },
    };
    const changed = stage('etcd', {
      batches: [['m2'], ['m1']],
      hosts: hosts(['m1', 'm2'], [etcd]),
      gates: ['etcd m1 healthy', 'etcd m2 healthy'],
      steps: ['m2', 'm1'].flatMap((on, batch) => [
        { batch, when: 'before' as const, title: `stop the API server of ${on}`, on, run: ['stop'] },
        { batch, when: 'after' as const, title: `start the API server of ${on}`, on, run: ['start'] },
      ]),
      irreversible: 'etcd 3.6 → 3.7: there is no way back',
    });
    const text = renderPlan(planOf([changed, ...CHANGED_FLAG.stages]), PLAIN, OPTIONS);
    expect(text).toContain(`Order  m2 → m1
       before each: stop the API server of that host
       after each: start the API server of that host
       after each: etcd healthy
`);
    expect(text).toContain(`Restarts, in order
  etcd.service            restart  m2 → m1       /etc/etcd/etcd.yaml changes, /usr/local/bin/etcd changes
  kube-apiserver.service  restart  m2 → m3 → m1  its environment file changes

No way back from etcd (etcd 3.6 → 3.7: there is no way back)
`);
  });

  it('lists no restarts where one stage tells all of them', () => {
    expect(renderPlan(CHANGED_FLAG, PLAIN, OPTIONS)).not.toContain('Restarts');
    expect(renderPlan(MIXED, PLAIN, OPTIONS)).toContain('No way back from certificates (it was not ours)\n');
  });

  it('says above all changes which snapshot comes first, where it goes, and why', () => {
    const snapshot = { into: '/backups', because: ['etcd 3.6.16 → 3.7.3'] };
    const lines = renderPlan({ ...CHANGED_FLAG, snapshot }, PLAIN, OPTIONS).split('\n');
    const at = lines.indexOf(
      'First  a snapshot of etcd, proved by a restore, into /backups (etcd 3.6.16 → 3.7.3); without it nothing changes',
    );
    expect(at).toBeGreaterThan(0);
    expect(lines.slice(at).some((line) => line.startsWith('api-server'))).toBe(true);
  });

  it('says what is refused, why, and what would come of it; and names no command to apply', () => {
    const refused = [
      {
        stage: 'etcd',
        hosts: ['m2'],
        title: 'etcd keeps its quorum without m2',
        wrong: 'm1 is down',
        consequence: 'no writes.',
      },
    ];
    const text = renderPlan({ ...CHANGED_FLAG, refused }, PLAIN, OPTIONS);
    expect(text).toContain(`Refused as things are
  etcd on m2: not so that etcd keeps its quorum without m2
    m1 is down
    with --force-unsafe no writes.
`);
    expect(text).not.toContain('Apply with');
  });

  it('cuts a long new file, and shows all of it when asked', () => {
    const short = renderPlan(MIXED, PLAIN, { verbose: false });
    expect(short).toContain('+ line 10\n      … 20 more lines: --verbose\n');
    expect(short).not.toContain('line 11');
    expect(renderPlan(MIXED, PLAIN, { verbose: true })).toContain('+ line 30\n');
  });

  it('names a reason for what stays only when asked', () => {
    expect(renderPlan(CHANGED_FLAG, PLAIN, OPTIONS)).not.toContain('ip_forward');
    expect(renderPlan(CHANGED_FLAG, PLAIN, { ...OPTIONS, verbose: true })).toContain(
      '= sysctl  net.ipv4.ip_forward    is 1',
    );
  });

  it('says in one line that there is nothing to do', () => {
    expect(renderPlan(NOTHING, PLAIN, { ...OPTIONS, when: 'read in 0.1 s' })).toBe(
      'lab · 3 hosts · kubernetes 1.37.1 · etcd 3.7.3   read in 0.1 s\n\nNothing to do: 3 states on 3 hosts as wanted.\n',
    );
  });

  it.each([40, 60, 80, 120])('is never wider than a terminal of %i columns', (columns) => {
    const theme: Theme = { color: true, unicode: true, columns };
    for (const plan of [CHANGED_FLAG, MIXED, NOTHING]) {
      for (const line of renderPlan(plan, theme, { ...OPTIONS, verbose: true }).split('\n')) {
        expect(width(line), line).toBeLessThanOrEqual(columns);
      }
    }
  });

  it('keeps to ASCII and to no color where the terminal has neither', () => {
    const theme: Theme = { color: false, unicode: false, columns: 60 };
    for (const plan of [CHANGED_FLAG, MIXED]) expect(renderPlan(plan, theme, OPTIONS)).toMatch(/^[\n -~]*$/);
  });
});
