import { describe, expect, it } from 'vitest';
import { headline, unitJournal } from '../../src/cluster/journal.ts';

/** As the programs print them (etcd 3.7, Kubernetes 1.37, containerd 1.7, HAProxy 3.0, Keepalived 2.3), and what a person looks for. */
const SAID: readonly (readonly [string, readonly string[], string | undefined])[] = [
  [
    'etcd, fatal below an error and a warning',
    [
      '{"level":"error","ts":"2026-11-28T12:00:00Z","msg":"failed to dial","error":"connection refused"}',
      '{"level":"fatal","ts":"2026-11-28T12:00:01Z","caller":"etcdmain/etcd.go:204","msg":"discovery failed","error":"member count is unequal"}',
      '{"level":"warn","ts":"2026-11-28T12:00:01Z","msg":"closing"}',
      'etcd.service: Main process exited, code=exited, status=1/FAILURE',
    ],
    'discovery failed: member count is unequal',
  ],
  [
    'the API server',
    [
      'I1128 12:00:00.000001    4711 server.go:1] "Starting"',
      'E1128 12:00:00.123456    4711 run.go:72] "command failed" err="listen tcp 0.0.0.0:6443: bind: address already in use"',
      "kube-apiserver.service: Failed with result 'exit-code'.",
    ],
    '"command failed" err="listen tcp 0.0.0.0:6443: bind: address already in use"',
  ],
  ['a flag that is none', ['Usage:', 'Error: unknown flag: --nonsense'], 'Error: unknown flag: --nonsense'],
  [
    'containerd',
    [
      'time="2026-11-28T12:00:00Z" level=info msg="starting"',
      'time="2026-11-28T12:00:00Z" level=error msg="failed to load \\"cri\\"" error="invalid plugin config: bad key"',
    ],
    'failed to load \\"cri\\": invalid plugin config: bad key',
  ],
  [
    'a panic',
    ['E1128 12:00:00.1 1 x.go:1] before', 'panic: runtime error: index out of range'],
    'panic: runtime error: index out of range',
  ],
  [
    'HAProxy',
    ['[NOTICE] (8) : New worker', '[ALERT] (8) : [/usr/sbin/haproxy.main()] Some configuration errors'],
    '[ALERT] (8) : [/usr/sbin/haproxy.main()] Some configuration errors',
  ],
  [
    'apt',
    ['Reading package lists...', 'E: apt would remove ntpsec, which the plan does not say'],
    'E: apt would remove ntpsec, which the plan does not say',
  ],
  [
    'dpkg below apt',
    ['dpkg: error processing package x (--configure):', ' exit status 1', 'E: Sub-process /usr/bin/dpkg returned an error code (1)'], // prettier-ignore
    'dpkg: error processing package x (--configure):',
  ],
  [
    'nothing of the kind',
    ['I1128 12:00:00.1 1 x.go:1] fine', 'level=info msg=fine', '{"level":"info","msg":"fine"}', '{'],
    undefined,
  ],
];

describe('the headline of a journal', () => {
  it.each(SAID)('%s', (_name, lines, wanted) => expect(headline(lines)).toBe(wanted));
});

it('comes before the lines that it was taken from', () => {
  const stdout = 'one\nError: two\n';
  const { lines } = unitJournal({ host: 'm1', name: 'x.service' }).tell([
    { host: 'm1', exitCode: 0, stdout, stderr: '' },
  ]);
  expect(lines).toEqual(['x.service says  Error: two', 'journal of x.service:', '  one', '  Error: two']);
});
