import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageText } from '../../../src/core/package-files.ts';
import { CONVERGE_PARTS } from '../../../src/engine/wire/scripts.ts';

interface ShellFunction {
  name: string;
  locals: string[];
  /** Names that it gives a value to. */
  sets: string[];
}

/** Without comments, and without what only looks like `NAME=`: words in quotes and the operands of dd. */
function codeOf(text: string): string {
  return text
    .replaceAll(/^ *#.*$/gm, '')
    .replaceAll(/'[^'\n]*'|"[^"\n]*"/g, '""')
    .replaceAll(/\bdd .*$/gm, '');
}

function namesIn(code: string): string[] {
  return [...code.matchAll(/(?<![\w-])([a-z_]+)=/g)].map(([, name]) => name!);
}

function functionsOf(code: string): ShellFunction[] {
  return [...code.matchAll(/^(\w+)\(\) \{\n(.*?)^\}/gms)].map(([, name = '', body = '']) => {
    const locals = [...body.matchAll(/^ *local .*$/gm)].flatMap(([line]) => namesIn(line));
    const read = [...body.matchAll(/\bread -r ([a-z_ ]+)/g)].flatMap(([, names]) => names!.trim().split(' '));
    const looped = [...body.matchAll(/\bfor (\w+)(?: in|;)/g)].map(([, each]) => each!);
    return { name, locals, sets: [...namesIn(body), ...read, ...looped].filter((each) => each !== '_') };
  });
}

const parts = CONVERGE_PARTS.map((path) => {
  const text = packageText(path);
  const head = text.slice(0, text.search(/^[^#]/m));
  return { name: basename(path), text, head, code: codeOf(text), functions: functionsOf(codeOf(text)) };
});
const globals = namesIn(parts[0]!.code);
const functions = parts.flatMap((part) => part.functions);

describe('the parts of converge', () => {
  it.each(parts)('$name sets only local variables, and the shared ones that its head or head.sh names', (part) => {
    const named = [...part.head.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
    const foreign = part.functions.flatMap(({ name, locals, sets }) =>
      sets.filter((each) => ![...locals, ...named, ...globals].includes(each)).map((each) => `${each} in ${name}`),
    );
    expect(foreign).toEqual([]);
  });

  it('name nothing twice: no function like another one, a variable or a local one that hides a shared one', () => {
    const names = [...functions.map(({ name }) => name), ...new Set(globals)];
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    const locals = functions.flatMap((each) => each.locals);
    expect(locals.filter((name) => names.includes(name))).toEqual([]);
  });

  it.each(parts)('$name says what goes in and what comes out', ({ head }) => {
    expect(head).toMatch(/\bIn: /);
    expect(head).toMatch(/\bOut: /);
  });

  it('define everything before the last line starts it', () => {
    const [entry] = parts.slice(-1);
    expect(entry?.text.trimEnd().split('\n').at(-1)).toBe('main "$@"');
    const outside = parts.slice(1).map(({ code }) => code.replaceAll(/^\w+\(\) \{\n.*?^\}/gms, '').trim());
    expect(outside.filter((code) => code !== '')).toEqual(['main ""']);
  });
});
