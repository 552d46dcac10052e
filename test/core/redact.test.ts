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

  it.each([
    ['a host that is looked up', 'getaddrinfo ENOTFOUND hunter2long.invalid', 'getaddrinfo ENOTFOUND ${A}.invalid'],
    ['a host with letters of its own', new URL('https://Bücher7.invalid/').host, '${B}.invalid'],
    ['a path', new URL('https://h/x y/ä?b/').href, 'https://h/${C}/'],
    ['a part of a path', `https://h/${encodeURIComponent('x y/ä?b')}/`, 'https://h/${C}/'],
    ['a password', new URL('https://u:w|dd@h/').href, 'https://u:${D}@h/'],
    ['the query', `https://h/?q=${new URLSearchParams({ q: 'x y/ä?b' }).toString().slice(2)}`, 'https://h/?q=${C}'],
  ])('finds what a URL makes of a value: %s', (_what, text, shown) => {
    const values = { A: 'HunTer2Long', B: 'Bücher7', C: 'x y/ä?b', D: 'w|dd' };
    const hidden = Object.entries(values).map(([name, value]) => new Secret(value, `\${${name}}`));
    expect(redact(text, hidden)).toBe(shown);
  });

  it('takes no words out for what is as short as they are', () => {
    expect(redact('a URL has no B', [new Secret('A', '${X}'), new Secret('/../a', '${Y}')])).toBe('a URL has no B');
  });

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
