import type { Cluster } from '../inventory/types.ts';
import { minorNumber } from '../core/versions.ts';
import type { Answer, Ask } from './gate.ts';
import { kubectl } from './kubectl.ts';

const METRIC = 'apiserver_requested_deprecated_apis';

/** Fixed text, as a metric's page has megabytes; the arguments are kubectl. grep that finds nothing is no failure. */
const DEPRECATED = `"$@" get --raw /metrics | grep '^${METRIC}{' || :`;

/** Deprecated APIs that somebody asked this API server for since it started. */
export function askDeprecated(cluster: Cluster, host: string): Ask {
  return { host, argv: ['sh', '-c', DEPRECATED, 'sh', ...kubectl(cluster, host).argv] };
}

/** Those that are gone in this version, such as `certificates.k8s.io/v1alpha1 clustertrustbundles`. */
export function goneIn(version: string, answer: Answer | undefined): string[] {
  const lines = (answer?.stdout ?? '').split('\n', MOST_LINES).filter((line) => line.startsWith(`${METRIC}{`));
  const found = lines.flatMap((line) => {
    const of = (label: string): string => new RegExp(`[{,]${label}="([^"]{0,253})"`).exec(line)?.[1] ?? '';
    const removed = of('removed_release');
    if (removed === '' || minorNumber(`${removed}.0`) > minorNumber(version)) return [];
    const group = of('group');
    return [`${group === '' ? '' : `${group}/`}${of('version')} ${of('resource')}`];
  });
  return [...new Set(found)];
}

const MOST_LINES = 1000;

/** Name, versions that etcd may have objects in, and versions that are served, of each definition on a line. */
const CRDS = `{range .items[*]}{.metadata.name}{"\\t"}{.status.storedVersions}{"\\t"}{.spec.versions[?(@.served==true)].name}{"\\n"}{end}`;

export function askStoredVersions(cluster: Cluster, host: string): Ask {
  return kubectl(cluster, host, 'get', 'customresourcedefinitions', '-o', `jsonpath=${CRDS}`);
}

/** Definitions whose objects may lie in a version that is no longer served: `foos.example.com v1beta1`. */
export function storedUnserved(answer: Answer | undefined): string[] {
  return (answer?.stdout ?? '').split('\n', MOST_LINES).flatMap((line) => {
    const [name = '', stored = '', served = ''] = line.split('\t');
    const left = (stored.match(/[\w.-]+/g) ?? []).filter((version) => !served.split(' ').includes(version));
    return left.length === 0 ? [] : [`${name} ${left.join(', ')}`];
  });
}
