import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkVersions, compareVersions, kubernetesRange, upgradeProblems } from '../../src/core/versions.ts';

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

  it('names all that is not supported at once', () => {
    const problems = checkVersions({ kubernetes: '1.20.0', etcd: '3.4.1', coredns: '0.1.0', calico: '3.28.0' });
    expect(problems.map(({ path, hint }) => [path[1], hint])).toEqual([
      ['kubernetes', `choose ${kubernetesRange()}`],
      ['etcd', 'choose 3.5, 3.6, 3.7, not older than 3.5.24'],
      ['coredns', 'choose 1.9.0 or newer'],
    ]);
  });

  it("takes the schema's defaults", () => {
    const schema = JSON.parse(
      readFileSync(new URL('../../schema/cluster.v1.schema.json', import.meta.url), 'utf8'),
    ) as {
      properties: { versions: { properties: Record<string, { default: string }> } };
    };
    const { kubernetes, etcd, ...others } = Object.fromEntries(
      Object.entries(schema.properties.versions.properties).map(([name, { default: version = '' }]) => [name, version]),
    );
    expect(checkVersions({ ...others, kubernetes: kubernetes ?? '', etcd: etcd ?? '' })).toEqual([]);
  });
});

describe('upgradeProblems', () => {
  it.each([
    { component: 'kubernetes', from: '1.36.2', to: '1.37.1', problem: undefined },
    { component: 'kubernetes', from: '1.37.1', to: '1.37.0', problem: undefined },
    {
      component: 'kubernetes',
      from: '1.37.1',
      to: '1.36.2',
      problem: [
        'Kubernetes 1.37.1 runs, 1.36.2 is older',
        /set versions\.kubernetes to 1\.37\.1\. mcpk rollback may .* anew with 1\.36 \(mcpk reset, then apply\)/,
      ],
    },
    {
      component: 'kubernetes',
      from: '1.35.1',
      to: '1.37.1',
      problem: [/2 minor versions newer/, 'upgrade to 1.36 first: set versions.kubernetes: 1.36.x, apply, then 1.37.1'],
    },
    {
      component: 'kubernetes',
      from: '1.34.1',
      to: '1.37.1',
      problem: [/3 minor versions newer/, /set versions\.kubernetes: 1\.35\.x, apply, then the next/],
    },
    { component: 'etcd', from: '3.6.11', to: '3.7.0', problem: undefined },
    { component: 'etcd', from: '3.7.3', to: '3.6.16', problem: ['etcd 3.7.3 runs, 3.6.16 is older', /anew with 3\.6/] },
    {
      component: 'etcd',
      from: '3.6.10',
      to: '3.7.0',
      problem: ["etcd 3.6.10 can't be upgraded to 3.7.0", /newest 3\.6 first: set versions\.etcd: 3\.6\.11 or newer/],
    },
    { component: 'etcd', from: '3.5.31', to: '3.6.5', problem: [/can't be upgraded/, /3\.5\.32 or newer/] },
    { component: 'etcd', from: '3.5.32', to: '3.6.5', problem: undefined },
    {
      component: 'etcd',
      from: '3.5.40',
      to: '3.7.0',
      problem: [/2 minor versions newer/, /set versions\.etcd: 3\.6\.x/],
    },
  ] as const)('$component $from → $to', ({ component, from, to, problem }) => {
    const [message, hint] = problem ?? [];
    const found = upgradeProblems(component, from, to);
    expect(found).toEqual(
      problem === undefined ? [] : [{ path: ['versions', component], message: like(message), hint: like(hint) }],
    );
  });
});

function like(text: string | RegExp | undefined): unknown {
  return typeof text === 'string' ? text : expect.stringMatching(text ?? '');
}

it('compares versions by number', () => {
  const sorted = ['3.10.0', '3.5.26', 'v3.5.3', '3.6.0-rc.1'].sort(compareVersions);
  expect(sorted).toEqual(['v3.5.3', '3.5.26', '3.6.0-rc.1', '3.10.0']);
});
