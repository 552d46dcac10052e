import { hostNamed } from '../../../lab/hosts.ts';
import { host } from '../../../lab/lab.ts';
import { PATHS } from '../../../src/core/paths.ts';
import { eventually, MASTERS, on } from './mcpk.ts';

/** On a member, with the certificates that root has there, over all masters. */
export const ETCDCTL = [
  `${PATHS.bin}/etcdctl`,
  '--endpoints=https://10.77.0.11:2379,https://10.77.0.12:2379,https://10.77.0.13:2379',
  `--cacert=${PATHS.pki}/etcd-ca.crt`,
  `--cert=${PATHS.etcdHealthCert}`,
  `--key=${PATHS.etcdHealthKey}`,
];

/** Puts a learner into the list, as somebody else would, or a run that was cut off; its id. */
export function addLearner(name: string, url: string): Promise<string> {
  // Not until the members have heard each other for five seconds.
  return eventually(`etcd takes ${name}`, 30, async () => {
    const said = await host('m1', [...ETCDCTL, 'member', 'add', name, '--learner', `--peer-urls=${url}`]);
    return /Member +([0-9a-f]+) added/.exec(said.stdout)?.[1];
  });
}

/** The member that leads. */
export async function leader(): Promise<string> {
  const metrics = 'printf "GET /metrics HTTP/1.0\\r\\n\\r\\n" | socat - TCP:127.0.0.1:2381';
  for (const name of MASTERS) if (/^etcd_server_is_leader 1$/m.test(await on(name, 'sh', '-c', metrics))) return name;
  throw new Error('no etcd member says that it leads');
}

/** Lets a member lead. */
export async function lead(name: string): Promise<void> {
  if ((await leader()) === name) return;
  const members = await on(name, ...ETCDCTL, 'member', 'list');
  const line = members.split('\n').find((each) => each.includes(`https://${hostNamed(name).address}:2379`));
  await on(name, ...ETCDCTL, 'move-leader', String(line?.split(',')[0]));
}
