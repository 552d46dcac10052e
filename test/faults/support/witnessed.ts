import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { netnsOf } from '../../../lab/network.ts';
import { CLONE } from '../../../lab/paths.ts';
import { HOSTS, VIP } from '../../../lab/topology.ts';
import { PATHS } from '../../../src/core/paths.ts';
import { MASTERS, on } from '../../e2e/support/mcpk.ts';
import type { Testimony, WitnessConfig } from './witness-types.ts';

/** Runs `work` while the witness looks on from the given worker. */
export async function witnessed(from: string, work: () => Promise<void>): Promise<Testimony> {
  const folder = await evidence();
  const words = ['netns', 'exec', netnsOf(from), process.execPath, `${CLONE}/test/faults/support/witness.ts`, folder];
  const witness = spawn('ip', words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: witness.stdout });
  const said: string[] = [];
  lines.on('line', (line) => said.push(line));
  const ended = once(witness, 'close');
  await Promise.race([once(lines, 'line'), ended]);
  try {
    await work();
  } finally {
    witness.stdin.end();
    await ended;
  }
  const last = said.at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error('the witness did not say what it saw');
  return JSON.parse(last) as Testimony;
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
