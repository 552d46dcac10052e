import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../../src/cluster/facts.ts';
import { restoringLine, type RestorePhase } from '../../../src/cluster/restoring.ts';
import type { FailureList, McpkError } from '../../../src/core/errors.ts';
import { PATHS } from '../../../src/core/paths.ts';
import type { EtcdBundle } from '../../../src/core/etcd-bundle.ts';
import { readPresent, type Present } from '../../../src/states/wishes/etcd-restore/present.ts';
import { abandonOf, restoreOf, type Restore } from '../../../src/states/wishes/etcd-restore/restore.ts';
import { restoreStages, type RestoreGoal } from '../../../src/states/wishes/etcd-restore/stages.ts';
import { factsOf, labCluster } from '../cluster.ts';

const RUN = '20261128T174300Z-3f9a';
const cluster = await labCluster();
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PEM = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const DIGEST = createHash('sha256')
  .update(publicKey.export({ type: 'spki', format: 'der' }))
  .digest('hex');

function encryption(...keys: string[]): string {
  const lines = keys.map((name) => `        - {name: ${name}, secret: of-${name}}`);
  return ['resources:', '- resources: [secrets]', '  providers:', '    - secretbox:', '        keys:', ...lines, '    - identity: {}'].join('\n'); // prettier-ignore
}

type Bundle = Pick<Parameters<typeof restoreOf>[0], 'opened' | 'keys'>;

/** With keys where an EncryptionConfiguration is given. */
function bundleOf(about: Partial<EtcdBundle> = {}, config?: string): Bundle {
  const bundle: EtcdBundle = {
    apiVersion: 'mcpk/v1',
    kind: 'EtcdBundle',
    cluster: 'lab',
    clusterId: '1',
    createdAt: '2026-11-28T17:43:00Z',
    member: 'm1',
    versions: { etcd: '3.7.1', kubernetes: '1.37.1' },
    revision: 100,
    totalKeys: 12,
    databaseBytes: 1,
    sha256: 'ab'.repeat(32),
    encryptionKeys: ['key-a'],
    serviceAccountKeys: [DIGEST],
    keys: 'none',
    ...about,
  };
  return {
    opened: { bundle, snapshot: { position: 512, size: 4096 } },
    keys: config === undefined ? undefined : { 'encryption.yaml': config, 'service-account.key': 'k', 'service-account.pub': PEM }, // prettier-ignore
  };
}

const FACTS = factsOf(cluster, { etcd: 'formed' }, { diskFreeBytes: 1e12 });

/** What hosts say, of which `over` says otherwise, by what is asked for. */
async function presentOf(over: Readonly<Record<string, string>> = {}): Promise<Present> {
  const said = { etcdutl: 'etcdutl version: 3.7.3\nAPI version: 3.7\n', encryption: encryption('key-b', 'key-a'), pub: PEM, ...over }; // prettier-ignore
  return readPresent({ cluster, facts: FACTS }, (asks) =>
    Promise.resolve(
      asks.map(({ host, argv }) => {
        const name = Object.keys(said).find((each) => argv.some((word) => word.includes(each)));
        return { host, exitCode: 0, stderr: '', stdout: said[(over[`${host} ${String(name)}`] === undefined ? name : `${host} ${String(name)}`) as keyof typeof said] ?? '' }; // prettier-ignore
      }),
    ),
  );
}

function restoring(phases: Readonly<Record<string, RestorePhase>>, sha256 = 'ab'.repeat(32)): Facts {
  const hosts = [...FACTS.hosts].map(([name, own]) => {
    const phase = phases[name];
    const text = phase === undefined ? undefined : `${restoringLine({ run: RUN, sha256, phase })}\n`;
    return [name, text === undefined ? own : { ...own, files: { [PATHS.restoring]: text } }] as const;
  });
  return { ...FACTS, hosts: new Map(hosts) };
}

function errorOf(attempt: () => unknown): McpkError {
  try {
    attempt();
  } catch (error) {
    return error as McpkError;
  }
  throw new Error('did not throw');
}

describe('a bundle', () => {
  const fits = async (bundle: Bundle, over: Readonly<Record<string, string>> = {}, facts = FACTS): Promise<Restore> =>
    restoreOf({ cluster, facts, ...bundle, present: await presentOf(over), run: RUN });

  it('whose keys the masters have needs none put back', async () => {
    const { goal, goesOn } = await fits(bundleOf());
    expect(goal).toEqual({
      run: RUN,
      sha256: 'ab'.repeat(32),
      keys: { totalKeys: 12, revision: 100 },
      phases: new Map(),
      files: [],
    });
    expect(goesOn).toBe(false);
  });

  it('is not put beside a master that leaves, and would go on with the old data', async () => {
    const leaving = await labCluster('hosts: [{ name: m3, state: absent }]');
    const hosts = new Map([...FACTS.hosts].map(([name, own]) => [name, name === 'm3' ? { ...own, owned: [{ ref: 'unit:kube-apiserver.service', hash: 'h', stage: 's' }] } : own])); // prettier-ignore
    const present = await presentOf();
    const attempt = (facts: Facts): Restore => restoreOf({ cluster: leaving, facts, ...bundleOf(), present, run: RUN });
    expect(errorOf(() => attempt({ ...FACTS, hosts }))).toMatchObject({ exitCode: 18, host: 'm3' });
    // It has left.
    expect(attempt(FACTS).goesOn).toBe(false);
  });

  const refused: [string, Bundle, Readonly<Record<string, string>>, RegExp][] = [
    ['of another cluster', bundleOf({ cluster: 'other' }), {}, /the cluster other, not of lab/],
    ['of another minor of etcd', bundleOf({ versions: { etcd: '3.6.2', kubernetes: '1.37.1' } }), {}, /minor version must be the same/], // prettier-ignore
    ['of a newer Kubernetes', bundleOf({ versions: { etcd: '3.7.1', kubernetes: '1.38.0' } }), {}, /1.38.0, which 1.37.1 can't read/], // prettier-ignore
    ['for hosts without etcd', bundleOf(), { etcdutl: '' }, /has no etcdutl/],
    ['by a key that nobody has', bundleOf({ encryptionKeys: ['key-z'] }), {}, /lacks keys .*: key-z/],
    ['by a key that one master lacks', bundleOf(), { 'm2 encryption': encryption('key-b') }, /lacks keys/],
    ['whose keys nobody decrypted', bundleOf({ encryptionKeys: ['key-z'], keys: 'age' }), {}, /lacks keys/],
  ];
  it.each(refused)('%s is refused', async (_what, bundle, over, says) => {
    const present = await presentOf(over);
    const error = errorOf(() => restoreOf({ cluster, facts: FACTS, ...bundle, present, run: RUN }));
    expect(error).toMatchObject({ exitCode: 18 });
    expect(error.message).toMatch(says);
  });

  it.each([
    ['3.6.2', /No apply takes etcd back: .* anew with 3\.6/],
    ['3.8.0', /Bring it up with etcd 3\.8 first/],
  ])('of etcd %s, where 3.7 is, has a way that there is', async (version, way) => {
    const present = await presentOf();
    const bundle = bundleOf({ versions: { etcd: version, kubernetes: '1.37.1' } });
    const error: unknown = errorOf(() => restoreOf({ cluster, facts: FACTS, ...bundle, present, run: RUN }));
    // One for each member.
    expect((error as FailureList).errors.map(({ hint }) => hint)).toEqual(Array(3).fill(expect.stringMatching(way)));
  });

  it('that has its keys brings them along to all masters, where one lacks them', async () => {
    const { goal, secrets } = await fits(bundleOf({ keys: 'plain' }, encryption('key-a', 'key-z')));
    expect(goal.files.map(({ host, path, owner, mode }) => [host, path, owner, mode].join(' '))).toEqual(
      ['m1', 'm2', 'm3'].map((host) => `${host} /etc/kubernetes/api-server/encryption.yaml kube-apiserver 0600`),
    );
    expect(secrets.get('encryption.yaml')?.reveal()).toContain('of-key-z');
  });

  it('of a cluster with other service-account keys brings all three files', async () => {
    const { goal } = await fits(bundleOf({ keys: 'plain' }, encryption('key-a')), { pub: '' });
    expect(goal.files.filter(({ host }) => host === 'm1').map(({ path, sends }) => `${sends} ${path}`)).toEqual([
      'service-account.key /etc/kubernetes/api-server/service-account.key',
      'service-account.key /etc/kubernetes/controller-manager/service-account.key',
      'service-account.pub /etc/kubernetes/pki/service-account.pub',
    ]);
  });

  it('a key of the same name with another secret is another key', async () => {
    const other = encryption('key-a').replace('of-key-a', 'of-old');
    expect((await fits(bundleOf({ keys: 'plain' }, other))).goal.files).toHaveLength(3);
  });

  it('does not begin where there is no room for it', async () => {
    const facts = factsOf(cluster, { etcd: 'formed' }, { diskFreeBytes: 1e8 });
    await expect(fits(bundleOf(), {}, facts)).rejects.toMatchObject({ exitCode: 14 });
  });

  it('keys of etcd before 3.7 are not counted: its figure is of another thing', async () => {
    const versions = { etcd: '3.6.2', kubernetes: '1.37.1' };
    const { goal } = await fits(bundleOf({ versions }), { etcdutl: 'etcdutl version: 3.6.2\n' });
    expect(goal.keys).toBeUndefined();
  });
});

const present = await presentOf();

describe('a restore that was cut off', () => {
  const goesOn = (facts: Facts): Restore => restoreOf({ cluster, facts, ...bundleOf(), present, run: 'other' });

  it('goes on under its own name', () => {
    const { goal, goesOn: isSame } = goesOn(restoring({ m1: 'loaded', m2: 'aside' }));
    expect([goal.run, isSame, [...goal.phases]]).toEqual([RUN, true, [['m1', 'loaded'], ['m2', 'aside']]]); // prettier-ignore
  });

  it('is finished by no other bundle', () => {
    expect(errorOf(() => goesOn(restoring({ m1: 'barred' }, 'cd'.repeat(32))))).toMatchObject({ exitCode: 18 });
  });

  it('is given up until API servers serve', () => {
    expect(abandonOf(restoring({ m1: 'started', m3: 'barred' })).phases.size).toBe(2);
    expect(errorOf(() => abandonOf(restoring({ m1: 'started', m2: 'serving' })))).toMatchObject({ exitCode: 18 });
    expect(errorOf(() => abandonOf(FACTS))).toMatchObject({ exitCode: 18 });
  });
});

describe('the stages', () => {
  const steps = (phases: Readonly<Record<string, RestorePhase>>): string[] => {
    const goal: RestoreGoal = { run: RUN, sha256: 'ab'.repeat(32), phases: new Map(Object.entries(phases)), files: [] };
    return restoreStages(goal).flatMap((stage) => {
      const batch = stage.due?.(cluster, FACTS) ?? [];
      const { before, after } = stage.around?.({ cluster, facts: FACTS, batch }) ?? { before: [], after: [] };
      return batch.length === 0 ? [] : [...before, ...after].map(({ on, together }) => `${String(together)} ${on}`);
    });
  };

  it('of a restore that begins bar all before they touch one, and load all before one starts', () => {
    const all = (what: string): string[] => ['m1', 'm2', 'm3'].map((host) => `${what} ${host}`);
    const order = ['bar', 'aside', 'load', 'start', 'mark', 'start', 'start', 'finish'];
    expect(steps({})).toEqual(order.flatMap(all));
  });

  it('take up where each host was left', () => {
    const left = steps({ m1: 'loaded', m2: 'aside', m3: 'barred' });
    expect(left.slice(0, 7)).toEqual(['aside m3', 'load m2', 'load m3', 'start m1', 'start m2', 'start m3', 'mark m1']);
  });

  it('put no data in the place of what API servers wrote, also on a host that is done', () => {
    const left = steps({ m1: 'serving', m2: 'serving' });
    expect(new Set(left.map((step) => step.split(' ')[0]))).toEqual(new Set(['start', 'finish']));
  });
});
