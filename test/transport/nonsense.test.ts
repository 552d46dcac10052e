import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { McpkError } from '../../src/core/errors.ts';
import { decodeConverge, type ConvergeRequest } from '../../src/engine/wire/wire-converge.ts';
import { RecordParser } from '../../src/transport/frames.ts';
import type { RemoteScript } from '../../src/transport/remote-script.ts';
import { HostSession } from '../../src/transport/session.ts';
import { anyCharacter } from '../support/any-character.ts';

const LOST = new McpkError('unreachable', 'm1: the connection was lost', { host: 'm1' });

/** A session whose host sends these bytes to whatever it is asked, and then is gone. */
function sessionOf(bytes: Buffer): { session: HostSession; answer: () => void } {
  const session = new HostSession({
    host: 'm1',
    code: {},
    keepsLock: [],
    upload: () => Promise.reject(new Error('not asked for')),
    download: () => Promise.reject(new Error('not asked for')),
    release: () => undefined,
  });
  const parser = new RecordParser('MARK', session.onRecord);
  const remote = { write: () => true, end: () => undefined, destroy: session.onEnd, closed: Promise.resolve() };
  session.attach({ ...remote, unfinished: undefined, bytesReceived: 0 } as unknown as RemoteScript);
  const answer = (): void => {
    try {
      parser.push(Buffer.concat([Buffer.from('\nMARK\n'), bytes]));
    } catch {
      // RemoteScript ends the channel with it.
    }
    session.onEnd(LOST);
  };
  return { session, answer };
}

const REQUEST: ConvergeRequest = {
  run: 'R',
  stage: 's',
  steps: [{ ref: 'file:/a', ops: [] }],
  preconditions: [{ ref: 'file:/a', path: '/a', seen: undefined }],
  ownedBefore: '',
  ownedAfter: '',
  caller: 'x',
  notes: [],
};

const word = fc.oneof(
  fc.constantFrom('0', '1', '-1', '1e9', '%', '%E0', 'x', '4294967295'),
  fc.string({ maxLength: 6 }),
);
const line = fc
  .record({
    kind: fc.constantFrom('done', 'exec', 'file', 'stderr', 'event', 'stale', 'ready', 'locked', 'odd'),
    words: fc.array(word, { maxLength: 5 }),
    body: fc.string({ unit: anyCharacter, maxLength: 20 }),
    lie: fc.constantFrom(0, 0, 0, 0, 1, 1e12),
  })
  .map(({ kind, words, body, lie }) => {
    const size = Buffer.byteLength(body) + lie;
    return Buffer.from(`${[kind, ...words.map((each) => each.replaceAll(/\s/g, '_')), size].join(' ')}\n${body}`);
  });
const stream = fc.oneof(
  fc.array(line, { maxLength: 10 }).map((lines) => Buffer.concat(lines)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

describe('whatever bytes a host sends', () => {
  test('each request ends, with an answer or an error that names the host', async () => {
    await fc.assert(
      fc.asyncProperty(stream, async (bytes) => {
        const { session, answer } = sessionOf(bytes);
        const asked = [
          session.exec([{ argv: ['a'] }, { argv: ['b'] }]),
          session.read('/x'),
          session.request('converge', Buffer.alloc(0), (record) => void decodeConverge(REQUEST, record)),
        ];
        // Requests of one turn leave together, in the next.
        setImmediate(() => setImmediate(answer));
        for (const outcome of await Promise.allSettled(asked)) {
          if (outcome.status === 'fulfilled') continue;
          expect(outcome.reason).toBeInstanceOf(McpkError);
          expect(outcome.reason).toMatchObject({ host: 'm1' });
        }
        await session.close();
      }),
      { numRuns: 300 },
    );
  });

  test('a record that says it is larger than any answer is refused before it is waited for', () => {
    const parser = new RecordParser('MARK', () => undefined);
    expect(() => parser.push(Buffer.from('\nMARK\nfile 99999999999999999999\n'))).toThrow(/a record of 9{20} bytes/);
  });

  test.each([['done 0'], ['done'], ['done x 0'], ['done -0 0'], ['done 1e1 0']])(
    'the end %j is no success but where it says 0',
    async (last) => {
      const { session, answer } = sessionOf(Buffer.from(`${last}\n`));
      const asked = session.request('probe', Buffer.alloc(0), () => undefined).catch(() => ({ exitCode: -1 }));
      setImmediate(() => setImmediate(answer));
      expect((await asked).exitCode).not.toBe(0);
      await session.close();
    },
  );
});
