import { createHash } from 'node:crypto';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBundle } from '../../../src/core/etcd-bundle.ts';
import type { CommandResult, Fleet } from '../../../src/engine/hosts/fleet.ts';
import { snapshotFirst } from '../../../src/engine/runs/snapshot-first.ts';
import type { Event } from '../../../src/engine/types.ts';
import type { Means } from '../../../src/engine/work/means.ts';
import { factsOf, labCluster } from '../../states/cluster.ts';
import { runOf, withFleet } from '../support/fake-run.ts';

const cluster = await labCluster();
const MEMBERS = ['m1', 'm2', 'm3'];
const DATA = Buffer.alloc(512 * 4, 'x');
const SNAPSHOT = Buffer.concat([DATA, createHash('sha256').update(DATA).digest()]);
const STATUS = '{"revision":7,"totalKey":3,"totalSize":2048}';

/** What a member answers to one request; m1 leads. */
function answered(host: string, path: string): string {
  const header = { cluster_id: '9', member_id: host, revision: '7', raft_term: '1' };
  const members = MEMBERS.map((name) => ({ ID: name, name, peerURLs: [], clientURLs: [name] }));
  const body = path.endsWith('/member/list')
    ? { members }
    : path.endsWith('/status')
      ? { header, version: '3.6.16', leader: 'm1', dbSize: '2048', raftIndex: '1', raftTerm: '1' }
      : { header };
  const text = path === '/readyz' ? 'ok' : JSON.stringify(body);
  return `HTTP/1.1 200 OK\r\nContent-Length: ${String(text.length)}\r\n\r\n${text}`;
}

interface Given {
  sent?: Buffer;
  exitCode?: number;
  stderr?: string;
}

/** A cluster of the version before, of which a member sends this. */
function before({ sent, exitCode = 0, stderr = '' }: Given = {}): { means: Means; events: Event[]; asked: string[] } {
  const { means, events } = runOf({});
  const asked: string[] = [];
  const whole = Buffer.concat([SNAPSHOT, Buffer.from(STATUS.padEnd(512))]);
  const fleet: Partial<Fleet> = {
    sessions: new Map(MEMBERS.map((name) => [name, {}])) as unknown as Fleet['sessions'],
    exec: (host, commands) =>
      Promise.resolve(
        commands.map(({ stdin = '' }): CommandResult => {
          const paths = [...stdin.matchAll(/(?:GET|POST) (\S+) HTTP/g)].map(([, path = '']) => path);
          return { exitCode: 0, stdout: paths.map((path) => answered(host, path)).join(''), stderr: '' };
        }),
      ),
    read: () => Promise.resolve(Buffer.from('')),
    async download(host, request) {
      asked.push(host);
      await request.onData(sent ?? whole);
      return { exitCode, stderr, bytes: 0 };
    },
  };
  const facts = factsOf(cluster, { etcd: 'formed' }, { runs: { 'kube-apiserver': '1.36.3' } });
  return { means: { ...withFleet(means, fleet), cluster, facts }, events, asked };
}

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'mcpk-first-'));
const told = (events: readonly Event[]): string[] =>
  events.flatMap((event) => (event.type === 'step' ? [`${event.stage} ${event.host} ${event.status}`] : []));

it('a bundle comes before an upgrade: of one that does not lead, told, and of the versions that wrote it', async () => {
  const into = await folder();
  const { means, events, asked } = before();
  const file = await snapshotFirst(means, { into, because: [] });
  expect(await readdir(into)).toEqual([file.slice(into.length + 1)]);
  const { bundle } = await readBundle(file);
  expect(bundle).toMatchObject({ member: 'm2', versions: { etcd: '3.6.16', kubernetes: '1.36.3' }, keys: 'plain' });
  expect(asked).toEqual(['m2']);
  expect(told(events)).toEqual(['etcd m2 start', 'etcd m2 done']);
});

it('its keys are encrypted to whom those of etcd.backup are', async () => {
  const { means } = before();
  const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
  const own = await labCluster(`etcd: { backup: { schedule: daily, ageRecipients: [${recipient}] } }`);
  const file = await snapshotFirst({ ...means, cluster: own }, { into: await folder(), because: [] });
  expect((await readBundle(file)).bundle.keys).toBe('age');
});

describe('without one nothing is changed, and nothing of it is left', () => {
  it.each<[string, Given, number, RegExp]>([
    ['no room', { sent: Buffer.alloc(0), exitCode: 3 }, 14, /m2: no room for a snapshot/],
    ['not what etcd has', { sent: Buffer.alloc(0), exitCode: 4 }, 16, /m2: the snapshot can't be restored/],
    ['no proof, after all of it came', { sent: SNAPSHOT, exitCode: 4 }, 16, /m2: the snapshot can't be restored/],
    ['no proof, whatever is said of it', { exitCode: 4 }, 16, /m2: the snapshot can't be restored/],
    ['another one arrived', { sent: Buffer.from('hello\n') }, 16, /m2: what it sent is no snapshot/],
    ['etcdctl fails', { sent: Buffer.alloc(0), exitCode: 1, stderr: 'context deadline' }, 15, /m2: no snapshot/],
  ])('%s', async (_why, given, exitCode, message) => {
    const into = await folder();
    const { means, events } = before(given);
    const taken = snapshotFirst(means, { into, because: [] });
    await expect(taken).rejects.toMatchObject({
      exitCode,
      message: expect.stringMatching(
        new RegExp(`^no snapshot of etcd, so nothing was changed: .*${message.source}`),
      ) as string,
      hint: expect.stringContaining('--no-snapshot') as string,
    });
    expect(await readdir(into)).toEqual([]);
    expect(told(events)).toEqual(['etcd m2 start', 'etcd m2 failed']);
  });

  it('no place for it', async () => {
    const { means, asked } = before();
    const taken = snapshotFirst(means, { into: '/nowhere/', because: [] });
    await expect(taken).rejects.toMatchObject({
      exitCode: 64,
      hint: expect.stringContaining('--no-snapshot') as string,
    });
    expect(asked).toEqual([]);
  });
});
