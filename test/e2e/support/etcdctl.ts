import { host } from '../../../lab/lab.ts';
import { PATHS } from '../../../src/core/paths.ts';
import { eventually } from './mcpk.ts';

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
