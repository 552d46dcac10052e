import { describe, it } from 'vitest';
import { linkDown, linkUp, powerOff, powerOn } from '../../lab/lab.ts';
import { on } from '../e2e/support/mcpk.ts';
import { startFrom } from '../e2e/support/start-from.ts';
import { KUBELET, prove, SCHEDULER, type Fault } from './support/prove.ts';
import { selected } from './support/tier.ts';

startFrom('ready');

const DROP_IN = '/etc/ssh/sshd_config.d/00-test.conf';
const sh = (host: string, script: string): Promise<string> => on(host, 'sh', '-c', script);
const sshd = (host: string, line: string): Promise<string> =>
  sh(host, `mkdir -p /etc/ssh/sshd_config.d && printf '%s\\n' '${line}' > ${DROP_IN} && systemctl reload ssh`);
const sshdAsBefore = (host: string): Promise<string> => sh(host, `rm -f ${DROP_IN} && systemctl reload ssh`);

const FAULTS: Fault[] = [
  {
    name: 'sshd is started again under the run',
    quick: true,
    change: SCHEDULER,
    async act(run) {
      await run.must(/controllers m\d: .*kube-scheduler/);
      for (const name of ['m1', 'm2', 'm3']) await on(name, 'systemctl', 'restart', 'ssh');
    },
    codes: [0],
  },
  {
    name: 'sshd allows two sessions a connection',
    change: KUBELET,
    args: ['--limit', 'w2'],
    arrange: () => sshd('w2', 'MaxSessions 2'),
    repair: () => sshdAsBefore('w2'),
    codes: [0],
  },
  {
    name: 'a banner that comes slowly, and a profile that prints',
    change: KUBELET,
    args: ['--limit', 'w2'],
    arrange: () =>
      sh(
        'w2',
        "cp -p /root/.bashrc /root/.bashrc.before 2>/dev/null; { echo 'echo welcome; echo to this host >&2; sleep 1'; } > /root/.bashrc; echo 'echo profile' > /etc/profile.d/test.sh",
      ),
    repair: () =>
      sh('w2', 'rm -f /root/.bashrc /etc/profile.d/test.sh; mv /root/.bashrc.before /root/.bashrc 2>/dev/null || true'),
    codes: [0],
  },
  {
    name: 'sudo that wants a password',
    quick: true,
    change: (n) => `${KUBELET(n)}hosts:\n  - { name: w2, ssh: { user: pw } }\n`,
    codes: [11],
    says: [/w2/, /sudo/, /password/i],
    healWith: KUBELET,
  },
  {
    // SetEnv gives the library to all that this sshd starts: the sessions see another time, the host does not.
    name: 'a host whose clock is off by an hour',
    quick: true,
    change: SCHEDULER,
    arrange: async () => {
      await sh('w2', 'apt-get install -y -q faketime >/dev/null');
      await sshd('w2', 'SetEnv LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 FAKETIME=+1h');
    },
    repair: () => sshdAsBefore('w2'),
    codes: [14],
    says: [/w2/, /clock/],
  },
  {
    name: 'a worker is not reached',
    quick: true,
    change: KUBELET,
    arrange: () => linkDown('w2'),
    repair: () => linkUp('w2'),
    codes: [11],
    says: [/w2/, /10\.77\.0\.22/],
  },
  {
    name: 'a worker is not reached, and may be away',
    change: SCHEDULER,
    args: ['--skip-unreachable', '1'],
    arrange: () => linkDown('w2'),
    repair: () => linkUp('w2'),
    codes: [0],
    says: [/w2/],
  },
  {
    name: 'a master is not reached',
    change: SCHEDULER,
    args: ['--skip-unreachable', '1'],
    arrange: () => powerOff('m2'),
    repair: () => powerOn('m2'),
    codes: [11],
    says: [/m2/],
    apiGapMs: 8000,
    writeGapMs: 8000,
  },
];

describe('the way to the hosts', () => {
  for (const fault of selected(FAULTS)) it(fault.name, () => prove(fault));
});
