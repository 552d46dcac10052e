import { describe, it } from 'vitest';
import { PATHS } from '../../src/core/paths.ts';
import { on } from '../e2e/support/mcpk.ts';
import { startFrom } from '../e2e/support/start-from.ts';
import { API_SERVER, KUBELET, prove, SCHEDULER, type Fault } from './support/prove.ts';
import { selected } from './support/tier.ts';

startFrom('ready');

const sh = (host: string, script: string): Promise<string> => on(host, 'sh', '-c', script);

const hostOf = (line: string): string => /\b([mw]\d)\b/.exec(line)?.[1] ?? '';

/** The host that rolls first, and that the fault strikes. */
let stricken = '';

const FAULTS: Fault[] = [
  {
    // The hosts' disks are folders of one machine and can't fill by themselves: a small file system lies over the folder.
    name: 'the disk is full while files stream',
    quick: true,
    change: SCHEDULER,
    arrange: () =>
      sh(
        'm3',
        `mount -t tmpfs -o size=4k tmpfs ${PATHS.scheduler} && { dd if=/dev/zero of=${PATHS.scheduler}/.filler bs=4k count=8 2>/dev/null || true; }`,
      ),
    repair: () => on('m3', 'umount', PATHS.scheduler),
    codes: [15],
    says: [/m3/, /No space left on device/, /room/],
  },
  {
    name: 'the disk is full while a binary does',
    change: KUBELET,
    args: ['--limit', 'w2'],
    arrange: () => sh('w2', `mount -t tmpfs -o size=1m tmpfs ${PATHS.store}`),
    repair: () => on('w2', 'umount', PATHS.store),
    codes: [15],
    says: [/w2/, /No space left on device/, /room/],
  },
  {
    // An upload appends, so the byte stays changed; sha256 on the host must see it.
    name: 'a byte of a binary changes on its way',
    change: KUBELET,
    args: ['--limit', 'w2'],
    arrange: () =>
      sh(
        'w2',
        `mount -t tmpfs tmpfs ${PATHS.store} && systemd-run --quiet --unit=mcpk-test-spoiler sh -c '
          while :; do for file in ${PATHS.store}/*.tmp.*; do
            [ -s "$file" ] && printf X | dd of="$file" bs=1 conv=notrunc status=none && exit
          done; done'`,
      ),
    repair: () => sh('w2', `systemctl stop mcpk-test-spoiler.service; umount ${PATHS.store}`),
    codes: [15],
    says: [/w2/, /checksum/],
  },
  {
    name: 'a file system is read-only',
    change: SCHEDULER,
    arrange: () => sh('m2', `mount --bind ${PATHS.units} ${PATHS.units} && mount -o remount,bind,ro ${PATHS.units}`),
    repair: () => on('m2', 'umount', PATHS.units),
    codes: [15],
    says: [/m2/, /Read-only file system/, /writable/],
  },
  {
    name: 'an API server that never gets ready',
    change: API_SERVER,
    async act(run) {
      stricken = hostOf(await run.must(/api-server m\d: update .*kube-apiserver/));
      // Stopped by a signal as soon as it is there: it neither answers nor ends.
      await sh(
        stricken,
        'old=$(pidof kube-apiserver); while new=$(pidof kube-apiserver); [ -z "$new" ] || [ "$new" = "$old" ]; do :; done; kill -STOP $new',
      );
    },
    repair: () => sh(stricken, 'kill -CONT $(pidof kube-apiserver) 2>/dev/null || true'),
    codes: [19],
    says: [/kube-apiserver/],
  },
  {
    name: 'an API server that gets ready and then dies',
    change: API_SERVER,
    async act(run) {
      stricken = hostOf(await run.must(/api-server m\d: update .*kube-apiserver/));
      // At once: HAProxy must not have seen it twice. Only with the new flag: what is put back lives. The brackets keep
      // it from seeing itself.
      await sh(
        stricken,
        `flag=$(grep -o 'audit-log-maxage=[0-9]*' ${PATHS.units}/kube-apiserver.service)
         runs() { pgrep -f "[k]ube-apiserver.*$flag" >/dev/null; }
         ready() { printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' | socat -t 2 - OPENSSL:127.0.0.1:6443,verify=0 2>/dev/null | grep -q ' 200 '; }
         until runs && ready; do sleep 0.05; done
         pkill -KILL -f "[k]ube-apiserver.*$flag"
         systemd-run --quiet --unit=mcpk-test-assassin sh -c "while :; do pkill -KILL -f [k]ube-apiserver.*$flag; sleep 1; done"`,
      );
    },
    repair: () => sh(stricken, 'systemctl stop mcpk-test-assassin.service'),
    codes: [19],
    says: [/kube-apiserver|API server/],
  },
  {
    name: 'a file that somebody edits between plan and apply',
    quick: true,
    change: SCHEDULER,
    planned: true,
    arrange: () => sh('m3', `echo '# by hand' >> ${PATHS.units}/kube-scheduler.service`),
    codes: [17],
    says: [/m3/, /kube-scheduler\.service/],
  },
  {
    name: 'a file that somebody edits between probe and converge',
    quick: true,
    change: SCHEDULER,
    async act(run) {
      await run.must(/changes? on \d hosts?/);
      await sh('m3', `echo '# by hand' >> ${PATHS.units}/kube-scheduler.service`);
    },
    codes: [17],
    says: [/m3/, /kube-scheduler\.service/],
  },
  {
    name: 'dpkg is locked for a while',
    change: KUBELET,
    args: ['--limit', 'w2'],
    arrange: () =>
      sh(
        'w2',
        // fcntl's lock, as dpkg takes it; perl is part of every Debian.
        `dpkg --remove --force-depends socat >/dev/null && systemd-run --quiet --unit=mcpk-test-dpkg perl -e '
          open(my $f, ">", "/var/lib/dpkg/lock-frontend"); my $l = pack("s s l! l! i", 1, 0, 0, 0, 0);
          fcntl($f, 6, $l) or die; sleep 8'`,
      ),
    codes: [0],
  },
  {
    name: 'dpkg was interrupted: a package is half configured',
    change: KUBELET,
    args: ['--limit', 'w2'],
    arrange: () =>
      sh(
        'w2',
        'cd /tmp && rm -f ./socat_*.deb && dpkg --remove --force-depends socat >/dev/null && apt-get -q download socat >/dev/null && dpkg --force-depends --unpack ./socat_*.deb >/dev/null && rm -f ./socat_*.deb',
      ),
    codes: [0],
  },
];

describe('hosts that fail', () => {
  for (const fault of selected(FAULTS)) it(fault.name, () => prove(fault));
});
