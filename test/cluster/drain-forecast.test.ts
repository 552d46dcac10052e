import { describe, expect, it } from 'vitest';
import { forecast, type Evicted } from '../../src/cluster/drain-forecast.ts';
import { hindranceOf, parsePodsOn, type PodOnNode } from '../../src/cluster/eviction.ts';
import type { DrainSettings } from '../../src/inventory/types.ts';
import { httpAnswer } from '../engine/support/fake-reader.ts';

const SETTINGS: DrainSettings = { timeout: 300, emptyDir: 'delete', unmanaged: 'refuse', onTimeout: 'stop' };

const pod = (name: string, over: Partial<PodOnNode> = {}): PodOnNode => ({
  namespace: 'shop',
  name,
  node: 'w1',
  ended: false,
  controller: 'ReplicaSet',
  isStatic: false,
  emptyDir: false,
  ...over,
});

const alone = ({ controller: _, ...rest }: PodOnNode): PodOnNode => rest;

/** As kube-apiserver answers an eviction. */
const status = (code: number, message: string, cause?: string): ReturnType<typeof hindranceOf> =>
  hindranceOf({
    host: 'm1',
    exitCode: 0,
    stdout: '',
    stderr: '',
    ...httpAnswer(code, {
      kind: 'Status',
      code,
      message,
      ...(cause === undefined ? {} : { details: { causes: [{ reason: 'DisruptionBudget', message: cause }] } }),
    }),
  });

const FORBIDDEN = status(
  429,
  "Cannot evict pod as it would violate the pod's disruption budget.",
  'The disruption budget cart needs 2 healthy pods and has 2 currently',
);
const SEVERAL = status(
  500,
  'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
);

describe('what a drain comes to', () => {
  it('says in one line what goes, what stays, what is lost, who waits', () => {
    const pods = [
      pod('a'),
      pod('b', { emptyDir: true }),
      pod('c', { controller: 'DaemonSet', emptyDir: true }),
      pod('d', { isStatic: true, controller: 'Node' }),
      alone(pod('e', { ended: true, emptyDir: true })),
    ];
    const evicted: Evicted[] = [{ pod: pod('a'), hindrance: FORBIDDEN }, { pod: pod('b') }];
    const budgets = [{ namespace: 'shop', name: 'cart', desired: 2, expected: 3 }];
    expect(forecast(pods, evicted, { settings: SETTINGS, budgets })).toEqual({
      lines: ['3 pods go, 2 of DaemonSets or static stay, 1 lose an emptyDir, now shop/a waits for budget cart'],
      problems: [],
    });
  });

  it.each<[string, readonly PodOnNode[], Partial<DrainSettings>, string[]]>([
    [
      'a pod without a controller',
      [alone(pod('a'))],
      {},
      ["pod shop/a can't be drained: no controller would make it anew elsewhere"],
    ],
    ['one that is to be deleted', [alone(pod('a'))], { unmanaged: 'delete' }, []],
    ['one that has ended', [alone(pod('a', { ended: true }))], {}, []],
    ['a static one', [alone(pod('a', { isStatic: true }))], {}, []],
    ['an emptyDir', [pod('a', { emptyDir: true })], {}, []],
    [
      'one that is to stay',
      [pod('a', { emptyDir: true })],
      { emptyDir: 'refuse' },
      ["pod shop/a can't be drained: it would lose an emptyDir"],
    ],
    ['that of a DaemonSet', [pod('a', { emptyDir: true, controller: 'DaemonSet' })], { emptyDir: 'refuse' }, []],
  ])('refuses what would be lost: %s', (_name, pods, over, messages) => {
    const { problems } = forecast(pods, [], { settings: { ...SETTINGS, ...over }, budgets: [] });
    expect(problems.map(({ message }) => message)).toEqual(messages);
  });

  it.each<[string, number, number, boolean]>([
    ['maxUnavailable: 0', 3, 3, true],
    ['minAvailable above the replicas', 4, 3, true],
    ['one pod of two may go, and is away already', 1, 2, false],
    ['about no pod', 0, 0, false],
  ])('names a budget that never allows it: %s', (_name, desired, expected, never) => {
    const evicted = [{ pod: pod('a'), hindrance: FORBIDDEN }];
    const budgets = [
      { namespace: 'other', name: 'cart', desired: 9, expected: 9 },
      { namespace: 'shop', name: 'cart', desired, expected },
    ];
    const { problems } = forecast([pod('a')], evicted, { settings: SETTINGS, budgets });
    const message = `pod shop/a can't be drained: budget shop/cart wants ${String(desired)} of ${String(expected)} healthy, so it never lets one go`;
    expect(problems.map((each) => each.message)).toEqual(never ? [message] : []);
  });

  it('tells plainly of a pod with two budgets', () => {
    const { problems } = forecast([pod('a')], [{ pod: pod('a'), hindrance: SEVERAL }], {
      settings: SETTINGS,
      budgets: [],
    });
    expect(problems).toMatchObject([
      { message: "pod shop/a can't be drained: several budgets are about it, and the API evicts none of those" },
    ]);
  });
});

it.each([
  [201, undefined],
  [404, undefined],
  [403, { says: expect.stringContaining('HTTP 403') as string }],
])('an eviction that the API answers with %d', (code, wanted) => {
  expect(status(code, 'x')).toEqual(wanted);
});

it('reads the pods as kubectl prints them', () => {
  // Seen of kubectl 1.36 with LINES.
  const stdout =
    'shop\ta\tw1\tRunning\tReplicaSet\t\t{} {"medium":"Memory"}\nshop\tb\tw2\tSucceeded\t\t\t\nkube-system\tc\tw1\tRunning\tNode\tabc\t\n';
  expect(parsePodsOn({ host: 'm1', exitCode: 0, stdout, stderr: '' })).toEqual([
    pod('a', { emptyDir: true }),
    alone(pod('b', { node: 'w2', ended: true })),
    pod('c', { namespace: 'kube-system', controller: 'Node', isStatic: true }),
  ]);
  expect(parsePodsOn({ host: 'm1', exitCode: 1, stdout, stderr: '' })).toBeUndefined();
});
