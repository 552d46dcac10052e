import { expect, it } from 'vitest';
import type { Fleet } from '../../src/engine/fleet.ts';
import { readNodes } from '../../src/engine/gather.ts';
import { labCluster } from '../states/cluster.ts';

const ANSWERS: [path: string, body: unknown][] = [
  ['/api/v1/nodes', { items: [] }],
  ['/services/kubernetes', { spec: { clusterIP: '10.254.0.1' } }],
  ['/services/kube-dns', { spec: { clusterIP: '10.254.0.10' } }],
];

/** An API server: what it has not is 404. */
function answer(path: string): string {
  const body = ANSWERS.find(([end]) => path.endsWith(end))?.[1];
  const text = JSON.stringify(body ?? {});
  return `HTTP/1.1 ${body === undefined ? '404 Not Found' : '200 OK'}\r\nContent-Length: ${String(text.length)}\r\n\r\n${text}`;
}

it('the nodes, the pools and the addresses of services come by one request and one connection', async () => {
  const cluster = await labCluster();
  let requests = 0;
  const fleet = {
    exec: (_host: string, commands: readonly { stdin?: string }[]) => {
      requests += commands.length;
      const paths = commands.map(({ stdin = '' }) =>
        [...stdin.matchAll(/^GET (\S+) /gm)].map((found) => found[1] ?? ''),
      );
      return Promise.resolve(paths.map((asked) => ({ exitCode: 0, stdout: asked.map(answer).join(''), stderr: '' })));
    },
  } as unknown as Fleet;
  const found = await readNodes(fleet, cluster, ['m1'], new AbortController().signal);
  expect(found.api).toMatchObject({ ipPools: [], services: { kubernetes: '10.254.0.1', dns: '10.254.0.10' } });
  expect(requests).toBe(1);
});
