import { describe, expect, it } from 'vitest';
import { bareHost } from '../../src/cluster/bare-host.ts';
import type { HostFacts } from '../../src/cluster/facts.ts';
import { ref } from '../../src/resources/kinds.ts';
import { McpkError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { RunResult } from '../../src/engine/types.ts';
import { duration, size } from '../../src/report/figures.ts';
import { renderFacts } from '../../src/report/facts-text.ts';
import { toJson } from '../../src/report/json.ts';
import { renderStates } from '../../src/report/states-text.ts';
import { renderSummary } from '../../src/report/summary-text.ts';
import { PLAIN, themeFor } from '../../src/report/theme.ts';
import { renderVerify } from '../../src/report/verify-text.ts';
import { FACTS } from '../fixtures/plan.ts';

const RESULT: RunResult = {
  status: 'succeeded',
  run: 'r',
  succeeded: 1096,
  changed: 1096,
  failed: 0,
  pending: 0,
  removed: 0,
  ms: 27_400,
  exitCode: 0,
  errors: [],
  rolledBack: [],
  stages: [],
  traffic: {},
};
const NEXT = { again: 'mcpk apply', verify: 'mcpk verify' };

describe('figures', () => {
  it.each([
    [312, '0.3 s'],
    [27_400, '27.4 s'],
    [99_949, '99.9 s'],
    [252_000, '4 min 12 s'],
  ])('%i ms are %s', (ms, text) => expect(duration(ms)).toBe(text));

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [61_000, '61 kB'],
    [1_900_000_000, '1.9 GB'],
  ])('%i bytes are %s', (bytes, text) => expect(size(bytes)).toBe(text));
});

describe('renderSummary', () => {
  it('counts as Salt does and says what comes next', () => {
    expect(renderSummary(RESULT, PLAIN, NEXT)).toBe(
      'Succeeded: 1096 (changed=1096)  Failed: 0   Total run time: 27.4 s\nSee that all of it serves: mcpk verify\n',
    );
  });

  it('says how many more changed than the plan could count', () => {
    expect(renderSummary({ ...RESULT, changed: 583, knownLater: 60 }, PLAIN, NEXT)).toContain(
      '(changed=583, 60 of them not known when it was planned)',
    );
  });

  it('names the snapshot that was taken before', () => {
    const text = renderSummary({ ...RESULT, snapshot: '/b/lab.mcpk-etcd.tar' }, PLAIN, NEXT);
    expect(text.split('\n')[1]).toBe('Snapshot of etcd before it: /b/lab.mcpk-etcd.tar');
  });

  it('says that nothing was to be done', () => {
    expect(renderSummary({ ...RESULT, changed: 0 }, PLAIN, NEXT)).toContain('Nothing was to be done.');
  });

  it.each([1, 0])('sends no one to verify where only access to the API was seen to: %i changed', (changed) => {
    const text = renderSummary({ ...RESULT, changed, onlyAccess: true }, PLAIN, NEXT);
    expect(text).toContain('The rest was not begun: mcpk apply');
    expect(text).not.toContain('mcpk verify');
    expect(text).not.toContain('Nothing was to be done');
  });

  it('tells how to go on after a failure, and what was not started', () => {
    const skipped = { name: 'nodes', status: 'skipped' as const, changed: 0, ms: 0, hosts: [] };
    const text = renderSummary({ ...RESULT, status: 'failed', failed: 1, stages: [skipped, skipped] }, PLAIN, NEXT);
    expect(text).toContain('2 stages after it were not started.');
    expect(text).toContain('mcpk apply');
  });
});

describe('renderVerify', () => {
  it('lists each check once with what was seen last', () => {
    const gate = { at: 0, type: 'gate' as const, stage: 'etcd' };
    const text = renderVerify(
      [
        { ...gate, title: 'm1 healthy', status: 'waiting', seen: 'no leader', ms: 10 },
        { ...gate, title: 'm1 healthy', status: 'passed', seen: 'raft 4213', ms: 120 },
        { ...gate, title: 'one leader', status: 'failed', seen: 'two leaders', ms: 1000 },
      ],
      PLAIN,
    );
    expect(text).toBe('etcd\n  ✔ m1 healthy  raft 4213  0.1 s\n  ✖ one leader  two leaders  1.0 s\n');
  });
});

describe('renderVerify of many hosts', () => {
  const hosts = ['m1', 'm2', 'm3', 'm4', 'w1'].map((name) => ({ name, address: '', internalAddress: '', source: '' }));
  const roster = { hosts, words: (names: readonly string[]) => names.join('+') };
  const gates = hosts.map(({ name }, index) => ({
    at: 0,
    type: 'gate' as const,
    stage: 'nodes',
    title: `node ${name} Ready`,
    status: index < 4 ? ('passed' as const) : ('failed' as const),
    ms: 100 * (index + 1),
  }));

  it('says in one line what holds on many of them', () => {
    const text = renderVerify(gates, PLAIN, { roster });
    expect(text).toBe('nodes\n  ✔ node m1+m2+m3+m4 Ready  0.1 s to 0.4 s\n  ✖ node w1 Ready  0.5 s\n');
  });

  it('and a line for each where they are few, or with --verbose', () => {
    expect(renderVerify(gates.slice(1), PLAIN, { roster }).split('\n')).toHaveLength(6);
    expect(renderVerify(gates, PLAIN, { roster, verbose: true }).split('\n')).toHaveLength(7);
  });

  it('what one host tells behind a colon is one line where it tells the same', () => {
    const gate = { at: 0, type: 'gate' as const, stage: 'verify' };
    const seen = 'no pod';
    const of = (host: string, fails: readonly string[]) =>
      ['DNS', 'a Service', 'all pods'].map((what, index) => ({
        ...gate,
        title: `pods of ${host}: ${what}`,
        ...(fails.includes(what) ? { status: 'failed' as const, seen } : { status: 'passed' as const }),
        ms: 100 * (index + 1),
      }));
    const all = [...of('m1', ['DNS', 'all pods']), ...of('w1', [])];
    expect(renderVerify(all, PLAIN, { roster })).toBe(
      'verify\n  ✔ pods of m1: a Service  0.2 s\n  ✖ pods of m1: all pods, DNS  no pod  0.1 s to 0.3 s\n  ✔ pods of w1: a Service, all pods, DNS  0.1 s to 0.3 s\n',
    );
    expect(renderVerify(all, PLAIN, { roster, verbose: true }).split('\n')).toHaveLength(8);
  });
});

describe('toJson', () => {
  it('turns maps into objects, and errors and secrets into what they allow to be seen', () => {
    const value = {
      map: new Map([['m1', { key: new Secret('hunter2', 'a key') }]]),
      errors: [new McpkError('stage', 'no')],
    };
    expect(JSON.stringify(toJson(value))).toBe(
      '{"map":{"m1":{"key":{"secret":"a key"}}},"errors":[{"code":"stage","exitCode":15,"message":"no"}]}',
    );
  });
});

describe('renderStates', () => {
  it('shows values in full when asked, and never a secret', () => {
    const tree = {
      hosts: ['m1'],
      stages: [
        {
          name: 'system',
          title: 'System',
          needs: [],
          hosts: [
            {
              host: 'm1',
              stage: 'system',
              resources: [
                {
                  kind: 'file' as const,
                  path: '/etc/x',
                  content: 'a\nb\n',
                  mode: '0644',
                  owner: 'root',
                  group: 'root',
                },
                {
                  kind: 'file' as const,
                  path: '/etc/y',
                  content: new Secret('hunter2', 'y'),
                  mode: '0600',
                  owner: 'root',
                  group: 'root',
                },
              ],
            },
          ],
        },
      ],
    };
    expect(renderStates(tree, PLAIN, { hosts: ['m1'], verbose: false, ofApi: new Set(), ref })).toBe(
      'm1\n  system\n    file:/etc/x  0644 root:root\n    file:/etc/y  0600 root:root\n',
    );
    const full = renderStates(tree, PLAIN, { hosts: ['m1'], verbose: true, ofApi: new Set(), ref });
    expect(full).toContain('      content:\n        | a\n        | b\n');
    expect(full).not.toContain('hunter2');
  });
});

describe('renderFacts', () => {
  it('tells the figures with their units', () => {
    const text = renderFacts(FACTS, PLAIN);
    expect(text).toContain('2 CPUs, 4.0 GB memory, 20 GB free below /var/lib');
    expect(text).toContain('eth0 10.0.0.11/24 (mtu 1500), holds the VIP');
    expect(text).toContain('12 ms ahead of ours');
  });

  it.each<[Partial<HostFacts>, string]>([
    [{ clockSkewMs: 0 }, 'clock      as ours'],
    [{ clockSkewMs: -7_260_000 }, 'clock      2 h 1 min behind ours'],
    [{ systemd: 0 }, 'no systemd, cgroup'],
    [{ interfaces: [], holdsVip: true }, 'addresses  holds the VIP'],
  ])('tells %j', (own, line) => {
    const hosts = new Map([['m1', { ...bareHost('m1', '10.0.0.11'), ...own }]]);
    expect(renderFacts({ ...FACTS, hosts }, PLAIN)).toContain(line);
  });
});

describe('themeFor', () => {
  const tty = { isTTY: true, columns: 100 };
  it.each([
    ['a terminal', tty, { LANG: 'de_DE.UTF-8' }, { color: true, unicode: true, columns: 100 }],
    ['NO_COLOR', tty, { NO_COLOR: '1' }, { color: false, unicode: true, columns: 100 }],
    ['a pipe', {}, {}, { color: false, unicode: true, columns: undefined }],
    ['FORCE_COLOR in a pipe', {}, { FORCE_COLOR: '1' }, { color: true, unicode: true, columns: undefined }],
    ['the C locale', tty, { LC_ALL: 'C' }, { color: true, unicode: false, columns: 100 }],
    ['C.UTF-8', tty, { LC_ALL: 'C.UTF-8' }, { color: true, unicode: true, columns: 100 }],
    ['a dumb terminal', tty, { TERM: 'dumb' }, { color: false, unicode: true, columns: 100 }],
  ])('knows %s', (_, stream, env, theme) => expect(themeFor(stream, env)).toEqual(theme));
});
