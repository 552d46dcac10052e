import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeFrame, RecordParser, requestFrame } from '../../src/transport/frames.ts';
import type { SessionRecord } from '../../src/transport/types.ts';

function parse(chunks: readonly Buffer[]): { records: SessionRecord[]; parser: RecordParser } {
  const records: SessionRecord[] = [];
  const parser = new RecordParser('MARK', (record) => records.push(record));
  for (const chunk of chunks) parser.push(chunk);
  return { records, parser };
}

const text = (records: SessionRecord[]): string[] =>
  records.map((record) => [record.kind, ...record.args, record.body.toString()].join('|'));

test.each([
  ['nothing before the marker', '\nMARK\nready 0\n', ['ready|']],
  ['a profile that prints', 'Welcome!\nMARKED\n\nMARK\nfile a b 3\nxyzdone 0 0\n', ['file|a|b|xyz', 'done|0|']],
  ['a profile without a last newline', 'hi\nMARK\ndone 0 0\n', ['done|0|']],
  ['a body that looks like records', '\nMARK\nfile 9\ndone 0 0\ndone 1 0\n', ['file|done 0 0\n', 'done|1|']],
  ['no marker', 'ready 0\n', []],
])('%s', (_what, stream, wanted) => {
  expect(text(parse([Buffer.from(stream)]).records)).toEqual(wanted);
});

test('however the stream is cut, the same records come out', () => {
  const record = fc.record({
    kind: fc.stringMatching(/^[a-z][a-z-]{0,8}$/),
    args: fc.array(fc.stringMatching(/^[!-~]{1,8}$/), { maxLength: 3 }),
    body: fc.uint8Array({ maxLength: 50 }),
  });
  const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(
      fc.stringMatching(/^[ -~\n]{0,60}$/),
      fc.array(record, { maxLength: 8 }),
      cuts,
      (banner, records, sizes) => {
        fc.pre(!`${banner}\nMARK`.slice(0, -1).includes('\nMARK\n'));
        const stream = Buffer.concat([
          Buffer.from(`${banner}\nMARK\n`),
          ...records.flatMap(({ kind, args, body }) => [
            Buffer.from(`${[kind, ...args, body.length].join(' ')}\n`),
            Buffer.from(body),
          ]),
        ]);
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        expect(text(parse(chunks).records)).toEqual(
          text(records.map(({ kind, args, body }) => ({ kind, args, body: Buffer.from(body) }))),
        );
      },
    ),
  );
});

describe('a broken stream', () => {
  test.each([['words without a size\n'], ['9lives 0\n'], ['x -1\n'], ['\n'], ['x'.repeat(9000)]])(
    '%j is refused',
    (stream) => {
      expect(() => parse([Buffer.from(`\nMARK\n${stream}`)])).toThrow(/record/);
    },
  );

  test('shows which record is unfinished', () => {
    const { parser } = parse([Buffer.from('\nMARK\nfile 100\nabc')]);
    expect(parser.unfinished).toEqual({ kind: 'file', missing: 97, tail: 'abc' });
  });

  test('keeps the last words of a shell that never started ours', () => {
    const { parser } = parse([Buffer.from('x'.repeat(5000)), Buffer.from('This account is not available.\n')]);
    expect(parser.preamble).toMatch(/not available\.\n$/);
    expect(parser.preamble.length).toBeLessThanOrEqual(2048);
  });
});

test('frames are a line, the bytes, and `end`', () => {
  expect(requestFrame('request', 'probe', Buffer.from('a\nb')).toString()).toBe('request probe 3\na\nbend\n');
  expect(codeFrame('probe', 'é', false).toString()).toBe('code probe 2\néend\n');
  expect(codeFrame('converge', 'x', true).toString()).toBe('code converge 1 lock\nxend\n');
});

test.each([[''], ['../x'], ['a b'], ['A'], ['-x']])('%j is no name for a request: it becomes a file name', (name) => {
  expect(() => requestFrame('part', name, Buffer.alloc(0))).toThrow(TypeError);
});
