import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes the inventory of one host on this machine, whose keys lie in FOLDER/known_hosts; `ssh`: more of its settings. */
export function oneHost(folder: string, port: number, ssh = ''): string {
  const file = join(folder, 'mcpk.yaml');
  writeFileSync(
    file,
    `apiVersion: mcpk/v1
kind: Cluster
name: small
ssh: { agent: false, port: ${port}, knownHostsFiles: [./known_hosts], connectTimeout: 30${ssh} }
hosts:
  - { name: m1, address: 127.0.0.1, internalAddress: 10.9.0.11, roles: [master] }
network: { plugin: none }
`,
  );
  return file;
}
