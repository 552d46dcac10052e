import { describe, expect, it } from 'vitest';
import { containerdMajor } from '../../src/states/containerd/config.ts';
import { haproxy } from '../../src/states/haproxy.ts';
import { keepalived } from '../../src/states/keepalived.ts';
import { runtime } from '../../src/states/runtime.ts';
import type { Stage } from '../../src/states/stage.ts';
import { contextOf, factsOf, labCluster } from './cluster.ts';

const WANTED = '1.7.24~ds1-6+deb13u1';
const masters = ['m1', 'm2', 'm3'];

const packages: [string, Stage, string[]][] = [
  ['containerd', runtime, [...masters, 'w1', 'w2']],
  ['haproxy', haproxy, masters],
  ['keepalived', keepalived, masters],
];

/** As `apt-cache policy NAME` of Debian 12 prints it. */
const table = (name: string, ...versions: string[]): string =>
  `${name}:\n  Installed: (none)\n  Candidate: ${versions[0] ?? '(none)'}\n  Version table:\n${versions
    .map(
      (version, index) =>
        ` ${index === 0 ? '***' : '   '} ${version} 500\n        500 http://deb.debian.org/debian bookworm/main amd64 Packages\n        100 /var/lib/dpkg/status\n`,
    )
    .join('')}`;

describe.each(packages)('a version of %s that the inventory names', (name, stage, hosts) => {
  const setting = `versions: { ${name}: '${WANTED}' }\n`;

  async function problems(stdout: string): Promise<string[]> {
    const cluster = await labCluster(setting);
    const context = { cluster, facts: factsOf(cluster), newcomers: new Set<string>() };
    const found = stage.inquire?.(context)?.judge([{ host: 'm1', stdout, stderr: '', exitCode: 0 }]);
    return (found ?? []).map(({ host, message }) => `${host ?? ''}: ${message}`);
  }

  it('is asked of its hosts, by preflight of the stage that installs it', async () => {
    const cluster = await labCluster(setting);
    const context = { cluster, facts: factsOf(cluster), newcomers: new Set<string>() };
    expect(stage.inquire?.(context)?.asks).toEqual(
      hosts.map((host) => ({ host, argv: ['apt-cache', 'policy', name] })),
    );
    const plain = await labCluster('');
    expect(stage.inquire?.({ ...context, cluster: plain })).toBeUndefined();
  });

  it.each([
    ['apt has it', table(name, WANTED)],
    ['apt has it beside others', table(name, '1.6.20~ds1-1+deb12u1', WANTED)],
    ['apt knows none, as it has read no lists yet', `${name}:\n  Installed: (none)\n  Version table:\n`],
    ['apt says nothing', ''],
  ])('is no problem where %s', async (_, said) => {
    expect(await problems(said)).toEqual([]);
  });

  it('is a problem where apt has others, which are named', async () => {
    expect(await problems(table(name, '1.6.20~ds1-1+deb12u1', '1.6.20~ds1-1'))).toEqual([
      `m1: apt has no ${name} ${WANTED} (versions.${name}); it has 1.6.20~ds1-1+deb12u1, 1.6.20~ds1-1`,
    ]);
  });

  it('is installed and held in that version, and its unit restarts for it', async () => {
    const wanted = async (text: string): Promise<unknown[]> => {
      const cluster = await labCluster(text);
      const resources = stage.states(contextOf(cluster, 'm1', factsOf(cluster)));
      if (!Array.isArray(resources)) throw new Error('deferred');
      const unit = resources.flatMap((each) =>
        each.kind === 'unit' && each.name === `${name}.service` ? each : [],
      )[0];
      return [
        resources.find((each) => each.kind === 'package' && each.name === name),
        unit?.inputs.some(({ ref, on }) => ref === `package:${name}` && on === 'restart'),
      ];
    };
    expect(await wanted(setting)).toMatchObject([{ version: WANTED, hold: true }, true]);
    // Of containerd it always was among its inputs.
    expect(await wanted('')).toMatchObject([{ hold: true }, name === 'containerd']);
  });
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
