import { describe, expect, it } from 'vitest';
import { FailureList, McpkError } from '../../src/core/errors.ts';
import { redact, redactError } from '../../src/core/redact.ts';
import { revealed, Secret, secretly } from '../../src/core/secret.ts';

const HIDDEN = [
  new Secret('hunter2', '${A}'),
  new Secret('hunter2-long', '${B}'),
  new Secret('', '${C}'),
  new Secret('say "no"', '${D}'),
  new Secret('first line\nsecond line\n', '${E}'),
];

describe('redact', () => {
  it.each([
    ['x hunter2 y hunter2', 'x ${A} y ${A}'],
    ['hunter2-long', '${B}'],
    ['nothing', 'nothing'],
    ['bad "say \\"no\\""', 'bad "${D}"'],
    ['line 2: second line', 'line 2: ${E}'],
  ])('%s is shown as %s', (text, shown) => expect(redact(text, HIDDEN)).toBe(shown));

  it('takes a label as it stands', () => {
    expect(redact('hunter2', [new Secret('hunter2', '$& $1')])).toBe('$& $1');
  });
});

describe('redactError', () => {
  it('leaves nothing of it in any text of an error, and its code and host as they are', () => {
    const cause = new Error('caused by hunter2');
    const error = new McpkError('stage', 'm1: hunter2', {
      host: 'm1',
      hint: 'not hunter2',
      details: ['a', 'hunter2'],
      cause,
    });
    const list = new FailureList([error]);
    redactError(list, HIDDEN);
    expect(error.toJSON()).toEqual({ code: 'stage', exitCode: 15, message: 'm1: ${A}', host: 'm1', hint: 'not ${A}', details: ['a', '${A}'] }); // prettier-ignore
    expect([list.message, error.stack, cause.message, cause.stack].join('\n')).not.toContain('hunter2');
  });

  it('adds no hint where there is none', () => {
    expect(redactError(new McpkError('stage', 'x'), HIDDEN).toJSON()).toEqual({
      code: 'stage',
      exitCode: 15,
      message: 'x',
    });
  });
});

describe('secretly', () => {
  const write = (value: unknown): string => JSON.stringify(value);

  it('makes a secret of what a secret is anywhere in, named after all of them', () => {
    const text = secretly({ a: [{ b: new Secret('x', 'one') }, new Secret('y', 'two')], c: 1 }, write);
    expect(text).toBeInstanceOf(Secret);
    expect((text as Secret).reveal()).toBe('{"a":[{"b":"x"},"y"],"c":1}');
    expect(String(text)).toBe('<secret one, two>');
  });

  it('makes text of all else', () => {
    expect(secretly({ a: [1, null, undefined] }, write)).toBe('{"a":[1,null,null]}');
    expect(revealed({ a: new Secret('x', 's') })).toEqual({ a: 'x' });
  });
});
