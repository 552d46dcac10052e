import { describe, expect, it } from 'vitest';
import type { Running, Service } from '../../src/core/services.ts';
import { skewProblems } from '../../src/core/skew.ts';

/** `m1 kube-apiserver 1.37.1, w1 kubelet 1.36.3` */
function running(text: string): Running {
  const hosts = Map.groupBy(
    text.split(', ').map((each) => each.split(' ')),
    ([host = '']) => host,
  );
  return new Map(
    [...hosts].map(([host, all]) => [
      host,
      Object.fromEntries(all.map(([, service, version]) => [service as Service, version ?? ''])),
    ]),
  );
}

const API = (...versions: string[]): string =>
  versions.map((version, index) => `m${String(index + 1)} kube-apiserver ${version}`).join(', ');

describe('versions side by side', () => {
  it.each([
    API('1.37.1', '1.36.3', '1.36.3'),
    `${API('1.37.1', '1.36.3')}, m1 kube-controller-manager 1.36.3, m2 kube-scheduler 1.36.3`,
    `${API('1.37.1')}, w1 kubelet 1.34.0, w1 kube-proxy 1.34.0`,
    // A newer patch of the same minor version is no skew.
    `${API('1.37.0')}, w1 kubelet 1.37.5`,
    'm1 etcd 3.6.16, m2 etcd 3.7.3',
    // While no API server runs nobody is newer than one.
    'w1 kubelet 1.37.1',
  ])('go together: %s', (text) => expect(skewProblems(running(text))).toEqual([]));

  it.each<[string, string, RegExp]>([
    [
      API('1.37.1', '1.35.4', '1.36.3'),
      'API server 1.35.4 of m2 is more than one minor version older than 1.37.1 of m1',
      /^Upgrade all to 1\.36 first: set versions\.kubernetes: 1\.36\.x, apply/,
    ],
    [
      `${API('1.37.1', '1.36.3')}, m1 kube-controller-manager 1.37.1`,
      'kube-controller-manager 1.37.1 of m1 is newer than the API server 1.36.3 of m2',
      /^Upgrade the API servers first/,
    ],
    [
      `${API('1.37.1')}, m1 kube-scheduler 1.35.1`,
      'kube-scheduler 1.35.1 of m1 is more than 1 minor versions older than the API server 1.37.1 of m1',
      /^Upgrade m1 to 1\.36 first/,
    ],
    [
      `${API('1.36.3')}, w1 kubelet 1.37.1`,
      'kubelet 1.37.1 of w1 is newer than the API server 1.36.3 of m1',
      /without --limit, --only and --skip, then to w1/,
    ],
    [
      `${API('1.37.1')}, w1 kubelet 1.33.9`,
      'kubelet 1.33.9 of w1 is more than 3 minor versions older than the API server 1.37.1 of m1',
      /set versions\.kubernetes: 1\.36\.x, apply, then go on/,
    ],
    [
      `${API('1.36.3')}, w1 kube-proxy 1.37.1`,
      'kube-proxy 1.37.1 of w1 is newer than the API server 1.36.3 of m1',
      /API servers first/,
    ],
    [
      'w1 kube-proxy 1.33.1, w1 kubelet 1.37.1',
      'kube-proxy 1.33.1 and kubelet 1.37.1 of w1 are more than 3 minor versions apart',
      /^Apply to w1/,
    ],
    [
      'm1 etcd 3.5.40, m2 etcd 3.7.3',
      'etcd 3.5.40 of m1 is more than one minor version older than 3.7.3 of m2',
      /set versions\.etcd: 3\.6\.x/,
    ],
  ])('do not: %s', (text, message, hint) => {
    expect(skewProblems(running(text))).toEqual([
      expect.objectContaining({ message, hint: expect.stringMatching(hint) as string }),
    ]);
  });
});
