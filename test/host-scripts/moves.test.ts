import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askMoves, movesOf } from '../../src/cluster/moves.ts';
import { PATHS } from '../../src/core/paths.ts';
import { factsOf, labCluster } from '../states/cluster.ts';
import { Scratch } from './support/scratch.ts';

const JOURNALD = '/usr/lib/systemd/systemd-journald';
const IMPOSSIBLE = process.getuid?.() !== 0 || !existsSync(JOURNALD) || !existsSync('/usr/bin/logger');
if (IMPOSSIBLE) process.stderr.write('skipped: what a real journal tells of moves (no journald or logger, or this is not root)\n'); // prettier-ignore

const cluster = await labCluster();
const [ASK] = askMoves(cluster);

let host: Scratch;
beforeEach(() => (host = new Scratch()));
afterEach(() => host.remove());

/** As the host would run it, its journal of runs in the scratch root. */
function look(): string[] {
  return (ASK?.argv ?? []).map((word) => (word === PATHS.journal ? host.at(PATHS.journal) : word));
}

/** What it prints where `journalctl` says this. */
function looked(says: string): string[] {
  host.stub('journalctl', says);
  const [program = '', ...words] = look();
  const env = { PATH: `${host.stubs}:/usr/bin:/bin` };
  const { stdout, status } = spawnSync(program, words, { env, encoding: 'utf8' });
  expect(status).toBe(0);
  return stdout.split('\n').filter(Boolean);
}

const RUN = 1_795_347_245_120;

describe('the last run on a host', () => {
  it.each<[string, Record<string, string>, string[]]>([
    ['none', {}, []],
    ['the last line', { '': `${String(RUN - 1)} r run\n${String(RUN)} r result\n` }, [String(RUN)]],
    ['the last whole line', { '': `${String(RUN)} r result\n17953\0\0\0` }, [String(RUN)]],
    ['of the journal before it', { '.1': `${String(RUN)} r result\n` }, [String(RUN)]],
    ['of the newer journal', { '.1': '1000000000000 r result\n', '': `${String(RUN)} r result\n` }, [String(RUN)]],
  ])('is known by its journal: %s', (_what, journals, said) => {
    for (const [end, text] of Object.entries(journals)) host.put(`${PATHS.journal}${end}`, text);
    expect(looked('')).toEqual(said);
    // Without a run nothing is looked up.
    expect(host.calls.map((call) => call.replace(/.* --grep=\S+ .*term (--since=\S+ |--until=\S+ ).*/, '$1'))).toEqual(
      said.length === 0 ? [] : ['--since=@1795347245 ', '--until=@1795347245 '],
    );
  });

  it('what takes too long is cut off, and what was found by then is told', () => {
    host.put(PATHS.journal, `${String(RUN)} r result\n`);
    host.stub('timeout', 'shift; "$@"; exit 124');
    expect(looked('case $* in *since*) echo found;; esac')).toEqual([String(RUN), 'found', 'more', 'more']);
  });
});

/** One line in a journal, as of that unit: root may say so. */
const says = (unit: string, message: string): string =>
  `printf '%s\\n' 'OBJECT_SYSTEMD_UNIT=${unit}.service' 'SYSLOG_IDENTIFIER=${unit}' 'MESSAGE=${message}' | logger --journald`;

/** A machine with a journal of its own, which ends with the script. */
function withJournal(script: string): string {
  const whole = `mount -t tmpfs tmpfs /run
[ ! -d /var/log/journal ] || mount -t tmpfs tmpfs /var/log/journal
mkdir -p /run/systemd/journal /run/systemd/journald.conf.d
printf '[Journal]\\nStorage=volatile\\n' >/run/systemd/journald.conf.d/test.conf
${JOURNALD} >/dev/null 2>&1 &
for _ in $(seq 200); do [ ! -S /run/systemd/journal/socket ] || break; sleep 0.05; done
${script}`;
  const argv = ['-m', '-p', '--fork', '--kill-child', '--propagation', 'private', 'sh', '-euc', whole, 'sh', ...look()];
  const { stdout, stderr, status } = spawnSync('unshare', argv, { encoding: 'utf8', timeout: 50_000 });
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

describe.skipIf(IMPOSSIBLE)('a real journal', () => {
  it('tells of the moves since the last run, and who had the VIP before', () => {
    host.put(PATHS.journal, '');
    const stdout = withJournal(`
${says('etcd', '{"msg":"8e9e05c52164694d became leader at term 2"}')}
${says('keepalived', '(kube_api) Entering MASTER STATE')}
${says('keepalived', 'Reloading')}
# What journald writes late counts as said since, with its own time: all of this is before.
journalctl --sync
# The run lies between, apart from either, as a machine's clock may be set meanwhile.
run=$(($(date +%s) + 1))
while [ "$(date +%s)" -le "$run" ]; do sleep 0.02; done
echo "$run"'000 r result succeeded 0' >'${host.at(PATHS.journal)}'
${says('etcd', '{"level":"info","msg":"compacted"}')}
${says('etcd', '{"level":"info","msg":"8e9e05c52164694d became leader at term 3"}')}
${says('keepalived', '(kube_api) Master received advert from 10.77.0.12 with higher priority 100, ours 99')}
${says('haproxy', '(kube_api) Entering MASTER STATE')}
journalctl --sync
"$@"
`);
    const moves = movesOf(cluster, factsOf(cluster), [{ host: 'm1', exitCode: 0, stdout, stderr: '' }]);
    expect(moves).toMatchObject({ vip: [{ from: 'm1', to: 'm2' }], etcdLeader: [{ to: 'm1' }] });
    expect(moves?.etcdLeader?.[0]).not.toHaveProperty('from');
  });
});
