/**
 * Which of mcpk's compiled resources every tool of a race can say in its own idiom, and as what. The rest is left out
 * for all of them, mcpk too, and said. Pure.
 */
import type { Resource } from '../../src/resources/types.ts';

/**
 * `running`: the full cluster is there, so its units are asked for too. `bare`: without binaries, certificates and
 * secrets no unit that needs one can start, so such units are left out.
 */
export type Scope = 'running' | 'bare';

export interface FileWork {
  path: string;
  owner: string;
  group: string;
  mode: string;
  content: string;
}

/** What one host shall be, by kind, in the order in which each tool converges the kinds. */
export interface Work {
  packages: string[];
  users: { name: string; group: string; home: string }[];
  directories: Omit<FileWork, 'content'>[];
  files: FileWork[];
  /** A marked part of a file that is somebody else's. */
  blocks: { path: string; name: string; content: string }[];
  links: { path: string; target: string }[];
  sysctls: { key: string; value: string }[];
  units: { name: string; enabled: boolean; running: boolean }[];
}

/** As `mcpk show --json` prints it. */
export interface Shown {
  stages: readonly { name: string; hosts: readonly { host: string; resources: readonly Resource[] }[] }[];
}

const REASONS = {
  secret: 'files with a secret: their bytes are in no output of mcpk',
  binary: 'binaries',
  certificate: 'certificates, keys and authorities: no peer has them in its own modules',
  module: 'kernel modules: the lab has no module files, and only mcpk takes built-in ones for loaded',
  command: 'commands with a condition (swap off)',
  object: 'objects in the API',
  record: "the record of a host's cluster, which names its authority",
  start: 'units that need a binary or a certificate to start',
} as const;

/** Why a resource is no part of the race; undefined when it is. */
export function unsaid(resource: Resource, scope: Scope): string | undefined {
  switch (resource.kind) {
    case 'file':
      return typeof resource.content === 'string' ? undefined : REASONS.secret;
    case 'unit':
      return scope === 'running' || resource.inputs.every(({ ref }) => /^(file|package|directory):/.test(ref))
        ? undefined
        : REASONS.start;
    case 'binary':
      return REASONS.binary;
    case 'certificate':
    case 'sharedSecret':
      return REASONS.certificate;
    case 'kernelModule':
      return REASONS.module;
    case 'command':
      return REASONS.command;
    case 'kubeObject':
      return REASONS.object;
    case 'clusterRecord':
      return REASONS.record;
    case 'directory':
    case 'link':
    case 'package':
    case 'sysctl':
    case 'user':
      return undefined;
  }
}

export interface Race {
  hosts: ReadonlyMap<string, Work>;
  /** Reason → how many resources, over all hosts. */
  leftOut: ReadonlyMap<string, number>;
}

export function comparable(shown: Shown, scope: Scope): Race {
  const resources = Map.groupBy(
    shown.stages.flatMap((stage) =>
      stage.hosts.flatMap(({ host, resources }) => resources.map((one) => ({ host, one }))),
    ),
    ({ host }) => host,
  );
  const leftOut = new Map<string, number>();
  const hosts = new Map<string, Work>();
  for (const [host, all] of resources) {
    const work: Work = {
      packages: [],
      users: [],
      directories: [],
      files: [],
      blocks: [],
      links: [],
      sysctls: [],
      units: [],
    };
    for (const { one } of all) {
      const why = unsaid(one, scope);
      if (why === undefined) add(one, work);
      else leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
    }
    if (Object.values(work).some((list: unknown[]) => list.length > 0)) hosts.set(host, work);
  }
  return { hosts, leftOut };
}

function add(resource: Resource, work: Work): void {
  switch (resource.kind) {
    case 'file': {
      const { path, owner, group, mode } = resource;
      const content = resource.content.toString();
      if (resource.block === undefined) work.files.push({ path, owner, group, mode, content });
      else work.blocks.push({ path, name: resource.block, content });
      return;
    }
    case 'directory': {
      const { path, owner, group, mode } = resource;
      work.directories.push({ path, owner, group, mode });
      return;
    }
    case 'link':
      work.links.push({ path: resource.path, target: resource.target });
      return;
    case 'package':
      work.packages.push(resource.name);
      return;
    case 'user':
      work.users.push({ name: resource.name, group: resource.group, home: resource.home });
      return;
    case 'sysctl': {
      const { key, value } = resource;
      work.sysctls.push({ key, value });
      return;
    }
    case 'unit':
      work.units.push({ name: resource.name, enabled: resource.enabled, running: resource.state === 'running' });
      return;
    default:
  }
}

/** The same resource for mcpk, without what the peers leave out: validation, holds, strangers, restarts by input. */
export function stripped(resource: Resource): Resource {
  const { requires: _, ...rest } = resource;
  if (rest.kind === 'unit') return { ...rest, inputs: [] };
  if (rest.kind === 'package') return { ...rest, hold: false };
  if (rest.kind === 'directory') {
    const { exclusive: _exclusive, except: _except, ...plain } = rest;
    return plain;
  }
  if (rest.kind !== 'file') return rest;
  const { validate: _validate, ...plain } = rest;
  return plain;
}

/** A whole file that every host has and no unit reads: changing it restarts nothing. */
export function sharedFile(shown: Shown, race: Race): string {
  const inputs = new Set(
    shown.stages.flatMap((stage) =>
      stage.hosts.flatMap(({ resources }) =>
        resources.flatMap((one) => (one.kind === 'unit' ? one.inputs.map(({ ref }) => ref as string) : [])),
      ),
    ),
  );
  const [first, ...others] = [...race.hosts.values()].map((work) => work.files.map(({ path }) => path));
  const found = (first ?? []).find(
    (path) => !inputs.has(`file:${path}`) && others.every((paths) => paths.includes(path)),
  );
  if (found === undefined) throw new Error('there is no file that all hosts have and no unit reads');
  return found;
}
