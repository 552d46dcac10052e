/** The folder that Ansible and pyinfra run in: one file of data, the files that they send, and their fixed programs. */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Work } from './comparable.ts';

const PROGRAMS = ['playbook.yml', 'ansible.cfg', 'deploy.py', 'inventory.py'];

export async function writePeers(folder: string, hosts: ReadonlyMap<string, Work>): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const name of PROGRAMS) await cp(join(import.meta.dirname, name), join(folder, name));
  await writeFile(join(folder, 'hosts.json'), JSON.stringify(inventory(hosts), null, 2));
  for (const [host, work] of hosts) {
    for (const { path, content } of work.files) {
      const file = join(folder, 'files', host, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
  }
}

/** An inventory as Ansible reads it, with a host's work as its variable `work`. */
export function inventory(hosts: ReadonlyMap<string, Work>): unknown {
  const described = [...hosts].map(([name, work]) => {
    const files = work.files.map(({ path, owner, group, mode }) => ({ path, owner, group, mode }));
    const sysctls = work.sysctls.map((one) => ({ ...one, file: sysctlFile(one.key, work) }));
    return [name, { work: { ...work, files, sysctls } }];
  });
  return { all: { hosts: Object.fromEntries(described) as unknown } };
}

/** Where the value is kept for the next boot: Ansible's module writes it there, and finds it there already. */
function sysctlFile(key: string, work: Work): string {
  const file = work.files.find(
    ({ path, content }) =>
      path.startsWith('/etc/sysctl.d/') && content.split('\n').some((line) => line.split('=')[0]?.trim() === key),
  );
  if (file === undefined) throw new Error(`no file of /etc/sysctl.d keeps ${key}`);
  return file.path;
}
