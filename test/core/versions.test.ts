import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkVersions, compareVersions, kubeletSkewProblem, upgradeProblems } from '../../src/core/versions.ts';

describe('checkVersions', () => {
  it.each([
    { kubernetes: '1.37.1', etcd: '3.7.3' },
    { kubernetes: '1.36.0', etcd: '3.6.8' },
    { kubernetes: '1.35.4', etcd: '3.5.24' },
    { kubernetes: '1.37.0-rc.1', etcd: '3.7.0' },
  ])('takes Kubernetes $kubernetes with etcd $etcd', (versions) => {
    expect(checkVersions(versions)).toEqual([]);
  });

  it.each([
    {
      kubernetes: '1.34.9',
      etcd: '3.6.8',
      path: ['versions', 'kubernetes'],
      message: /1\.34\.9 is not supported/,
      hint: /1\.35 to 1\.37/,
    },
    { kubernetes: '1.38.0', etcd: '3.7.0', path: ['versions', 'kubernetes'], message: /1\.38\.0/, hint: /1\.37/ },
    { kubernetes: 'latest', etcd: '3.7.0', path: ['versions', 'kubernetes'], message: /latest/, hint: /1\.35/ },
    {
      kubernetes: '1.37.1',
      etcd: '3.5.23',
      path: ['versions', 'etcd'],
      message: /3\.5\.23 does not go with/,
      hint: /3\.5\.24/,
    },
    { kubernetes: '1.37.1', etcd: '3.4.30', path: ['versions', 'etcd'], message: /3\.4\.30/, hint: /3\.5, 3\.6, 3\.7/ },
    { kubernetes: '1.37.1', etcd: '3.8.0', path: ['versions', 'etcd'], message: /3\.8\.0/, hint: /3\.7/ },
  ])('refuses Kubernetes $kubernetes with etcd $etcd', ({ kubernetes, etcd, path, message, hint }) => {
    const problems = checkVersions({ kubernetes, etcd });
    expect(problems).toEqual([
      { path, message: expect.stringMatching(message) as string, hint: expect.stringMatching(hint) as string },
    ]);
  });

  it("takes the schema's defaults", () => {
    const schema = JSON.parse(
      readFileSync(new URL('../../schema/cluster.v1.schema.json', import.meta.url), 'utf8'),
    ) as {
      properties: { versions: { properties: Record<string, { default: string }> } };
    };
    const { kubernetes, etcd } = schema.properties.versions.properties;
    expect(checkVersions({ kubernetes: kubernetes?.default ?? '', etcd: etcd?.default ?? '' })).toEqual([]);
  });
});

describe('upgradeProblems', () => {
  it.each([
    { component: 'kubernetes', from: '1.36.2', to: '1.37.1', problem: undefined },
    { component: 'kubernetes', from: '1.37.1', to: '1.37.0', problem: undefined },
    { component: 'kubernetes', from: '1.37.1', to: '1.36.2', problem: /older/ },
    { component: 'kubernetes', from: '1.35.1', to: '1.37.1', problem: /2 minor versions newer/ },
    { component: 'etcd', from: '3.6.11', to: '3.7.0', problem: undefined },
    { component: 'etcd', from: '3.6.10', to: '3.7.0', problem: /3\.6\.10 can't be upgraded/ },
    { component: 'etcd', from: '3.5.25', to: '3.6.5', problem: /can't be upgraded/ },
    { component: 'etcd', from: '3.5.26', to: '3.6.5', problem: undefined },
    { component: 'etcd', from: '3.5.30', to: '3.7.0', problem: /2 minor versions newer/ },
  ] as const)('$component $from → $to', ({ component, from, to, problem }) => {
    const messages = upgradeProblems(component, from, to).map(({ message }) => message);
    expect(messages).toEqual(problem === undefined ? [] : [expect.stringMatching(problem)]);
  });
});

describe('kubeletSkewProblem', () => {
  it.each([
    { apiServer: '1.37.1', kubelet: 'v1.37.1', problem: undefined },
    { apiServer: '1.37.1', kubelet: 'v1.34.0', problem: undefined },
    { apiServer: '1.37.1', kubelet: 'v1.33.9', problem: /4 minor versions older/ },
    { apiServer: '1.36.9', kubelet: 'v1.37.0', problem: /newer/ },
  ])('API server $apiServer, kubelet $kubelet', ({ apiServer, kubelet, problem }) => {
    const seen = kubeletSkewProblem(apiServer, kubelet);
    if (problem === undefined) expect(seen).toBeUndefined();
    else expect(seen).toMatch(problem);
  });
});

it('compares versions by number', () => {
  const sorted = ['3.10.0', '3.5.26', 'v3.5.3', '3.6.0-rc.1'].sort(compareVersions);
  expect(sorted).toEqual(['v3.5.3', '3.5.26', '3.6.0-rc.1', '3.10.0']);
});
