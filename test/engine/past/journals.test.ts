import { expect, it } from 'vitest';
import { McpkError } from '../../../src/core/errors.ts';
import { readJournals } from '../../../src/engine/past/journals.ts';
import { fakeReader } from '../support/fake-reader.ts';

const { signal } = new AbortController();

it('the journals of hosts, and who holds their locks, cost one round to each', async () => {
  const reader = fakeReader({
    answer: ({ host, argv: [program, ...words] }) => {
      if (program === 'stat') return { stdout: '23\n' };
      if (words[0] === '/proc/locks')
        return { stdout: host === 'm1' ? '1: FLOCK  ADVISORY  WRITE 7 00:1a:23 0 EOF\n' : '' };
      return { stdout: `1795347245120 R1 run 17 ${host} apply 9d3c\n` };
    },
  });
  const journals = await readJournals(reader, ['m1', 'w1'], signal);
  expect([...journals].map(([host, { lines, locked }]) => [host, lines[0]?.words[1], locked])).toEqual([
    ['m1', 'm1', true],
    ['w1', 'w1', false],
  ]);
  expect(reader.asked.map((round) => [...new Set(round.map((each) => each.split(' ')[0]))])).toEqual([['m1'], ['w1']]);
});

it('a host that is lost is none that has no history', async () => {
  const lost = new McpkError('unreachable', 'm1: lost', { host: 'm1' });
  const reader = fakeReader({ answer: () => ({ exitCode: 255, lost }) });
  await expect(readJournals(reader, ['m1'], signal)).rejects.toBe(lost);
});
