import { existsSync, mkdirSync, readlinkSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeConverge, type ConvergeStep } from '../../src/engine/wire/wire-converge.ts';
import { decodeObserved, emptyReads, encodeReads } from '../../src/engine/wire/wire.ts';
import type { Op } from '../../src/resources/types.ts';
import { Scratch } from './support/scratch.ts';

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
  mkdirSync(host.at('/etc'));
});
afterEach(() => {
  // Whatever a value asked a shell to do was not done.
  expect([existsSync(host.at('/pwned')), existsSync('/tmp/mcpk-pwned')]).toEqual([false, false]);
  host.remove();
});

const PIECES = [
  "'",
  '"',
  '`touch /tmp/mcpk-pwned`',
  '$(touch /tmp/mcpk-pwned)',
  '; touch /tmp/mcpk-pwned;',
  '${IFS}',
  '$HOME',
];
const MORE = [
  '-rf',
  '--',
  '*',
  '?',
  '[a-z]',
  '%s',
  '%n',
  '{}',
  ' ',
  '  ',
  '~',
  '!',
  '#',
  '&&',
  '|',
  '>x',
  '\\n',
  '\\0101',
  '=',
  ':',
];
const UNICODE = ['ü', 'м', 'ａ', '\u202e', '\u200d', '\u{1f9e8}', 'e\u0301', '\ufeff'];
const piece = fc.constantFrom(...PIECES, ...MORE, ...UNICODE);
const joined = (more: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(fc.oneof(piece, more), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
/** Anything on one line. */
const line = joined(fc.constantFrom('\t', 'a'));
/** Anything that an argument can hold. */
const argument = joined(fc.constantFrom('\n', '\n\n', '\t', '\r', '\u0001', '\\'));
/** Of a path: no slash, no backslash, no control character. */
const name = line
  .map((text) => text.replaceAll(/[/\\\p{Cc}]/gu, '_'))
  .filter((text) => text !== '.' && text !== '..' && Buffer.byteLength(text) < 200);

function converge(...ops: Op[]): void {
  const step: ConvergeStep = { ref: "file:/it's $(x)", ops };
  const entries = { run: 'R1', caller: "o'brien@ops $(id)", notes: [] };
  const more = { stage: 's', preconditions: [], ownedBefore: '', ownedAfter: '' };
  const { exitCode, stderr } = host.run('converge', encodeConverge({ ...entries, ...more, steps: [step] }));
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
}

/** A program that only notes its arguments, each ended by a NUL. */
function note(program: string): () => string[] {
  host.stub(program, `for word; do printf '%s\\0' "$word"; done >"${host.root}/args.${program}"`);
  return () => host.read(`/args.${program}`).split('\0').slice(0, -1);
}

describe('a value that means something to a shell arrives as it is', () => {
  const runs = { numRuns: 6 };

  it('in the arguments of a program', () => {
    const seen = note('program');
    fc.assert(
      fc.property(fc.array(argument, { minLength: 20, maxLength: 20 }), (words) => {
        converge({ op: 'run', argv: ['program', ...words] });
        expect(seen()).toEqual(words);
      }),
      runs,
    );
  });

  it('in the target of a link, and is read back', () => {
    fc.assert(
      fc.property(name, argument, (file, target) => {
        const path = `/etc/${file}`;
        converge({ op: 'link', path, target });
        expect(readlinkSync(host.at(path))).toBe(target);
        const reads = { ...emptyReads(), paths: [path] };
        const { records } = host.run('probe', encodeReads(reads));
        expect(decodeObserved(records, reads).paths[path]).toMatchObject({ type: 'link', target });
      }),
      runs,
    );
  });

  it('in the name and the bytes of a file, and is read back', () => {
    fc.assert(
      fc.property(name, argument, (file, content) => {
        const path = `/etc/${file}`;
        converge({ op: 'write', path, mode: '0644', owner: 'root', group: 'root', content });
        expect(host.read(path)).toBe(content);
        const reads = { ...emptyReads(), paths: [path], texts: [path] };
        const { records } = host.run('probe', encodeReads(reads));
        expect(decodeObserved(records, reads).texts[path]).toBe(content);
      }),
      runs,
    );
  });

  it('in a sysctl, a module, a user and a package', () => {
    host.put('/proc/sys/kernel/x', '');
    host.stub('getent', 'exit 2');
    for (const program of ['apt-mark', 'systemctl']) host.stub(program, '');
    const [module, group, user, apt] = ['modprobe', 'groupadd', 'useradd', 'apt-get'].map(note);
    fc.assert(
      fc.property(line, line, (a, b) => {
        converge(
          { op: 'sysctl', key: 'kernel.x', value: a },
          { op: 'modprobe', name: b },
          { op: 'user', name: a, group: b, home: `/${a}` },
        );
        converge({ op: 'install', packages: [a, b], mask: [], hold: [], replaced: [] });
        expect(host.read('/proc/sys/kernel/x')).toBe(`${a}\n`);
        expect(module?.()).toEqual(['--', b]);
        expect(group?.()).toEqual(['--system', '--', b]);
        expect(user?.().slice(-1)).toEqual([a]);
        expect(user?.()).toContain(`/${a}`);
        expect(apt?.().slice(apt().indexOf('--') + 1)).toEqual(a === b ? [a] : [a, b]);
      }),
      runs,
    );
  });

  it('in the name of a unit', () => {
    const seen = note('systemctl');
    fc.assert(
      fc.property(line, (unit) => {
        converge({ op: 'unit', action: 'reload', name: unit, noBlock: false, timeout: 5 });
        expect(seen()).toEqual(['reload', '--', unit]);
      }),
      runs,
    );
  });
});
