import type { Answer } from '../cluster/gate.ts';
import type { Cluster, Host, Versions } from '../inventory/types.ts';
import type { PackageResource, Ref } from '../resources/types.ts';
import type { Inquiry, InquiryContext, Problem } from './stage.ts';

/** Packages of which the inventory may name an exact version. */
export type VersionedPackage = keyof Pick<Versions, 'containerd' | 'haproxy' | 'keepalived'>;

/** Held: an upgrade in the night would restart its unit outside of any batch. */
export function heldPackage({ versions }: Cluster, name: VersionedPackage, unit: string): PackageResource {
  const version = versions[name];
  return { kind: 'package', name, ...(version === undefined ? {} : { version }), units: [unit], hold: true };
}

/** What its unit restarts for, as a process goes on with the file it was started from: only where a version is named. */
export function versionInput({ versions }: Cluster, name: VersionedPackage): Ref[] {
  return versions[name] === undefined ? [] : [`package:${name}`];
}

/** Of apt's version table: ` *** 1.6.20~ds1-1+deb12u1 500`; the sources of each version are indented further. */
const VERSION = /^(?: \*{3}| {4}) (\S+) -?\d+$/gm;

/** Whether apt on each of these hosts has the version that is wanted of a package; nothing is asked where none is. */
export function versionInquiry(
  name: VersionedPackage,
  hostsOf: (cluster: Cluster) => readonly Host[],
): (context: InquiryContext) => Inquiry | undefined {
  return ({ cluster, facts }) => {
    const wanted = cluster.versions[name];
    if (wanted === undefined) return undefined;
    const hosts = hostsOf(cluster).filter((host) => facts.hosts.has(host.name));
    const asks = hosts.map((host) => ({ host: host.name, argv: ['apt-cache', 'policy', name] }));
    return { asks, judge: (answers) => answers.flatMap((answer) => judge(answer, name, wanted)) };
  };
}

/** A host whose apt knows no version at all has not read its lists yet: the install makes it do that. */
function judge({ host, stdout }: Answer, name: VersionedPackage, wanted: string): Problem[] {
  const known = [...stdout.matchAll(VERSION)].flatMap(([, version]) => version ?? []);
  if (known.length === 0 || known.includes(wanted)) return [];
  return [
    {
      host,
      message: `apt has no ${name} ${wanted} (versions.${name}); it has ${known.join(', ')}`,
      hint: 'Name one of these, or let apt read its lists anew where it is newer than they are: mcpk exec -- apt-get update',
    },
  ];
}
