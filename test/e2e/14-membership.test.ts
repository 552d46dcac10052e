import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { powerOff, powerOn } from '../../lab/lab.ts';
import { changesOf, type Plan, type RunResult } from '../../src/engine/types.ts';
import { addLearner, ETCDCTL } from './support/etcdctl.ts';
import { eventually, MASTERS, mcpk, mcpkJson, on, overlay, unitStarts } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';
import { FULL } from '../support/tier.ts';

startFrom('ready', { leaves: 'ready' });

/** What must not have changed: who is a member, what runs since when, what the members' files say. */
async function seen(): Promise<unknown> {
  const files = await Promise.all(MASTERS.map((name) => on(name, 'sha256sum', '/etc/etcd/etcd.yaml')));
  return [await on('m1', ...ETCDCTL, 'member', 'list'), await unitStarts(MASTERS), files];
}

function stateOf(name: string): Promise<string> {
  return on(name, 'sed', '-n', 's/^initial-cluster-state: //p', '/etc/etcd/etcd.yaml');
}

/** Host, resource and first reason of each change. */
function reasonsOf(plan: Plan): string[][] {
  return plan.stages
    .flatMap(({ hosts }) =>
      hosts.flatMap((host) =>
        changesOf(host).map(({ ref, comparison }) => [host.host, ref, comparison.reasons[0] ?? '']),
      ),
    )
    .toSorted();
}

/** As version 0.1.0 left it: the member has started with it. Comes back when it is a member again. */
function stay(name: string): Promise<string> {
  const script = `sed -i 's/^initial-cluster-state: .*/initial-cluster-state: new/' /etc/etcd/etcd.yaml
    systemctl restart etcd.service`;
  return on(name, 'sh', '-ec', script);
}

/** Of a member that somebody else than mcpk started, a boot for one. */
const NOTED = 'noted that it needs no restart';

async function refused(args: readonly string[], files: readonly string[], says: readonly RegExp[]): Promise<void> {
  const { code, stdout, stderr } = await mcpk(args, files);
  expect(code, `mcpk ${args.join(' ')}: ${stdout}${stderr}`).toBe(18);
  for (const words of says) expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toMatch(words);
}

const APPLY = ['apply', '--yes'];

describe('the members of etcd', () => {
  let before: unknown;
  beforeAll(async () => {
    before = await seen();
  });

  const ELSEWHERE = 'etcd: { dataDirectory: /var/lib/etcd2 }\n';
  const SAYS = [/m\*: etcd has its data in \/var\/lib\/etcd, .* \/var\/lib\/etcd2/];

  it('their data elsewhere: plan and apply end with 18', async () => {
    const file = await overlay(ELSEWHERE);
    await refused(['plan'], [file], SAYS);
    await refused(APPLY, [file], SAYS);
  });

  it('one of no host: plan and apply end with 18', async () => {
    const id = await addLearner('x9', 'https://10.77.0.99:2380');
    try {
      const says = [/https:\/\/10\.77\.0\.99:2380: is a member of etcd, and of no host/, /with state: gone/];
      await refused(['plan'], [], says);
      await refused([...APPLY, '--limit', 'w2'], [], says);
    } finally {
      await on('m1', ...ETCDCTL, 'member', 'remove', id);
    }
  });

  it.each([[['--skip', 'preflight,etcd']], [['--limit', 'w2']], [['--only', 'nodes']], [['--force-unsafe']]])(
    'are refused with %s too',
    async (args) => {
      await refused([...APPLY, ...args], [await overlay(ELSEWHERE)], SAYS);
    },
  );

  it('have not changed with any of that', async () => {
    expect(await seen()).toEqual(before);
  });

  it('whose files still say new are told that they have joined, and none starts again, after a boot neither', async () => {
    for (const name of MASTERS) await stay(name);
    await powerOff('m2');
    await powerOn('m2');
    const told = 'content differs in what is read only once: nothing restarts for it';
    const wanted = MASTERS.map((name) => [name, 'file:/etc/etcd/etcd.yaml', told]);
    // While m2 boots, its units that are not up yet are changes too.
    let changes: string[][] = [];
    const others = (): string[][] => changes.filter(([, , why]) => why !== NOTED);
    const booted = eventually('only the files are to be told', 90, async () => {
      const { code, stdout } = await mcpk(['plan', '--json']);
      if (code !== 2) return undefined;
      changes = reasonsOf(JSON.parse(stdout) as Plan);
      return isDeepStrictEqual(others(), wanted) ? true : undefined;
    });
    await booted.catch(() => expect(others()).toEqual(wanted));
    expect(changes).toContainEqual(['m2', 'unit:etcd.service', NOTED]);
    const starts = await unitStarts(MASTERS);
    await mcpkJson<RunResult>(APPLY, 0);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
    expect(await unitStarts(MASTERS)).toEqual(starts);
    for (const name of MASTERS) expect((await stateOf(name)).trim()).toBe('existing');
  });

  it('of which one lost its data: it is replaced under its name', async () => {
    const old = await on('m1', ...ETCDCTL, 'member', 'list');
    await on('m3', 'sh', '-c', 'systemctl stop etcd.service && rm -rf /var/lib/etcd/member');
    await mcpkJson<RunResult>(APPLY, 0);
    const after = await on('m1', ...ETCDCTL, 'member', 'list');
    expect(after.match(/started/g)).toHaveLength(3);
    expect(after).not.toBe(old);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });
});

describe.runIf(FULL)('a quorum', () => {
  // As a disk that is not mounted, and is again. Also after a failure: the files that follow need the cluster.
  const AWAY = ['m2', 'm3'];
  const move = (from: string, to: string): Promise<unknown> =>
    Promise.all(
      AWAY.map((name) =>
        on(name, 'sh', '-c', `if [ -e /var/lib/etcd/${from} ]; then mv /var/lib/etcd/${from} /var/lib/etcd/${to}; fi`),
      ),
    );
  afterAll(async () => {
    await move('away', 'member');
    await mcpkJson<RunResult>(APPLY, 0);
  });

  it('whose members all stand still, with their data, is started again', async () => {
    for (const name of MASTERS) await on(name, 'systemctl', 'stop', 'etcd.service');
    await mcpkJson<RunResult>(APPLY, 0);
    expect(await on('m1', ...ETCDCTL, 'endpoint', 'health')).toBeDefined();
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });

  // Nearly three minutes: a restarted member without a quorum answers nobody.
  it('that lost the data of two of three is lost: no new cluster takes its place, whatever the third does', async () => {
    const before = await on('m1', ...ETCDCTL, 'member', 'list');
    for (const name of AWAY) await on(name, 'systemctl', 'stop', 'etcd.service');
    await move('member', 'away');
    const says = [
      /etcd has lost its quorum: m2, m3 have no data .* only m1 has/,
      /gone for good: mcpk etcd restore -i \S+ BUNDLE, .* mcpk etcd recover -i \S+ --from m1/,
    ];
    await refused(['plan'], [], says);
    await refused([...APPLY, '--skip', 'preflight', '--force-unsafe'], [], says);
    await on('m1', 'systemctl', 'stop', 'etcd.service');
    await refused(APPLY, [], says);
    for (const name of AWAY) {
      await on(name, 'test', '!', '-e', '/var/lib/etcd/member');
      expect(await on(name, 'sh', '-c', 'systemctl is-active etcd.service || true')).toMatch(/inactive|failed/);
    }
    await move('away', 'member');
    await mcpkJson<RunResult>(APPLY, 0);
    expect(await on('m1', ...ETCDCTL, 'member', 'list')).toBe(before);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });
});
