/** Gets the peers into the cache, and onto the hosts the Python that Ansible needs there. */
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { downloadPackages } from '../../lab/apt.ts';
import { rootOf } from '../../lab/hosts.ts';
import { imageInUse } from '../../lab/image.ts';
import { host } from '../../lab/lab.ts';
import { exists } from '../../lab/machine.ts';
import { CACHE } from '../../lab/paths.ts';
import { capture, run } from '../../lab/run.ts';
import { HOSTS } from '../../lab/topology.ts';

const PEERS = join(CACHE, 'peers');
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const ON_HOSTS = 'var/cache/mcpk-bench';

/** A virtual environment with what requirements.txt pins; its path. */
export async function installPeers(onWork: (what: string) => void): Promise<string> {
  const digest = createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex');
  const folder = join(PEERS, digest.slice(0, 12));
  const mark = join(folder, 'installed');
  if (await exists(mark)) return folder;
  await mkdir(PEERS, { recursive: true });
  for (const old of await readdir(PEERS)) await rm(join(PEERS, old), { recursive: true, force: true });
  onWork('installing Ansible, Mitogen and pyinfra from PyPI, about a minute');
  if ((await capture(['python3', '-c', 'import venv, ensurepip'])).code !== 0)
    await run(['apt-get', 'install', '-y', '-q', 'python3-venv'], { env: { DEBIAN_FRONTEND: 'noninteractive' } });
  await run(['python3', '-m', 'venv', folder]);
  await run([join(folder, 'bin', 'pip'), 'install', '--quiet', '--requirement', REQUIREMENTS]);
  await writeFile(mark, '');
  return folder;
}

/** Versions of what is measured, by name. */
export async function peerVersions(environment: string): Promise<Record<string, string>> {
  const lines = (await run([join(environment, 'bin', 'pip'), 'freeze'])).split('\n').map((line) => line.split('=='));
  const of = (name: string): string => lines.find(([each]) => each === name)?.[1] ?? '?';
  return { 'ansible-core': of('ansible-core'), mitogen: of('mitogen'), pyinfra: of('pyinfra') };
}

/** Remembers what was not there before. apt only for the order: all that it needs lies beside. */
const ADD = `cd /${ON_HOSTS}
for deb in ./*.deb; do
  name=$(dpkg-deb -f "$deb" Package)
  dpkg-query -s "$name" >/dev/null 2>&1 || printf '%s\\n' "$name" >>added
done
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends ./*.deb`;

/** The lab's hosts have no Python; mcpk and pyinfra need none. Its packages lie in the cache between runs. */
export async function addPython(): Promise<void> {
  const packages = await pythonPackages();
  await Promise.all(
    HOSTS.map(async ({ name }) => {
      await cp(packages, join(rootOf(name), ON_HOSTS), { recursive: true });
      await onHost(name, ADD);
    }),
  );
}

/** As the hosts were before. */
export async function removePython(): Promise<void> {
  await Promise.all(HOSTS.map(({ name }) => onHost(name, `dpkg -P $(cat /${ON_HOSTS}/added) && rm -r /${ON_HOSTS}`)));
}

async function pythonPackages(): Promise<string> {
  const image = await imageInUse();
  const folder = join(CACHE, `peers-python-${createHash('sha256').update(image).digest('hex').slice(0, 8)}`);
  if (await exists(folder)) return folder;
  await rm(`${folder}.tmp`, { recursive: true, force: true });
  await downloadPackages(image, ['python3', 'python3-apt'], `${folder}.tmp`);
  await rm(join(`${folder}.tmp`, 'Packages'));
  await rename(`${folder}.tmp`, folder);
  return folder;
}

async function onHost(name: string, script: string): Promise<void> {
  const said = await host(name, ['sh', '-c', script]);
  if (said.code !== 0) throw new Error(`${name}: ${script}\n${said.stdout}${said.stderr}`);
}
