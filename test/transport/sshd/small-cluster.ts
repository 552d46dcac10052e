import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPONENTS } from '../../../src/artifacts/components.ts';
import { withRuntimeSource } from '../../../src/cluster/runtime-source.ts';
import { ARCHITECTURES } from '../../../src/core/architectures.ts';
import { load } from '../../../src/inventory/load.ts';
import { impossible, realSshd } from './real-sshd.ts';

type Sshd = Awaited<ReturnType<typeof realSshd>>['sshd'];

/**
 * A master and a worker, each at an sshd of its own, their inventory, and binaries that nobody looks into. Where a
 * machine can't run sshd ({@link impossible}) there is nothing in it.
 */
export async function smallCluster(): Promise<{ m1: Sshd; w1: Sshd; inventory: string }> {
  const { sshd: m1 } = await realSshd();
  const { sshd: w1 } = await realSshd();
  if (impossible !== undefined) return { m1, w1, inventory: '' };
  const inventory = join(m1.folder, 'mcpk.yaml');
  const ssh = (of: Sshd): string =>
    `{ port: ${of.port}, agent: false, identityFiles: [${of.identity}], knownHostsFiles: [${of.knownHosts}] }`;
  writeFileSync(
    inventory,
    `name: small
hosts:
  - { name: m1, address: 127.0.0.1, internalAddress: 10.9.0.11, roles: [master], ssh: ${ssh(m1)} }
  - { name: w1, address: 127.0.0.1, internalAddress: 10.9.0.21, roles: [worker], ssh: ${ssh(w1)} }
network: { plugin: none }
artifacts: { directory: ./artifacts, download: false }
`,
  );
  const cluster = withRuntimeSource(await load([inventory], { env: process.env }));
  for (const component of COMPONENTS)
    for (const arch of ARCHITECTURES) {
      const folder = join(m1.folder, 'artifacts', component.name, component.version(cluster), `linux-${arch}`);
      mkdirSync(folder, { recursive: true });
      for (const name of component.required(cluster)) writeFileSync(join(folder, name), '');
      const sum = createHash('sha256').digest('hex');
      const sums = component.required(cluster).map((name) => `${sum}  ${name}\n`);
      writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
    }
  return { m1, w1, inventory };
}
