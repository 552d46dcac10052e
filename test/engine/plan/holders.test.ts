import { describe, expect, it } from 'vitest';
import { checkKept } from '../../../src/engine/plan/holders.ts';
import type { StagePlan, StateTree } from '../../../src/engine/types.ts';
import { ref } from '../../../src/resources/kinds.ts';
import type { Resource, SharedSecretResource, SharedState } from '../../../src/resources/types.ts';
import { leafSpec } from '../../pki/spec.ts';

const AUTHORITY = 'authority/cluster';
const secret = (holder: boolean): SharedSecretResource => ({
  kind: 'sharedSecret',
  id: AUTHORITY,
  recipe: { type: 'keypair', keyAlgorithm: 'ecdsa-p256' },
  holder,
  files: [],
});
const leaf = leafSpec({ authority: AUTHORITY });
const RESOURCES: Readonly<Record<string, Resource[]>> = {
  m1: [secret(true), leaf],
  m2: [secret(true), leaf],
  w1: [secret(false), leaf],
  w2: [{ kind: 'directory', path: '/x', mode: '0755', owner: 'root', group: 'root' }],
};

const tree: StateTree = {
  hosts: Object.keys(RESOURCES),
  stages: [
    {
      name: 'certificates',
      title: '',
      needs: [],
      hosts: Object.entries(RESOURCES).map(([host, resources]) => ({ host, stage: 'certificates', resources })),
    },
  ],
};

/** The plan in which all of these hosts change. */
function changing(hosts: readonly string[]): StagePlan[] {
  const comparison = { result: 'change' as const, verb: 'create' as const, reasons: [], hash: '', rests: '' };
  const plans = hosts.map((host) => ({
    host,
    items: (RESOURCES[host] ?? []).map((each) => ({ ref: ref(each), title: '', kind: each.kind, comparison })),
  }));
  return [{ name: 'certificates', title: '', needs: [], batches: [], order: '', gates: [], steps: [], hosts: plans }];
}

const shared = (state: SharedState['state']): ReadonlyMap<string, SharedState> =>
  new Map([[AUTHORITY, { state, hashes: {}, texts: {} }]]);

describe('an authority that this run makes', () => {
  it.each([
    ['with a master that keeps it', ['m1', 'w1']],
    ['for masters alone', ['m2']],
    ['when nobody gets anything of it', ['w2']],
  ])('is made %s', (_name, hosts) => {
    expect(() => checkKept(tree, changing(hosts), shared('absent'))).not.toThrow();
  });

  it('is not made for workers when the masters that keep it are left out', () => {
    expect(() => checkKept(tree, changing(['w1', 'w2']), shared('absent'))).toThrow(
      expect.objectContaining({
        code: 'refused',
        message: 'authority/cluster would be made, and kept by no host',
        details: ['w1 would get what rests on it; left out: m1, m2, where it would lie'],
      }) as Error,
    );
  });
});

it('an authority that a master has signs for workers alone', () => {
  expect(() => checkKept(tree, changing(['w1']), shared('held'))).not.toThrow();
});
