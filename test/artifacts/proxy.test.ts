import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fetchText } from '../../src/artifacts/fetch.ts';
import { proxyHint } from '../../src/artifacts/proxy.ts';

const { signal } = new AbortController();
/** Nobody is there, and nobody but the proxy is asked. */
const URL_THERE = 'https://10.255.255.1/sums';

beforeEach(() => {
  for (const other of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'])
    for (const each of [other, other.toLowerCase()]) vi.stubEnv(each, undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

it.each([
  [URL_THERE, 'HTTPS_PROXY', 'http://127.0.0.1:1'],
  [URL_THERE, 'https_proxy', 'http://127.0.0.1:1'],
  ['http://10.255.255.1/sums', 'HTTP_PROXY', 'http://127.0.0.1:1'],
  [URL_THERE, 'HTTPS_PROXY', '127.0.0.1:1'],
  [URL_THERE, 'HTTPS_PROXY', ' joe:secret@127.0.0.1:1'],
  [URL_THERE, 'HTTPS_PROXY', 'HTTP://127.0.0.1:1/'],
])(
  'what is fetched goes through the proxy of the environment, which is named where it fails: %s by %s=%s',
  async (url, name, value) => {
    vi.stubEnv(name, value);
    await expect(fetchText(url, { signal })).rejects.toMatchObject({
      code: 'fetch',
      message: expect.stringContaining('ECONNREFUSED 127.0.0.1:1') as string,
      hint: expect.stringContaining(`${name} is set: see`) as string,
    });
  },
);

it.each(['http://joe:se#cret@127.0.0.1:1', 'http://joe:se%cret@127.0.0.1:1', 'socks5://joe:secret@127.0.0.1:1'])(
  'a proxy that nobody can go through is not passed over, and none of it is shown: %s',
  async (value) => {
    vi.stubEnv('HTTPS_PROXY', value);
    const error = (await fetchText(URL_THERE, { signal }).catch((each: unknown) => each)) as Error & { hint: string };
    expect(error).toMatchObject({
      code: 'fetch',
      message: expect.stringMatching(/^HTTPS_PROXY .* no proxy/) as string,
    });
    expect(JSON.stringify([error.message, error.hint])).not.toMatch(/joe|se.?cret/);
  },
);

it('a Node that goes by no proxy is named', () => {
  const hint = (node: string): string => proxyHint(URL_THERE, { HTTPS_PROXY: 'x' }, node);
  for (const node of ['22.18.0', '22.20.1', '23.11.0', '24.4.9']) expect(hint(node)).toContain(`Node ${node} does not`);
  for (const node of ['22.21.0', '24.5.0', '25.0.0']) expect(hint(node)).toContain('see whether that proxy answers');
});

describe('a proxy that takes connections and never says anything', () => {
  let proxy: Server;
  beforeEach(async () => {
    proxy = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  });
  afterEach(() => void proxy.close());

  it('does not keep an end from coming', async () => {
    const abort = new AbortController();
    const fetching = fetchText(URL_THERE, { signal: abort.signal });
    await once(proxy, 'connection');
    abort.abort(new Error('interrupted'));
    await expect(fetching).rejects.toThrow('interrupted');
  });

  it('is given up', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const fetching = fetchText(URL_THERE, { signal });
    await once(proxy, 'connection');
    vi.advanceTimersByTime(30_000);
    await expect(fetching).rejects.toThrow('less than 1 KiB a second');
  });
});
