import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeAnswer, encodeCommands } from '../../src/transport/commands.ts';
import type { RemoteAnswer, RemoteCommand } from '../../src/transport/commands.ts';
import { RecordParser } from '../../src/transport/frames.ts';
import { anyCharacter } from '../support/any-character.ts';

// The host's half runs here, as session.sh starts it: `sh session run DIR exec`.
const SCRIPT = new URL('../../src/transport/session.sh', import.meta.url).pathname;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpk-exec-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(commands: readonly RemoteCommand[], shell = 'sh'): RemoteAnswer[] {
  writeFileSync(join(folder, 'body.1'), encodeCommands(commands));
  const answers: RemoteAnswer[] = [];
  const parser = new RecordParser('M', (record) => {
    if (record.kind !== 'exec') return;
    const [id, answer] = decodeAnswer(record, commands);
    answers[id] = answer;
  });
  parser.push(Buffer.from('\nM\n'));
  parser.push(execFileSync(shell, [SCRIPT, 'run', folder, 'exec']));
  return answers;
}

const allBytes = Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1));

test.each(['dash', 'bash'])('every byte but NUL arrives as an argument (%s)', (shell) => {
  // Node passes text only: the bytes go in as latin1 text, and are compared as the UTF-8 that it becomes.
  const words = [
    '',
    ' ',
    '\n',
    'a\n\n',
    '\\',
    '\\n',
    '\\0101',
    '%s',
    '$HOME',
    '`id`',
    "it's",
    '"',
    '*',
    '-n',
    '~',
    allBytes.toString('latin1'),
  ];
  const [answer] = run([{ argv: ['printf', '%s\\0', ...words] }], shell);
  expect(answer?.stdout.split('\0').slice(0, -1)).toEqual(words);
});

test('arguments and standard input arrive as they are, whatever they are', { timeout: 20_000 }, () => {
  const word = fc
    .string({ unit: anyCharacter, maxLength: 30 })
    .filter((text) => !text.includes('\0') && text.isWellFormed());
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 5 }),
      fc.string({ unit: anyCharacter, maxLength: 60 }).filter((text) => text.isWellFormed()),
      (words, stdin) => {
        const [arguments_, input] = run([{ argv: ['printf', '%s\\0', ...words] }, { argv: ['cat'], stdin }]);
        expect(arguments_?.stdout).toBe(words.map((one) => `${one}\0`).join(''));
        expect(input?.stdout).toBe(stdin);
      },
    ),
    { numRuns: 40 },
  );
});

test('each command has its own exit code, output and errors, in the order asked', () => {
  const commands = Array.from({ length: 20 }, (_, index) => ({
    argv: ['sh', '-c', `printf out${index}; printf err${index} >&2; exit ${index}`],
  }));
  expect(run(commands)).toEqual(
    commands.map((_, index) => ({ exitCode: index, stdout: `out${index}`, stderr: `err${index}` })),
  );
});

test('commands of one request run side by side', () => {
  const started = performance.now();
  run(Array.from({ length: 5 }, () => ({ argv: ['sleep', '0.4'] })));
  expect(performance.now() - started).toBeLessThan(1500);
});

test('a program that is missing is exit code 127, one over its limit 124, a shell builtin is not run', () => {
  const [missing, slow, builtin] = run([
    { argv: ['no-such-program'] },
    { argv: ['sleep', '20'], limit: 1 },
    { argv: ['wait'] },
  ]);
  expect([missing?.exitCode, slow?.exitCode, builtin?.exitCode]).toEqual([127, 124, 127]);
});

test.each([[[]], [['']], [['a\0b']]])('%j is refused before anything is sent', (argv) => {
  expect(() => encodeCommands([{ argv }])).toThrow(TypeError);
});

test('nothing of a command reads as shell source: its bytes are printable ASCII without newlines', () => {
  const body = encodeCommands([{ argv: ['a', 'x\ny', 'ü'], stdin: '\n' }]).toString('latin1');
  expect(body).toBe('0 3 1 0\na\nx\\0012y\n\\0303\\0274\n\\0012\n');
});

test('the script is what shellcheck accepts', () => {
  const scripts = ['session.sh', 'upload.sh', 'download.sh'].map((name) => SCRIPT.replace('session.sh', name));
  execFileSync('shellcheck', scripts);
  expect(readFileSync(SCRIPT, 'utf8')).toMatch(/^#!\/bin\/sh\n/);
});
