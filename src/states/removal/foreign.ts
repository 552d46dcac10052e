import { etcdFolders } from '../../cluster/etcd-folders.ts';
import type { Facts, OwnedEntry } from '../../cluster/facts.ts';
import type { Answer, Ask } from '../../cluster/gate.ts';
import type { Leaver } from '../../cluster/leaving.ts';
import { PATHS } from '../../core/paths.ts';
import type { Cluster } from '../../inventory/types.ts';
import { CALICO } from '../calico/objects.ts';
import { sharedSecretsOf } from '../secrets.ts';
import type { Inquiry, Problem } from '../stage.ts';

/** $@ = folders. Bounded: of thousands of files a few names tell enough. */
const LOOK = `find "$@" -xdev ! -type d -printf '%p\\n' 2>/dev/null | head -n 1000`;
const SHOWN = 5;

/** What lies in folders of mcpk's on hosts that go as a whole, and stays there with its folder, as it is not mcpk's. */
export function foreignInquiry(cluster: Cluster, facts: Facts, leavers: readonly Leaver[]): Inquiry | undefined {
  const asks = leavers.flatMap(({ host: { name } }): Ask[] => {
    const folders = ownedOf(facts, name).flatMap(({ ref }) => (ref.startsWith('directory:') ? [pathOf(ref)] : []));
    const asked = folders.filter((path) => !isData(cluster, path));
    return asked.length === 0 ? [] : [{ host: name, argv: ['sh', '-c', LOOK, 'sh', ...asked] }];
  });
  if (asks.length === 0) return undefined;
  return { asks, judge: (answers) => answers.flatMap((answer) => judge(cluster, facts, answer)) };
}

function judge(cluster: Cluster, facts: Facts, { host, stdout }: Answer): Problem[] {
  const own = new Set([
    ...ownedOf(facts, host).flatMap(({ ref, beside = [] }) => [pathOf(ref), ...beside]),
    ...secretFiles(cluster, host),
    ...CALICO.grows,
  ]);
  const foreign = [...new Set(stdout.split('\n'))].filter(
    (path) => path.startsWith('/') && !own.has(path) && !isData(cluster, path) && !isOfPackage(path),
  );
  if (foreign.length === 0) return [];
  const more = foreign.length - SHOWN;
  const shown = more > 1 ? [...foreign.slice(0, SHOWN), `and ${String(more)} more`] : foreign;
  return [{ code: 'warning', host, message: `not of mcpk's making, and stays there: ${shown.join(', ')}` }];
}

/** What grows there is of what mcpk set up; that audit logs stay is said at the end. */
function isData(cluster: Cluster, path: string): boolean {
  const folders = [PATHS.state, PATHS.kubeletData, cluster.apiServer.audit.directory, ...etcdFolders(cluster)];
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

/** HAProxy's own pages come with its package, which stays. */
function isOfPackage(path: string): boolean {
  return path.startsWith('/etc/haproxy/errors/');
}

function secretFiles(cluster: Cluster, name: string): string[] {
  const host = [...cluster.leaving, ...cluster.hosts].find((each) => each.name === name);
  if (!host) return [];
  return sharedSecretsOf(cluster, { ...host, roles: ['master', 'etcd', 'worker'] }).flatMap(({ files }) =>
    files.map(({ path }) => path),
  );
}

function ownedOf({ hosts }: Facts, name: string): readonly OwnedEntry[] {
  return hosts.get(name)?.owned ?? [];
}

/** `file:/etc/x` is `/etc/x`. */
function pathOf(ref: string): string {
  return ref.slice(ref.indexOf(':') + 1);
}
