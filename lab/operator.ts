import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KNOWN_HOSTS, OPERATOR_KEY, SSH_CONFIG } from './keys.ts';
import { OPERATOR_NETNS } from './network.ts';
import { ARTIFACTS, CLONE, STATE } from './paths.ts';
import { REGISTRY, VIP } from './topology.ts';

const BIN = join(STATE, 'bin');
export const KUBECONFIG = join(STATE, 'kubeconfig');
/** Upstream's, of the Calico whose images the registry has. */
export const CALICO_MANIFEST = join(STATE, 'calico.yaml');

/** What a command on the operator's side finds in its environment. */
export function operatorEnvironment(): Record<string, string> {
  return {
    PATH: `${BIN}:${process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'}`,
    KUBECONFIG,
    MCPK_LAB_INSIDE: '1',
    MCPK_LAB_CLONE: CLONE,
    MCPK_LAB_DIR: STATE,
    MCPK_LAB_ARTIFACTS: ARTIFACTS,
    MCPK_LAB_SSH_CONFIG: SSH_CONFIG,
    MCPK_LAB_SSH_KEY: OPERATOR_KEY,
    MCPK_LAB_KNOWN_HOSTS: KNOWN_HOSTS,
    MCPK_LAB_CALICO_MANIFEST: CALICO_MANIFEST,
    MCPK_LAB_REGISTRY: REGISTRY,
    MCPK_LAB_VIP: VIP,
  };
}

/** The words that put a command onto the operator's side. */
export function onOperatorSide(argv: readonly string[]): string[] {
  return ['ip', 'netns', 'exec', OPERATOR_NETNS, ...argv];
}

/** Lays down the folder of commands: mcpk of the clone that asks, kubectl and etcdctl from the cache. */
export async function writeCommands(directories: { kubernetes: string; etcd: string }): Promise<void> {
  await rm(BIN, { recursive: true, force: true });
  await mkdir(BIN, { recursive: true });
  await writeFile(join(BIN, 'mcpk'), mcpkCommand());
  await writeFile(join(BIN, 'kubectl'), kubectlCommand(join(directories.kubernetes, 'kubectl')));
  for (const name of ['mcpk', 'kubectl']) await chmod(join(BIN, name), 0o755);
  for (const name of ['etcdctl', 'etcdutl']) await symlink(join(directories.etcd, name), join(BIN, name));
}

/**
 * Built code when there is some, else the sources; on the project's own Node, which may be newer than the machine's.
 * Of the clone that `exec` is called from: the lab is the machine's, and several clones may take turns with it.
 */
function mcpkCommand(): string {
  return `#!/bin/sh
clone="$MCPK_LAB_CLONE"
node="$clone/node_modules/.bin/node"
[ -x "$node" ] || node=node
if [ -f "$clone/dist/mcpk.cjs" ]; then
  exec "$node" "$clone/bin/run.js" "$@"
fi
exec "$node" "$clone/bin/dev.js" "$@"
`;
}

/** Gets itself the cluster's kubeconfig where there is none yet, whatever command made the cluster. */
function kubectlCommand(program: string): string {
  return `#!/bin/sh
if [ ! -s "$KUBECONFIG" ]; then
  (umask 077 && cd "$MCPK_LAB_CLONE" && mcpk kubeconfig -i inventories/lab.yaml >"$KUBECONFIG.$$") || {
    rm -f "$KUBECONFIG.$$"
    echo 'kubectl: the hosts of the lab are no cluster yet: lab exec mcpk apply makes one' >&2
    exit 1
  }
  mv "$KUBECONFIG.$$" "$KUBECONFIG"
fi
exec '${program}' "$@"
`;
}
