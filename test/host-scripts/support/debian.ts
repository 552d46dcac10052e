import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Scratch } from './scratch.ts';

/** Whether this machine's own apt and dpkg can be asked. */
export const HAS_APT = ['/usr/bin/apt-get', '/usr/bin/dpkg-deb'].every((path) => existsSync(path));

export interface Deb {
  name: string;
  version: string;
  /** As in a control file: `libx (>= 2)`. */
  depends?: string;
  conflicts?: string;
  /** Suite of its repository; `main` by default. */
  suite?: 'main' | 'security';
}

/** apt and dpkg as they are, on a root of their own, with repositories of packages that hold nothing. */
export class Debian {
  readonly host: Scratch;
  readonly environment: Record<string, string>;

  constructor(host: Scratch) {
    this.host = host;
    for (const folder of ['info', 'updates', 'triggers', 'parts']) mkdirSync(this.dpkg(folder), { recursive: true });
    for (const file of ['status', 'available']) writeFileSync(this.dpkg(file), '');
    host.put('/etc/apt/sources.list', '');
    host.put('/etc/apt/preferences', '');
    for (const folder of [
      'etc/apt/apt.conf.d',
      'etc/apt/preferences.d',
      'var/lib/apt/lists/partial',
      'var/cache/apt/archives/partial',
      'var/log/apt',
      'tmp',
    ])
      mkdirSync(host.at(folder), { recursive: true });
    // Its own root, and none of this machine's settings.
    host.put(
      '/etc/apt/apt.conf',
      `Dir "${host.root}";\nDir::State::status "${this.dpkg('status')}";\nDir::Bin::dpkg "${host.stubs}/dpkg";\nAPT::Sandbox::User "root";\n`,
    );
    this.environment = { APT_CONFIG: host.at('/etc/apt/apt.conf') };
    const root = `--root=${host.root} --force-not-root --force-script-chrootless`;
    host.stub('dpkg', `exec /usr/bin/dpkg ${root} --log=/dev/null "$@"`);
    host.stub('dpkg-query', `exec /usr/bin/dpkg-query --admindir=${this.dpkg('')} "$@"`);
    host.stub('apt-mark', 'exec /usr/bin/apt-mark "$@"');
    host.stub('systemctl', '');
  }

  /** Gives apt just these, each suite a repository; its lists are read. */
  offers(debs: readonly Deb[]): void {
    const suites = Map.groupBy(debs, ({ suite = 'main' }) => suite);
    const sources = [...suites].map(([suite, of]) => {
      const folder = this.host.at(`/repository-${suite}`);
      mkdirSync(folder, { recursive: true });
      const index = of.map((deb) => entryOf(deb, build(deb, folder))).join('\n');
      writeFileSync(join(folder, 'Packages'), index);
      writeFileSync(join(folder, 'Release'), releaseOf(suite, index));
      return `deb [trusted=yes] file:${folder} ./\n`;
    });
    writeFileSync(this.host.at('/etc/apt/sources.list'), sources.join(''));
    this.apt('update');
  }

  apt(...words: string[]): string {
    const { PATH } = process.env;
    const env = { ...this.environment, LC_ALL: 'C', PATH: `${this.host.stubs}:${PATH ?? ''}` };
    return execFileSync('apt-get', ['-y', '-q', ...words], { env, encoding: 'utf8', stdio: 'pipe' });
  }

  hold(...names: string[]): void {
    execFileSync('apt-mark', ['hold', ...names], { env: { ...process.env, ...this.environment }, stdio: 'pipe' });
  }

  /** `NAME VERSION`, `hold` before those that are held, sorted. */
  get installed(): string[] {
    const format = ['-W', '-f', '${db:Status-Want} ${db:Status-Status} ${Package} ${Version}\n'];
    const said = execFileSync('dpkg-query', [`--admindir=${this.dpkg('')}`, ...format], { encoding: 'utf8' });
    return said
      .split('\n')
      .filter((line) => line.includes(' installed '))
      .map((line) => line.replace('install installed ', '').replace('hold installed ', 'hold '))
      .toSorted();
  }

  private dpkg(name: string): string {
    return this.host.at(`/var/lib/dpkg/${name}`);
  }
}

function controlOf({ name, version, depends, conflicts }: Deb): string {
  return [
    `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: nobody <nobody@example.org>`,
    ...(depends === undefined ? [] : [`Depends: ${depends}`]),
    ...(conflicts === undefined ? [] : [`Conflicts: ${conflicts}`]),
    'Description: holds nothing\n',
  ].join('\n');
}

function build(deb: Deb, folder: string): string {
  const file = `${deb.name}_${deb.version.replaceAll(':', '.')}.deb`;
  const path = join(folder, file);
  if (existsSync(path)) return path;
  const tree = `${path}.d`;
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  writeFileSync(join(tree, 'DEBIAN/control'), controlOf(deb));
  execFileSync('dpkg-deb', ['-Znone', '--root-owner-group', '--build', tree, path], { stdio: 'pipe' });
  return path;
}

function entryOf(deb: Deb, path: string): string {
  const bytes = readFileSync(path);
  const file = path.slice(path.lastIndexOf('/') + 1);
  return `${controlOf(deb)}Filename: ./${file}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
}

/** As Debian labels its own. */
function releaseOf(suite: string, index: string): string {
  const [label, archive] = suite === 'security' ? ['Debian-Security', 'stable-security'] : ['Debian', 'stable'];
  const names = `Origin: Debian\nLabel: ${label}\nSuite: ${archive}\nCodename: trixie\nVersion: 13`;
  return `${names}\nDate: Sun, 29 Nov 2026 12:00:00 UTC\nSHA256:\n ${sha256(index)} ${Buffer.byteLength(index)} Packages\n`;
}

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
