import { describe, expect, it } from 'vitest';
import { containerdMajor } from '../../src/states/containerd/config.ts';
import { versionInquiry } from '../../src/states/containerd/version.ts';
import { runtime } from '../../src/states/runtime.ts';
import { factsOf, labCluster } from './cluster.ts';

const WANTED = '1.7.24~ds1-6+deb13u1';
const cluster = await labCluster(`versions: { containerd: '${WANTED}' }\n`);
const facts = factsOf(cluster);
const context = { cluster, facts, newcomers: new Set<string>() };

/** As `apt-cache policy containerd` of Debian 12 prints it. */
const table = (...versions: string[]): string =>
  `containerd:\n  Installed: (none)\n  Candidate: ${versions[0] ?? '(none)'}\n  Version table:\n${versions
    .map(
      (version, index) =>
        ` ${index === 0 ? '***' : '   '} ${version} 500\n        500 http://deb.debian.org/debian bookworm/main amd64 Packages\n        100 /var/lib/dpkg/status\n`,
    )
    .join('')}`;

function problems(stdout: string): string[] {
  const found = versionInquiry(context)?.judge([{ host: 'w1', stdout, stderr: '', exitCode: 0 }]);
  return (found ?? []).map(({ host, message }) => `${host ?? ''}: ${message}`);
}

describe('a version of containerd that the inventory names', () => {
  it('is asked of every node, by preflight of the stage that installs it', () => {
    expect(runtime.inquire?.(context)?.asks).toEqual(
      ['m1', 'm2', 'm3', 'w1', 'w2'].map((host) => ({ host, argv: ['apt-cache', 'policy', 'containerd'] })),
    );
  });

  it.each([
    ['apt has it', table(WANTED)],
    ['apt has it beside others', table('1.6.20~ds1-1+deb12u1', WANTED)],
    ['apt knows none, as it has read no lists yet', 'containerd:\n  Installed: (none)\n  Version table:\n'],
    ['apt says nothing', ''],
  ])('is no problem where %s', (_, said) => {
    expect(problems(said)).toEqual([]);
  });

  it('is a problem where apt has others, which are named', () => {
    expect(problems(table('1.6.20~ds1-1+deb12u1', '1.6.20~ds1-1'))).toEqual([
      `w1: apt has no containerd ${WANTED} (versions.containerd); it has 1.6.20~ds1-1+deb12u1, 1.6.20~ds1-1`,
    ]);
  });
});

it('nothing is asked where none is named', async () => {
  const plain = await labCluster('');
  expect(versionInquiry({ ...context, cluster: plain })).toBeUndefined();
});

it.each([
  ['debian', '12', undefined, 1],
  ['debian', '14', undefined, 2],
  ['debian', '12', '2.1.4~ds1-1', 2],
  ['debian', '14', '1.7.24~ds1-6', 1],
  ['debian', '14', '1:1.7.24', 1],
])('of %s %s with %s the configuration is for major %i', (id, version, wanted, major) => {
  expect(containerdMajor({ id, version, name: '', like: [] }, wanted)).toBe(major);
});

it.each(['1.7', '2.1.4~ds1-1', '1:1.7.24-0ubuntu1~24.04.1'])('%s is a version', async (version) => {
  const named = await labCluster(`versions: { containerd: '${version}' }\n`);
  expect(named.versions.containerd).toBe(version);
});

it.each(['latest', '1.7 1.8', '1.7=2', '-t evil', '1.7\n'])('%j is none', async (version) => {
  await expect(labCluster(`versions: { containerd: ${JSON.stringify(version)} }\n`)).rejects.toMatchObject({
    code: 'invalid',
  });
});
