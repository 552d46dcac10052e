import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Leaving } from '../../../src/engine/plan/removals.ts';
import type { HostFacts, OwnedEntry } from '../../../src/cluster/facts.ts';
import { compare, type CompareInput, type Comparisons } from '../../../src/engine/plan/compare.ts';
import { API } from '../../../src/core/places.ts';
import { changesOf } from '../../../src/engine/types.ts';
import { identityOfFiles, sha256 } from '../../../src/resources/identity.ts';
import { KINDS, ref } from '../../../src/resources/kinds.ts';
import type { Comparison, Observed, Resource } from '../../../src/resources/types.ts';
import { unitDigests } from '../../../src/resources/unit-digests.ts';
import { leafSpec } from '../../pki/spec.ts';
import { emptyObserved, fileState, unitState } from '../../resources/case.ts';

const ACCESS = { mode: '0644', owner: 'root', group: 'root' };

interface Spec {
  /** stage → host → what it describes there, or why it can't yet. */
  stages: Record<string, Record<string, Resource[]> | 'deferred'>;
  /** host → what mcpk owns there. */
  owned?: Record<string, OwnedEntry[]>;
  observed?: Record<string, Partial<Observed>>;
  apiOwned?: Record<string, string>;
  apiLeaving?: Record<string, Leaving>;
}

function compared({ stages, owned = {}, observed = {}, apiOwned = {}, apiLeaving = {} }: Spec): Comparisons {
  const described = Object.values(stages).flatMap((each) => (each === 'deferred' ? [] : Object.keys(each)));
  const hosts = [...new Set([...described, ...Object.keys(owned)])].filter((host) => host !== API);
  const input: CompareInput = {
    tree: {
      hosts,
      stages: Object.entries(stages).map(([name, states]) => ({
        name,
        title: name,
        needs: [],
        hosts:
          states === 'deferred'
            ? []
            : Object.entries(states).map(([host, resources]) => ({ host, stage: name, resources })),
        ...(states === 'deferred' ? { deferred: { until: 'nodes', why: '' } } : {}),
      })),
    },
    observed: new Map([
      ...hosts.map((host) => [host, { ...emptyObserved(), ...observed[host] }] as const),
      ...(observed[API] ? [[API, { ...emptyObserved(), ...observed[API] }] as const] : []),
    ]),
    facts: new Map(hosts.map((host) => [host, factsWith(owned[host] ?? [])])),
    apiOwned: new Map(Object.entries(apiOwned)),
    apiLeaving: new Map(Object.entries(apiLeaving)),
    now: new Date(0),
  };
  return compare(input);
}

/** All that the comparison asks of a host's facts. */
function factsWith(owned: OwnedEntry[]): HostFacts {
  return { owned, etcdData: false } satisfies Partial<HostFacts> as unknown as HostFacts;
}

/** `stage host ref` of all that is removed, in order. */
function removed(comparisons: Comparisons): string[] {
  return [...comparisons.stages].flatMap(([stage, hosts]) =>
    hosts.flatMap((host) =>
      changesOf(host)
        .filter((item) => item.comparison.verb === 'remove')
        .map((item) => `${stage} ${host.host} ${item.ref}`),
    ),
  );
}

function owns(stage: string, ...refs: string[]): OwnedEntry[] {
  return refs.map((each) => ({ ref: each, hash: 'h', stage }));
}

function file(path: string, content = 'x'): Resource {
  return { kind: 'file', path, content, ...ACCESS };
}

describe('what is owned but no longer described', () => {
  it('leaves: units before files before folders, deeper folders first', () => {
    const owned = owns('a', 'directory:/etc/x', 'directory:/etc/x/y', 'file:/etc/x/c', 'link:/bin/x', 'unit:x.service');
    const comparisons = compared({ stages: { a: { m1: [file('/etc/kept')] } }, owned: { m1: owned } });
    expect(removed(comparisons)).toEqual([
      'a m1 unit:x.service',
      'a m1 link:/bin/x',
      'a m1 file:/etc/x/c',
      'a m1 directory:/etc/x/y',
      'a m1 directory:/etc/x',
    ]);
    // Before what is new: a port or a name is free by then.
    expect(comparisons.stages.get('a')?.[0]?.items.at(-1)?.ref).toBe('file:/etc/kept');
  });

  it('stays, when a newer mcpk laid it down as a kind that is not known here', () => {
    expect(
      removed(
        compared({ stages: { a: { m1: [] } }, owned: { m1: owns('a', 'firewall:x', 'nonsense', '', 'file:/x') } }),
      ),
    ).toEqual(['a m1 file:/x']);
  });

  const ON_HOSTS = Object.keys(KINDS).filter((kind) => kind !== 'kubeObject');
  const refs = fc
    .uniqueArray(
      fc
        .tuple(fc.constantFrom(...ON_HOSTS), fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 }))
        .map(([kind, steps]) => `${kind}:/${steps.join('/')}`),
      // A path is one thing.
      { selector: (name) => name.slice(name.indexOf(':')), maxLength: 10 },
    )
    .map((all) => all.toSorted());

  it('leaves once, in its own stage, or in the last one when its stage is gone, never while that is deferred', () => {
    const stageNames = fc.constantFrom('a', 'b', 'deferred', 'gone');
    fc.assert(
      fc.property(refs, fc.array(stageNames, { minLength: 10, maxLength: 10 }), (names, stages) => {
        const owned = names.flatMap((name, index) => owns(stages[index] ?? 'a', name));
        const found = removed(
          compared({ stages: { a: {}, deferred: 'deferred', b: { m1: [] } }, owned: { m1: owned } }),
        );
        const expected = owned
          .filter((entry) => entry.stage !== 'deferred')
          .map((entry) => `${entry.stage === 'gone' ? 'b' : entry.stage} m1 ${entry.ref}`);
        expect(found.toSorted()).toEqual(expected.toSorted());
        const positions = new Map(found.map((line, index) => [line, index]));
        for (const one of found) {
          for (const other of found) {
            const [a, b] = [one, other].map((line) => line.split(' '));
            if (a?.[0] !== b?.[0]) continue;
            const [name = '', folder = ''] = [a?.[2], b?.[2]];
            const before = (positions.get(one) ?? 0) < (positions.get(other) ?? 0);
            if (name.startsWith('unit:') && !folder.startsWith('unit:')) expect(before, `${one}, ${other}`).toBe(true);
            if (!name.startsWith('directory:') && folder.startsWith('directory:'))
              expect(before, `${one}, ${other}`).toBe(true);
            if (name.startsWith(`${folder}/`)) expect(before, `${one}, ${other}`).toBe(true);
          }
        }
      }),
    );
  });

  it('is looked up on its own host: what another describes does not keep it', () => {
    const stages = { a: { m1: [file('/x')], m2: [] } };
    expect(removed(compared({ stages, owned: { m1: owns('a', 'file:/x'), m2: owns('a', 'file:/x') } }))).toEqual([
      'a m2 file:/x',
    ]);
  });

  it('stays when another stage describes it now', () => {
    expect(
      removed(compared({ stages: { a: {}, b: { m1: [file('/x')] } }, owned: { m1: owns('a', 'file:/x') } })),
    ).toEqual([]);
  });

  it('says so when nothing is done about it on the host', () => {
    const owned = { m1: owns('a', 'user:etcd', 'file:/x') };
    const items = compared({ stages: { a: {} }, owned }).stages.get('a')?.[0]?.items ?? [];
    expect(items.map(({ ref: name, comparison }) => [name, 'specification' in comparison])).toEqual([
      ['file:/x', false],
      ['user:etcd', true],
    ]);
  });
});

describe('a path that changes its kind', () => {
  const CERTIFICATE = leafSpec({ path: '/x.crt', keyPath: '/x.key' });
  const SECRET: Resource = {
    kind: 'sharedSecret',
    id: 'encryption',
    recipe: { type: 'encryption-config', resources: [] },
    holder: true,
    files: [{ item: 'config', path: '/x', ...ACCESS }],
  };

  // Its removal would come after it was laid down anew, where the stages are that way round.
  it.each<[string, Resource]>([
    ['file:/x', { kind: 'link', path: '/x', target: '/y' }],
    ['link:/x', { kind: 'directory', path: '/x', ...ACCESS }],
    ['directory:/x', file('/x')],
    ['certificate:/x', file('/x')],
    ['file:/x.crt', CERTIFICATE],
    ['file:/x.key', CERTIFICATE],
    ['file:/x', SECRET],
  ])('is replaced, not removed: %s', (was, resource) => {
    const stages = { a: { m1: [resource] }, b: { m1: [] } };
    const comparisons = compared({ stages, owned: { m1: owns('b', was) } });
    expect(removed(comparisons)).toEqual([]);
    expect(comparisons.stages.get('a')?.[0]?.items.map((item) => item.comparison.result)).toEqual(['change']);
  });
});

describe('objects in the API', () => {
  const object = (name: string): Resource => ({ kind: 'kubeObject', id: `v1/Namespace//${name}`, object: {} });
  const apiOwned = { 'kubeObject:v1/Namespace//old': 'addons', 'kubeObject:v1/Namespace//new': 'addons' };

  const OURS: Leaving = { ours: true, path: '/p', uid: 'u' };
  const old = 'kubeObject:v1/Namespace//old';
  const stages = { etcd: { m1: [] }, addons: { [API]: [object('new')] } };
  /** What comes of an entry that is not described. */
  const parting = (ref: string, leaving: Record<string, Leaving>, stage = 'addons'): string[] => {
    const comparisons = compared({ stages, apiOwned: { [ref]: stage }, apiLeaving: leaving, observed: { [API]: {} } });
    return [...comparisons.stages].flatMap(([name, plans]) =>
      plans.flatMap((plan) =>
        changesOf(plan).flatMap(({ ref: each, comparison: { verb, reasons } }) =>
          each === ref ? [`${name}: ${verb}: ${reasons.join()}`] : [],
        ),
      ),
    );
  };

  it('leave when they are ours and no longer described', () => {
    expect(removed(compared({ stages, apiOwned, apiLeaving: { [old]: OURS }, observed: { [API]: {} } }))).toEqual([
      `addons api ${old}`,
    ]);
  });

  it.each<[string, Leaving, string]>([
    ['are not ours', { ours: false, gone: false, why: 'no label' }, 'left as it is: no label'],
    ['are gone', { ours: false, gone: true, why: 'it is gone already' }, 'it is gone already'],
  ])('are only forgotten when they %s', (_when, leaving, reason) => {
    expect(parting(old, { [old]: leaving })).toEqual([`addons: forget: ${reason}`]);
  });

  it('stay, and are remembered, while nobody knows whose they are', () => {
    expect(parting(old, { [old]: { ours: undefined, why: '' } })).toEqual([]);
    expect(parting(old, {})).toEqual([]);
  });

  it.each(['v1/Namespace/default/new', 'v2/Namespace//new', 'v1/namespace//new'])(
    'are not deleted by another id than they are described by: %s',
    (id) => {
      const ref = `kubeObject:${id}`;
      expect(parting(ref, { [ref]: OURS })).toEqual(['addons: forget: described by another id']);
    },
  );

  it.each(['etcd', 'nothing'])('leave with a stage of the API, whatever their list says: %s', (stage) => {
    expect(parting(old, { [old]: OURS }, stage)).toEqual(['addons: remove: no longer described by the inventory']);
  });

  it('stay while their stage is deferred', () => {
    const deferred = { addons: 'deferred' } as const;
    expect(
      removed(compared({ stages: deferred, apiOwned, apiLeaving: { [old]: OURS }, observed: { [API]: {} } })),
    ).toEqual([]);
  });

  it('are known later when no API server answers', () => {
    const items = compared({ stages: { addons: { [API]: [object('new')] } } }).stages.get('addons')?.[0]?.items;
    expect(items?.map((item) => item.comparison.result)).toEqual(['deferred']);
  });
});

describe('a unit', () => {
  const UNIT: Resource = {
    kind: 'unit',
    name: 'x.service',
    enabled: true,
    state: 'running',
    inputs: [
      { ref: 'file:/etc/restart', on: 'restart' },
      { ref: 'file:/etc/reload', on: 'reload' },
      { ref: 'file:/etc/live', on: 'live' },
    ],
  };
  const HOSTS = ['m1', 'm2', 'm3'];

  /** What one host looks like of which `stale` files differ; its unit runs with what it shall have. */
  function observedWith(stale: readonly string[]): Partial<Observed> {
    const paths = ['/etc/restart', '/etc/reload', '/etc/live'].map((path) => [
      path,
      fileState({ sha256: sha256(stale.includes(path) ? 'old' : 'x') }),
    ]);
    const stamp = { ...unitDigests(UNIT as Extract<Resource, { kind: 'unit' }>, hashOf), invocationId: 'inv' };
    return { paths: Object.fromEntries(paths) as Observed['paths'], units: { 'x.service': unitState({ stamp }) } };
  }
  const hashOf = (name: string): string => (name.startsWith('file:/etc/systemd') ? '' : sha256('x'));

  const verbOf = (comparison: Comparison | undefined): string =>
    comparison?.result === 'change' ? comparison.verb : (comparison?.result ?? 'absent');

  it('restarts, reloads or stays as the inputs of earlier stages change on its own host', () => {
    const stale = fc.subarray(['/etc/restart', '/etc/reload', '/etc/live']);
    fc.assert(
      fc.property(fc.tuple(stale, stale, stale), (staleOn) => {
        const files = ['/etc/restart', '/etc/reload', '/etc/live'].map((path) => file(path));
        const on = (resources: Resource[]): Record<string, Resource[]> =>
          Object.fromEntries(HOSTS.map((host) => [host, resources]));
        const comparisons = compared({
          stages: { first: on(files.slice(0, 2)), second: on(files.slice(2)), third: on([UNIT]) },
          observed: Object.fromEntries(HOSTS.map((host, index) => [host, observedWith(staleOn[index] ?? [])])),
        });
        for (const [index, host] of HOSTS.entries()) {
          const changed = staleOn[index] ?? [];
          const wanted = changed.includes('/etc/restart')
            ? 'restart'
            : changed.includes('/etc/reload')
              ? 'reload'
              : 'unchanged';
          expect(verbOf(comparisons.byHost.get(host)?.get(ref(UNIT))?.comparison), host).toBe(wanted);
        }
      }),
    );
  });

  it('names the input that calls for its restart', () => {
    const comparisons = compared({
      stages: { first: { m1: [file('/etc/restart')] }, second: { m1: [UNIT] } },
      observed: { m1: observedWith(['/etc/restart']) },
    });
    expect(comparisons.byHost.get('m1')?.get(ref(UNIT))?.comparison).toMatchObject({
      reasons: ['restart, because /etc/restart changes'],
    });
  });

  it('waits for an input that is known later', () => {
    const object: Resource = { kind: 'kubeObject', id: 'v1/X//x', object: {} };
    const unit: Resource = { ...UNIT, inputs: [{ ref: ref(object), on: 'restart' }] };
    const comparisons = compared({ stages: { a: { [API]: [object] }, b: { [API]: [unit] } } });
    expect(verbOf(comparisons.byHost.get(API)?.get(ref(unit))?.comparison)).toBe('deferred');
  });
});

describe('a shared secret', () => {
  const secret = (holder: boolean): Resource => ({
    kind: 'sharedSecret',
    id: 'encryption',
    recipe: { type: 'encryption-config', resources: [] },
    holder,
    files: [{ item: 'config', path: '/e', ...ACCESS }],
  });
  const has = (text: string): Partial<Observed> => ({ paths: { '/e': fileState({ sha256: sha256(text) }) } });

  it('that two hosts have differently stops everything, and both are named', () => {
    const stages = { a: { m1: [secret(true)], m2: [secret(true)] } };
    expect(() => compared({ stages, observed: { m1: has('one'), m2: has('two') } })).toThrow(
      expect.objectContaining({ code: 'refused', message: expect.stringMatching(/m1 .*m2 /) as string }),
    );
  });

  it('is copied to the host that lacks it, over the stages', () => {
    const stages = { a: { m1: [secret(true)] }, b: { m2: [secret(true)] } };
    const { shared, byHost } = compared({ stages, observed: { m1: has('one') } });
    expect(shared.get('encryption')).toMatchObject({ state: 'held', from: 'm1' });
    expect(byHost.get('m1')?.get('sharedSecret:encryption')?.comparison.result).toBe('unchanged');
    expect(byHost.get('m2')?.get('sharedSecret:encryption')?.comparison).toMatchObject({
      verb: 'create',
      hash: identityOfFiles(new Map([['/e', sha256('one')]])),
    });
  });
});
