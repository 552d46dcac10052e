import dns from 'node:dns';
import { afterEach, expect, it, vi } from 'vitest';
import { fetchText } from '../../src/artifacts/fetch.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

it('says why where none of several addresses of a name answers', async () => {
  const both = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  const lookup = (_name: string, _options: unknown, done: (error: null, found: typeof both) => void): void =>
    done(null, both);
  vi.spyOn(dns, 'lookup').mockImplementation(lookup as unknown as typeof dns.lookup);
  const { signal } = new AbortController();
  await expect(fetchText('https://two.example.org:1/x', { signal })).rejects.toMatchObject({
    message: "can't download https://two.example.org:1/x: connect ECONNREFUSED 127.0.0.1:1",
  });
});
