import { resolve, type JsonSchema } from './schema.ts';

/** What people look for under a name that is no setting's, by that name without regard to case, hyphens and underscores. */
export const ELSEWHERE: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    httpproxy: ['proxy.http'],
    httpsproxy: ['proxy.https'],
    noproxy: ['proxy.noProxy'],
    oidc: ['apiServer.authentication.jwt'],
    vxlan: ['network.calico.encapsulation', 'network.mtu'],
    vxlanmtu: ['network.mtu'],
    vethmtu: ['network.mtu'],
    bastion: ['ssh.jump'],
    jumphost: ['ssh.jump'],
    proxyjump: ['ssh.jump'],
    loadbalancer: ['endpoint.external', 'endpoint'],
    lb: ['endpoint.external', 'endpoint'],
    gpu: ['labels', 'taints'].map((name) => `hosts.${name}`),
    registry: ['registries', 'network.calico.registry'],
  }),
);

/** What there is no setting for, by the section and the name: why, and what to do. */
const NEVER: ReadonlyMap<string, string> = new Map(
  ['password', 'pass', 'sshpassword', 'sshpass'].flatMap((word) =>
    ['ssh', 'hosts'].map((section): [string, string] => [
      `${section}.${word}`,
      'mcpk never logs in with a password: name a key in ssh.identityFiles, or use an agent (ssh.agent)',
    ]),
  ),
);

/** Parts of Kubernetes that have its version. */
const OF_KUBERNETES = ['kubelet', 'kubeProxy', 'apiServer', 'controllerManager', 'scheduler'];

type Path = readonly (string | number)[];

/** The settings that a path that is none may stand for, the likeliest first: `['versions.containerd']`. */
export function elsewhere(path: Path, isSetting: (name: string) => boolean): readonly string[] {
  const { section, word } = lastOf(path);
  if (word !== 'version') return ELSEWHERE.get(word) ?? [];
  const name = `versions.${OF_KUBERNETES.includes(section) ? 'kubernetes' : section}`;
  return isSetting(name) ? [name] : [];
}

/** Why there is no such setting, and what to do. */
export function neverSet(path: Path): string | undefined {
  const { section, word } = lastOf(path);
  return NEVER.get(`${section}.${word}`);
}

/** `hosts[0].ssh_password` → `hosts`, `sshpassword` */
function lastOf(path: Path): { section: string; word: string } {
  const [section = '', word = ''] = ['', ...path].filter((part) => typeof part === 'string').slice(-2);
  return { section, word: word.toLowerCase().replaceAll(/[-_]/g, '') };
}

/** So deep is looked for a name below a section: `kubelet.config.maxPods`. */
const DEEPEST = 3;

/**
 * Where below a section a setting of that name stands, without entries of lists: the first of those one below, deeper
 * the only one.
 */
export function settingBelow(section: JsonSchema, name: string, root: JsonSchema): string[] | undefined {
  let level: [path: string[], schema: JsonSchema][] = [[[], section]];
  for (let depth = 1; depth <= DEEPEST; depth++) {
    level = level.flatMap(([path, schema]) =>
      Object.entries(schema.properties ?? {}).map(([key, child]): (typeof level)[number] => [
        [...path, key],
        resolve(child, root),
      ]),
    );
    const found = level.filter(([, schema]) => Object.hasOwn(schema.properties ?? {}, name));
    const [first] = found;
    if (first !== undefined) return depth === 1 || found.length === 1 ? [...first[0], name] : undefined;
  }
  return undefined;
}
