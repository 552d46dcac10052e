import type { Facts } from '../../../cluster/facts.ts';
import { leavers } from '../../../cluster/leaving.ts';
import { restoringOn, type Restoring } from '../../../cluster/restoring.ts';
import { failure, McpkError } from '../../../core/errors.ts';
import { SECRETS } from '../../../core/paths.ts';
import { encryptionKeys } from '../../../core/encryption-keys.ts';
import { countsKeys, type BundleKeys, type OpenedBundle } from '../../../core/etcd-bundle.ts';
import { Secret } from '../../../core/secret.ts';
import { minorNumber, onlyAnew, seriesOf } from '../../../core/versions.ts';
import { hostsWith, type Cluster } from '../../../inventory/types.ts';
import { sharedSecretsOf } from '../../secrets.ts';
import type { Present } from './present.ts';
import type { RestoreGoal, RestoredFile } from './stages.ts';

export interface RestoreOf {
  cluster: Cluster;
  facts: Facts;
  opened: OpenedBundle;
  /** Of the bundle; undefined: nobody can read them. */
  keys: BundleKeys | undefined;
  present: Present;
  /** Names the restore, unless it goes on with one. */
  run: string;
}

export interface Restore {
  goal: RestoreGoal;
  /** What files of the goal hold, by the name under which they are sent. */
  secrets: ReadonlyMap<string, Secret>;
  /** It goes on with one that was cut off. */
  goesOn: boolean;
}

/**
 * What is to be done with a bundle on these hosts.
 *
 * @throws McpkError `refused` for what could not be read then, `preflight` where there is no room
 */
export function restoreOf(of: RestoreOf): Restore {
  const { bundle, snapshot } = of.opened;
  const begun = begunBy(of);
  const serves = [...begun.values()].some(({ phase }) => phase === 'serving');
  const { files, secrets, problems } = keysBack(of);
  const [first, ...rest] = [
    ...mismatches(of),
    ...problems,
    ...(begun.size > 0 ? [] : [...leftBehind(of), ...tooFull(of, snapshot.size)]),
  ];
  if (first) throw failure([first, ...rest]);
  const [one] = begun.values();
  return {
    goal: {
      run: one?.run ?? of.run,
      sha256: bundle.sha256,
      ...(countsKeys(bundle) ? { keys: { totalKeys: bundle.totalKeys, revision: bundle.revision } } : {}),
      phases: new Map([...begun].map(([host, { phase }]) => [host, phase])),
      // What API servers have begun to write with stays.
      files: serves ? [] : files,
    },
    secrets,
    goesOn: begun.size > 0,
  };
}

/** What a restore that was cut off left on hosts. Throws `refused` when it is another one. */
function begunBy({ facts, opened: { bundle } }: Pick<RestoreOf, 'facts' | 'opened'>): Map<string, Restoring> {
  const found = known(facts);
  const [one] = found.values();
  if (one !== undefined && one.sha256 !== bundle.sha256)
    throw new McpkError('refused', `a restore of another snapshot was cut off (${one.run})`, {
      details: [`its snapshot  sha256 ${one.sha256}`, `this one      sha256 ${bundle.sha256}`],
      hint: 'Finish it with its own bundle, or put the old data back: mcpk etcd restore --abandon',
    });
  return found;
}

/**
 * What hosts say of a restore that is not over.
 *
 * @throws McpkError `refused` when a host says what can't be read, or hosts name different ones
 */
function known(facts: Facts): Map<string, Restoring> {
  const found = new Map<string, Restoring>();
  for (const [host, restoring] of restoringOn(facts)) {
    const [other] = found.values();
    if (restoring === 'unknown' || (other !== undefined && other.run !== restoring.run))
      throw new McpkError('refused', `${host}: what it says of a restore of etcd can't be read, or is of another`, {
        host,
        hint: 'Look at /var/lib/mcpk/restore on the hosts.',
      });
    found.set(host, restoring);
  }
  return found;
}

/** The restore that can be given up. Throws `refused` where there is none, or no way back. */
export function abandonOf(facts: Facts): Pick<RestoreGoal, 'run' | 'sha256' | 'phases'> {
  const begun = known(facts);
  const [one] = begun.values();
  if (one === undefined)
    throw new McpkError('refused', 'no restore of etcd is under way', { hint: 'There is nothing to put back.' });
  const serving = [...begun].flatMap(([host, { phase }]) => (phase === 'serving' ? [host] : []));
  if (serving.length > 0)
    throw new McpkError('refused', `there is no way back from the restore ${one.run}: API servers may have written`, {
      host: serving[0],
      hint: 'Finish it: mcpk etcd restore BUNDLE',
    });
  return { ...one, phases: new Map([...begun].map(([host, { phase }]) => [host, phase])) };
}

function mismatches({ cluster, opened: { bundle }, present }: RestoreOf): McpkError[] {
  const refused = (message: string, hint: string, host?: string): McpkError =>
    new McpkError('refused', message, { hint, host });
  if (bundle.cluster !== cluster.name)
    return [refused(`the bundle is of the cluster ${bundle.cluster}, not of ${cluster.name}`, 'Name a bundle of this cluster, or the inventory of that one.')]; // prettier-ignore
  const series = seriesOf(bundle.versions.etcd);
  const wrong = hostsWith(cluster, 'etcd').flatMap(({ name }) => {
    const found = present.etcdutl.get(name);
    const up = `Bring it up with etcd ${String(series)} first: mcpk apply`;
    if (found === undefined) return [refused('has no etcdutl', up, name)];
    const isNewer = minorNumber(found) > minorNumber(bundle.versions.etcd);
    const hint = isNewer ? `No apply takes etcd back: ${onlyAnew(String(series))}` : up;
    if (seriesOf(found) !== series)
      return [refused(`has etcd ${found}, and the snapshot is of ${bundle.versions.etcd}: the minor version must be the same`, hint, name)]; // prettier-ignore
    return [];
  });
  const newer = minorNumber(bundle.versions.kubernetes) > minorNumber(cluster.versions.kubernetes);
  return [
    ...wrong,
    ...(newer
      ? [refused(`the snapshot is of Kubernetes ${bundle.versions.kubernetes}, which ${cluster.versions.kubernetes} can't read`, 'Set versions.kubernetes as it was then, and apply.')] // prettier-ignore
      : []),
  ];
}

/** Nobody stops them, as they are no part of the cluster any more: their API servers would serve the old data. */
function leftBehind({ cluster, facts }: RestoreOf): McpkError[] {
  return leavers(cluster, facts)
    .filter(({ master, member }) => master || member)
    .map(
      ({ host: { name } }) =>
        new McpkError(
          'refused',
          'is no master or member any more, and still has what it was: it would go on with the old data',
          {
            host: name,
            hint: `Clear it first: mcpk reset ${name}. Or put it back into the inventory as it was.`,
          },
        ),
    );
}

/** It comes as a file, and becomes a database of its size. */
function tooFull({ cluster, facts }: RestoreOf, bytes: number): McpkError[] {
  const needed = 2 * bytes + 256 * 1024 * 1024;
  return hostsWith(cluster, 'etcd').flatMap(({ name }) => {
    const free = facts.hosts.get(name)?.diskFreeBytes ?? needed;
    if (free >= needed) return [];
    const megabytes = (count: number): string => `${String(Math.ceil(count / 1e6))} MB`;
    return [
      new McpkError('preflight', `has ${megabytes(free)} left in /var/lib, and ${megabytes(needed)} are needed`, {
        host: name,
        hint: 'Make room, then run the same command again. The old data are kept until you remove them.',
      }),
    ];
  });
}

interface KeysBack {
  files: RestoredFile[];
  secrets: Map<string, Secret>;
  problems: McpkError[];
}

/** Keys of the bundle that masters lack come back; where the bundle can't give them, nobody could read the snapshot. */
function keysBack({ cluster, opened: { bundle }, keys, present }: RestoreOf): KeysBack {
  const masters = hostsWith(cluster, 'master');
  const lacksEncryption = masters.filter(({ name }) => {
    const own = present.keys.get(name)?.encryption ?? [];
    const wanted = keys ? encryptionKeys(keys['encryption.yaml']) : bundle.encryptionKeys.map((key) => ({ name: key }));
    return !wanted.every((key) =>
      own.some((each) => each.name === key.name && (!('secret' in key) || each.secret === key.secret)),
    );
  });
  const lacksServiceAccount = masters.filter(
    ({ name }) => !bundle.serviceAccountKeys.every((key) => present.keys.get(name)?.serviceAccount.includes(key)),
  );
  if (keys === undefined) {
    const hint =
      bundle.keys === 'age'
        ? 'The bundle has them, encrypted: --age-identity FILE.'
        : 'The bundle has no keys: put encryption.yaml of that time back on the masters by hand.';
    const problems = lacksEncryption.map(
      ({ name }) =>
        new McpkError(
          'refused',
          `lacks keys that the snapshot is encrypted with: ${bundle.encryptionKeys.join(', ')}`,
          {
            host: name,
            hint,
          },
        ),
    );
    return { files: [], secrets: new Map(), problems };
  }
  const filesOf =
    (id: string, sends: Readonly<Record<string, string>>): ((host: Cluster['hosts'][number]) => RestoredFile[]) =>
    (host) =>
      sharedSecretsOf(cluster, host)
        .filter((each) => each.id === id)
        .flatMap(({ files }) =>
          files.flatMap(({ item, path, owner, group, mode }) => {
            const name = sends[item];
            return name === undefined ? [] : [{ host: host.name, path, owner, group, mode, sends: name }];
          }),
        );
  return {
    files: [
      ...(lacksEncryption.length > 0 ? masters : []).flatMap(
        filesOf(SECRETS.encryption, { config: 'encryption.yaml' }),
      ),
      ...(lacksServiceAccount.length > 0 ? masters : []).flatMap(
        filesOf(SECRETS.serviceAccount, { private: 'service-account.key', public: 'service-account.pub' }),
      ),
    ],
    secrets: new Map(Object.entries(keys).map(([name, text]) => [name, new Secret(text, name)])),
    problems: [],
  };
}
