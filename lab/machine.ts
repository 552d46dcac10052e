import { userInfo } from 'node:os';
import { access } from 'node:fs/promises';
import { LabError } from './errors.ts';
import { capture, isOnPath, run } from './run.ts';

/** Why this machine cannot host the lab, in one line; undefined when it can. */
export function unfit(): string | undefined {
  if (process.platform !== 'linux') return `the lab needs Linux, this is ${process.platform}`;
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    return `the lab knows amd64 and arm64, this is ${process.arch}`;
  if (userInfo().uid !== 0) return 'the lab boots hosts and makes network namespaces: it needs root';
  return undefined;
}

/** Programs the lab calls, with the Debian package that brings each. Only what is missing is installed. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'systemd-nspawn': 'systemd-container',
  debootstrap: 'debootstrap',
  ip: 'iproute2',
  tc: 'iproute2',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  mount: 'mount',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  tar: 'tar',
};

/** Installs what the machine lacks and gives back what was installed. */
export async function ensurePrograms(onWork: (what: string) => void): Promise<string[]> {
  const lacking = await Promise.all(
    Object.entries(PROGRAMS).map(async ([program, name]) => ((await isOnPath(program)) ? undefined : name)),
  );
  const packages = [...new Set(lacking.filter((name) => name !== undefined))];
  if (packages.length === 0) return [];
  await requireApt(packages);
  onWork(`installing ${packages.join(', ')}`);
  await aptInstall(packages);
  return packages;
}

/** A C compiler, and what runc is linked with. */
export async function ensureCompiler(): Promise<void> {
  if ((await isOnPath('gcc')) && (await isOnPath('pkg-config')) && (await exists('/usr/include/seccomp.h'))) return;
  const packages = ['gcc', 'libc6-dev', 'libseccomp-dev', 'pkg-config'];
  await requireApt(packages);
  await aptInstall(packages);
}

async function requireApt(packages: readonly string[]): Promise<void> {
  if (await isOnPath('apt-get')) return;
  throw new LabError(`the lab needs ${packages.join(', ')}, and this machine has no apt-get to install them`, {
    hint: 'install the same programs with the package manager of this machine, then run the command again',
  });
}

async function aptInstall(packages: readonly string[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages];
  // The lists may be old or absent: fetch them only when the first try fails.
  if ((await capture(install, { env })).code === 0) return;
  await run(['apt-get', 'update', '-q'], { env });
  await run(install, { env });
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
