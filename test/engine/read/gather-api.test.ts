import { readerOf } from '../../../src/engine/hosts/reader.ts';
import { expect, it } from 'vitest';
import { readNodes } from '../../../src/engine/read/gather.ts';
import { labCluster } from '../../states/cluster.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

const node = (name: string): object => ({
  metadata: { name },
  spec: {},
  status: { nodeInfo: { kubeletVersion: 'v1' } },
});
const ANSWERS: [path: string, body: unknown][] = [
  ['/api/v1/nodes?limit=250', { metadata: {}, items: [node('m1')] }],
  ['/services/kubernetes', { spec: { clusterIP: '10.254.0.1' } }],
  ['/services/kube-dns', { spec: { clusterIP: '10.254.0.10' } }],
];

/** More nodes than one answer has. */
const MANY: typeof ANSWERS = [
  ['/api/v1/nodes?limit=250', { metadata: { continue: 'a&b' }, items: [node('m1'), node('w1')] }],
  ['/api/v1/nodes?limit=250&continue=a%26b', { metadata: { continue: 'c' }, items: [node('w2')] }],
  ['/api/v1/nodes?limit=250&continue=c', { metadata: { continue: '' }, items: [node('w3')] }],
];

/** An API server: what it has not is 404. */
function answer(path: string, answers: typeof ANSWERS): string {
  const body = answers.find(([end]) => path.endsWith(end))?.[1];
  const text = JSON.stringify(body ?? {});
  return `HTTP/1.1 ${body === undefined ? '404 Not Found' : '200 OK'}\r\nContent-Length: ${String(text.length)}\r\n\r\n${text}`;
}

async function read(answers: typeof ANSWERS): Promise<Awaited<ReturnType<typeof readNodes>> & { requests: number }> {
  let requests = 0;
  const fleet = fakeFleet({
    exec: (_host: string, commands: readonly { stdin?: string }[]) => {
      requests += commands.length;
      const paths = commands.map(({ stdin = '' }) =>
        [...stdin.matchAll(/^GET (\S+) /gm)].map((found) => found[1] ?? ''),
      );
      const said = paths.map((asked) => asked.map((path) => answer(path, answers)).join(''));
      return Promise.resolve(said.map((stdout) => ({ exitCode: 0, stdout, stderr: '' })));
    },
  });
  const found = await readNodes(readerOf(fleet, new AbortController().signal), await labCluster(), ['m1']);
  return { ...found, requests };
}

it('the nodes, the pools and the addresses of services come by one request and one connection', async () => {
  const { api, requests } = await read(ANSWERS);
  expect(api).toMatchObject({ ipPools: [], services: { kubernetes: '10.254.0.1', dns: '10.254.0.10' } });
  expect([...(api?.nodes.keys() ?? [])]).toEqual(['m1']);
  expect(requests).toBe(1);
});

it('more nodes than one answer has are read page by page', async () => {
  const { api, requests } = await read(MANY);
  expect([...(api?.nodes.keys() ?? [])]).toEqual(['m1', 'w1', 'w2', 'w3']);
  expect(requests).toBe(3);
});

it('a page that does not come leaves the nodes unknown', async () => {
  expect((await read(MANY.slice(0, 2))).api).toBeUndefined();
});

it('nodes tell who cordoned them, in the same answer', async () => {
  const bare = node('m1') as { metadata: object };
  const ours = { ...bare.metadata, name: 'w1', annotations: { 'mcpk.io/cordoned-by': 'mcpk' } };
  const items = [
    bare,
    { ...bare, metadata: ours, spec: { unschedulable: true } },
    { ...bare, metadata: { name: 'w2' }, spec: { unschedulable: true } },
    { ...bare, metadata: { ...ours, name: 'w3', annotations: { 'mcpk.io/cordoned-by': 'x' } }, spec: {} },
  ];
  const { api, requests } = await read([['/api/v1/nodes?limit=250', { metadata: {}, items }], ...ANSWERS.slice(1)]);
  expect([...(api?.nodes.values() ?? [])].map(({ cordoned }) => cordoned)).toEqual([
    undefined,
    'mcpk',
    'other',
    undefined,
  ]);
  expect(requests).toBe((await read(ANSWERS)).requests);
});
