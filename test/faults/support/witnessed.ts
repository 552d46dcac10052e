import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { netnsOf } from '../../../lab/network.ts';
import { CLONE } from '../../../lab/paths.ts';
import { HOSTS, VIP } from '../../../lab/topology.ts';
import { PATHS } from '../../../src/core/paths.ts';
import { MASTERS, on } from '../../e2e/support/mcpk.ts';
import { watchedBy } from '../../e2e/support/watched-by.ts';
import type { Testimony, WitnessConfig } from './witness-types.ts';

/** Runs `work` while the witness looks on from the given worker. */
export async function witnessed(from: string, work: () => Promise<void>): Promise<Testimony> {
  const witness = [process.execPath, `${CLONE}/test/faults/support/witness.ts`, await evidence()];
  return watchedBy(['ip', 'netns', 'exec', netnsOf(from), ...witness], work);
}

/** What the witness needs to speak with etcd and the API, in a folder that only root reads. */
async function evidence(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-witness-'));
  const members = HOSTS.filter(({ name }) => (MASTERS as readonly string[]).includes(name)).map((host) => host.address);
  const config: WitnessConfig = { members, vip: VIP };
  const files = {
    'ca.crt': `${PATHS.pki}/ca.crt`,
    'etcd-ca.crt': `${PATHS.pki}/etcd-ca.crt`,
    'client.crt': PATHS.etcdHealthCert,
    'client.key': PATHS.etcdHealthKey,
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  for (const [name, path] of Object.entries(files))
    await writeFile(join(folder, name), await on('m1', 'cat', path), { mode: 0o600 });
  return folder;
}
