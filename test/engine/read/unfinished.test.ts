import { describe, expect, it } from 'vitest';

import type { OwedUndo } from '../../../src/cluster/facts.ts';
import { owedWords } from '../../../src/engine/past/owed-lines.ts';
import { McpkError } from '../../../src/core/errors.ts';
import { bareHost } from '../../../src/cluster/bare-host.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import type { Selection } from '../../../src/engine/types.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { tellUnfinished } from '../../../src/engine/read/unfinished.ts';

const SIGNAL = new AbortController().signal;
const MARK = 'R1 root%40ops1 apply 9d3c\n';

interface Spec {
  /** host → the end of its journal; undefined: it has no mark. */
  journals: Record<string, string | undefined>;
  command?: string;
  exclusive?: boolean;
  locked?: boolean;
  selection?: Selection;
}

/** Lines of the run R1, the last of them three minutes ago. */
function ended(...events: string[]): string {
  const last = Date.now() - 180_000;
  return events.map((event, index) => `${last - (events.length - 1 - index) * 1000} R1 ${event}\n`).join('');
}

async function told({ journals, command = 'plan', exclusive = false, locked = false, selection = {} }: Spec): Promise<{
  messages: string[];
  hosts: string[];
  owed: OwedUndo[];
  asked: number;
}> {
  const messages: string[] = [];
  const reader = fakeReader({
    answer: ({ host, argv }) => {
      const [program, file = ''] = [argv[0], argv.at(-1)];
      if (program === 'tail') return { stdout: journals[host] ?? '' };
      if (program === 'stat') return { stdout: '23\n' };
      if (file === '/proc/locks') return { stdout: locked ? '1: FLOCK  ADVISORY  WRITE 7 00:1a:23 0 EOF\n' : '' };
      return { stdout: MARK };
    },
  });
  const facts = Object.entries(journals).map(
    ([host, text]) => [host, { ...bareHost(host, '10.0.0.1'), unfinished: text !== undefined }] as const,
  );
  const opened = { reader, facts: { hosts: new Map(facts) }, since: () => 0, exclusive };
  const emit: EngineInput['emit'] = (event) => void (event.type === 'warning' && messages.push(event.message));
  const { cutOff: hosts, owed } = await tellUnfinished(
    { selection, command, emit, signal: SIGNAL } as unknown as EngineInput,
    opened as unknown as Parameters<typeof tellUnfinished>[1],
  );
  return { messages, hosts, owed, asked: reader.asked.length };
}

const BEGUN = ended('run 17 root%40ops1 apply 9d3c', 'stage etcd', 'begin etcd unit%3Aetcd.service');

describe('a run that was cut off', () => {
  it('is told once for all hosts that were left at the same place, with who, where and when', async () => {
    const { messages, hosts } = await told({
      journals: { m1: BEGUN, m2: BEGUN, m3: ended('run 1 a b c'), w1: undefined },
    });
    expect(messages).toEqual([
      'm1, m2: run R1 (root@ops1, apply) was cut off in etcd at unit:etcd.service 3 min ago; apply finishes it',
      'm3: run R1 (root@ops1, apply) was cut off 3 min ago; apply finishes it',
    ]);
    expect(hosts).toEqual(['m1', 'm2', 'm3']);
  });

  it('is not asked about where no host has the mark of one', async () => {
    expect(await told({ journals: { m1: undefined } })).toEqual({ messages: [], hosts: [], owed: [], asked: 0 });
  });

  it.each<[string, Partial<Spec>, RegExp]>([
    ['by an apply', { command: 'apply', exclusive: true, locked: true }, /; this run finishes it$/],
    [
      'by an apply of some stages not',
      { command: 'apply', exclusive: true, selection: { only: new Set(['etcd']) } },
      /; an apply of all stages finishes it$/,
    ],
    ['by a plan not', {}, /; apply finishes it$/],
  ])('is finished %s', async (_, more, text) => {
    expect((await told({ journals: { m1: BEGUN }, ...more })).messages).toEqual([expect.stringMatching(text)]);
  });

  it('is not one that is under way, seen from a plan', async () => {
    const { messages, hosts } = await told({ journals: { m1: BEGUN }, locked: true });
    expect(messages).toEqual(['m1: run R1 (root@ops1, apply) is under way in etcd at unit:etcd.service']);
    expect(hosts).toEqual([]);
  });

  it('is not one that had written down its end: only the mark is taken away', async () => {
    const { messages, hosts } = await told({ journals: { m1: BEGUN + ended('result failed 15') } });
    expect([messages, hosts]).toEqual([[], ['m1']]);
  });

  it('is told though its journal is lost', async () => {
    expect((await told({ journals: { m1: '' } })).messages).toEqual([
      'm1: run R1 (root@ops1, apply) was cut off; apply finishes it',
    ]);
  });
});

describe('what a run that was cut off owes', () => {
  const START = ['systemctl', 'start', 'x.service'];
  const line = (event: string, ...words: string[]): string =>
    ended([event, ...words.map(encodeURIComponent)].join(' '));
  const owes = (stage: string, ...run: string[]): string => line('owed', ...owedWords(stage, run));
  const OWES = owes('etcd', ...START);
  const owed = async (text: string, more: Partial<Spec> = {}): Promise<string[]> =>
    (await told({ journals: { m1: text }, ...more })).owed.map(
      ({ stage, host, run }) => `${stage} ${host} ${run.join(' ')}`,
    );
  const FOUND = ['etcd m1 systemctl start x.service'];

  it.each<[string, string, string[]]>([
    ['what was noted', OWES, FOUND],
    ['once, however often runs were cut off there', OWES + OWES, FOUND],
    ['what an earlier run noted, that was cut off too', OWES.replaceAll(' R1 ', ' R0 ') + BEGUN, FOUND],
    ['nothing of what was settled', OWES + line('settled', 'etcd'), []],
    ['what another stage settled', OWES + line('settled', 'haproxy'), FOUND],
    [
      'nothing of a run that came to its end, and told it',
      (OWES + line('result', 'failed', '15')).replaceAll(' R1 ', ' R0 ') + BEGUN,
      [],
    ],
    [
      'what one after it did not see to, and came to its end',
      OWES.replaceAll(' R1 ', ' R0 ') + line('result', 'succeeded', '0'),
      FOUND,
    ],
    [
      'nothing that one after it owed as well, and told',
      OWES.replaceAll(' R1 ', ' R0 ') + OWES + line('result', 'failed', '15'),
      [],
    ],
    ['no command that was cut short', line('owed', 'etcd', '["systemctl","sta'), []],
    ['nothing that is no command', line('owed', 'etcd', '[1]') + line('owed', 'etcd', '[]') + line('owed', 'etcd'), []],
  ])('is %s', async (_name, text, expected) => {
    expect(await owed(text)).toEqual(expected);
  });

  it('is bounded, whatever the host sends', async () => {
    const many = Array.from({ length: 20_000 }, (_, n) => owes('etcd', `a${n}`)).join('');
    expect(await owed(many)).toEqual(Array.from({ length: 16 }, (_, n) => `etcd m1 a${20_000 - 16 + n}`));
    expect(await owed(OWES + BEGUN.repeat(200))).toEqual([]);
  }, 2000);

  it('is nothing while it is under way', async () => {
    expect(await owed(OWES, { locked: true })).toEqual([]);
  });
});

it('a host that is lost while it is asked ends the run', async () => {
  const lost = new McpkError('unreachable', 'm1: lost', { host: 'm1' });
  const reader = fakeReader({ answer: () => ({ exitCode: 255, lost }) });
  const facts = { hosts: new Map([['m1', { ...bareHost('m1', ''), unfinished: true }]]) };
  const opened = { reader, facts, since: () => 0, exclusive: true } as unknown as Parameters<typeof tellUnfinished>[1];
  await expect(tellUnfinished({ selection: {}, signal: SIGNAL } as EngineInput, opened)).rejects.toBe(lost);
});
