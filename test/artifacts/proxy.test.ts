import { afterEach, expect, it, vi } from 'vitest';
import { fetchText } from '../../src/artifacts/fetch.ts';

const { signal } = new AbortController();

afterEach(() => {
  vi.unstubAllEnvs();
});

it.each([
  ['https://10.255.255.1/sums', 'HTTPS_PROXY'],
  ['https://10.255.255.1/sums', 'https_proxy'],
  ['http://10.255.255.1/sums', 'HTTP_PROXY'],
])(
  'what is fetched goes through the proxy of the environment, which is named where it fails: %s by %s',
  async (url, name) => {
    for (const other of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'])
      for (const each of [other, other.toLowerCase()]) vi.stubEnv(each, undefined);
    // Nobody listens there, and nobody is asked but it.
    vi.stubEnv(name, 'http://127.0.0.1:1');
    await expect(fetchText(url, { signal })).rejects.toMatchObject({
      code: 'fetch',
      message: expect.stringContaining('127.0.0.1:1') as string,
      hint: expect.stringContaining(`${name} is set`) as string,
    });
  },
);
