import type { Resource } from '../../../src/resources/types.ts';
import { PATHS } from '../../../src/core/paths.ts';

/**
 * How somebody with root spoils a resource by hand, as shell words for the host; undefined = there is no way to
 * (a module that is built in, a command that only runs under a condition). Every kind has an entry: a new kind does
 * not compile without one.
 */
type Spoil<K extends Resource['kind']> = (resource: Extract<Resource, { kind: K }>) => string[] | undefined;

export const CHANGED: { [K in Resource['kind']]: Spoil<K> } = {
  file: ({ path, block }) =>
    sh(
      block === undefined ? 'printf "\\n# by hand\\n" >> "$1"' : 'sed -i "s/^# END mcpk .*/# by hand\\n&/" "$1"',
      path,
    ),
  directory: ({ path }) => ['chmod', '0777', path],
  link: ({ path }) => ['ln', '-sfn', '/bin/false', path],
  package: ({ name, hold }) => (hold ? ['apt-mark', 'unhold', name] : undefined),
  unit: ({ name }) => ['systemctl', 'disable', name],
  sysctl: ({ key, value }) =>
    /^\d+$/.test(value) ? ['sysctl', '-w', `${key}=${other(key, Number(value))}`] : undefined,
  kernelModule: () => undefined,
  user: ({ name }) => ['usermod', '-s', '/bin/sh', name],
  binary: ({ sha256 }) => sh('rm -f "$1"; echo broken > "$1"', `${PATHS.store}/${sha256}`),
  certificate: ({ path, rotatedBy }) => (rotatedBy === undefined ? sh('echo broken > "$1"', path) : undefined),
  sharedSecret: ({ files, holder }) => {
    const file = files.find((each) => !holder || each.item === 'bundle' || each.item === 'public');
    return file ? sh('printf "\\n# by hand\\n" >> "$1"', file.path) : undefined;
  },
  clusterRecord: () => ['chmod', '0644', PATHS.clusterRecord],
  command: () => undefined,
  kubeObject: () => undefined,
};

/** In the lab's image and not in its repository: nothing could bring them back. */
const OF_THE_IMAGE = new Set(['ca-certificates', 'iproute2', 'kmod']);

export const REMOVED: { [K in Resource['kind']]: Spoil<K> } = {
  file: ({ path, block }) =>
    block === undefined ? ['rm', '-f', path] : ['sed', '-i', `/BEGIN mcpk/,/END mcpk/d`, path],
  directory: () => undefined,
  link: ({ path }) => ['rm', '-f', path],
  package: ({ name }) => (OF_THE_IMAGE.has(name) ? undefined : ['dpkg', '--remove', '--force-depends', name]),
  // A unit that went with its package is stopped already.
  unit: ({ name }) => sh('systemctl stop "$1" 2>/dev/null || ! systemctl cat "$1" >/dev/null 2>&1', name),
  sysctl: () => undefined,
  kernelModule: () => undefined,
  user: () => undefined,
  binary: ({ sha256 }) => ['rm', '-f', `${PATHS.store}/${sha256}`],
  certificate: ({ path, rotatedBy }) => (rotatedBy === undefined ? ['rm', '-f', path] : undefined),
  sharedSecret: ({ files, holder }) => {
    const file = files.find((each) => !holder || each.item === 'bundle' || each.item === 'public');
    return file ? ['rm', '-f', file.path] : undefined;
  },
  clusterRecord: () => ['rm', '-f', PATHS.clusterRecord],
  command: () => undefined,
  kubeObject: () => undefined,
};

function sh(script: string, ...args: string[]): string[] {
  return ['sh', '-c', script, 'sh', ...args];
}

/** Another value that the kernel takes and that does no harm for a moment. */
function other(key: string, value: number): number {
  if (value > 1000) return value - 1;
  return value === 0 ? 1 : key === 'kernel.panic' ? value + 1 : 0;
}

export function spoil(how: 'changed' | 'removed', resource: Resource): string[] | undefined {
  const table = how === 'changed' ? CHANGED : REMOVED;
  return (table[resource.kind] as Spoil<Resource['kind']>)(resource);
}
