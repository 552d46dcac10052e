import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordKey } from '../../src/transport/known-hosts-files.ts';
import {
  entriesOf,
  fingerprint,
  hostName,
  judge,
  keyType,
  knownHostLine,
  parseKnownHosts,
} from '../../src/transport/known-hosts.ts';
import { anyCharacter } from '../support/any-character.ts';

const ed = (fill: number): Buffer =>
  Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.from([0, 0, 0, 32]),
    Buffer.alloc(32, fill),
  ]);
const A = ed(1);
const B = ed(2);
const line = (names: string, key = A): string => `${names} ssh-ed25519 ${key.toString('base64')}`;

describe('a line of known_hosts speaks of a host', () => {
  const cases: [names: string, name: string, speaks: boolean][] = [
    ['m1', 'm1', true],
    ['m1', 'm2', false],
    ['m1', '[m1]:2222', false],
    ['[m1]:2222', '[m1]:2222', true],
    ['[m1]:2222', 'm1', false],
    ['M1.Example', 'm1.example', true],
    ['a,m1,10.0.0.1', '10.0.0.1', true],
    ['*.lab', 'm1.lab', true],
    ['*.lab', 'lab', false],
    ['m?', 'm1', true],
    ['m?', 'm12', false],
    ['*.lab,!bad.lab', 'bad.lab', false],
    ['!bad.lab,*.lab', 'good.lab', true],
    ['10.0.0.1', '10x0.0.1', false],
    ['fd00::1', 'fd00::1', true],
  ];
  test.each(cases)('%s and %s: %s', (names, name, speaks) => {
    expect(entriesOf(parseKnownHosts(line(names), 'f').entries, name)).toHaveLength(speaks ? 1 : 0);
  });
});

describe('a key is judged', () => {
  const cases: [what: string, text: string, is: string][] = [
    ['no line', '', 'unknown'],
    ['the same key', line('m1'), 'known'],
    ['another key', line('m1', B), 'changed'],
    ['several keys, one the same', `${line('m1', B)}\n${line('m1')}`, 'known'],
    ['the same key, revoked', `@revoked ${line('m1')}`, 'revoked'],
    ['revoked for all, known for this host', `${line('m1')}\n@revoked ${line('*')}`, 'revoked'],
    ['only another key is revoked', `@revoked ${line('m1', B)}`, 'unknown'],
    ['an authority is no key of the host', `@cert-authority ${line('m1', B)}`, 'unknown'],
    ['a comment', `# ${line('m1')}`, 'unknown'],
    ['tabs, a comment behind, CRLF', `m1\tssh-ed25519\t${A.toString('base64')} somebody\r\n`, 'known'],
  ];
  test.each(cases)('%s', (_what, text, is) => {
    expect(judge(parseKnownHosts(text, 'f').entries, 'm1', A).is).toBe(is);
  });

  test('a changed key names file and line of what is recorded', () => {
    const verdict = judge(parseKnownHosts(`\n# x\n${line('m1', B)}\n`, '/k').entries, 'm1', A);
    expect(verdict).toMatchObject({ is: 'changed', recorded: [{ file: '/k', line: 3 }] });
  });
});

test('lines that cannot be used are listed with the reason', () => {
  const text = `@cert-authority * ssh-rsa AAAA\n@odd m1 ssh-rsa AAAA\nm1 ssh-rsa\n${line('m1').replace('ssh-ed25519', 'ssh-rsa')}\n`;
  const { entries, ignored } = parseKnownHosts(text, 'f');
  expect(entries).toHaveLength(0);
  expect(ignored.map((one) => [one.line, one.why])).toEqual([
    [1, '@cert-authority: host certificates are not supported'],
    [2, 'unknown marker'],
    [3, 'names, type and key expected'],
    [4, 'the key is not of the type that stands before it'],
  ]);
});

test('what is recorded is known again, for any name, port and key', () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9.-]{0,30}$/);
  fc.assert(
    fc.property(
      name,
      fc.integer({ min: 1, max: 65535 }),
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      (address, port, bytes) => {
        const key = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), bytes]);
        const { entries } = parseKnownHosts(knownHostLine(hostName(address, port), key), 'f');
        expect(judge(entries, hostName(address, port), key).is).toBe('known');
        expect(judge(entries, hostName(address, port === 1 ? 2 : port - 1), key).is).toBe('unknown');
      },
    ),
  );
});

test('a pattern of stars keeps nobody waiting', () => {
  const hostile = `${'*a'.repeat(60)}b`;
  const before = process.cpuUsage();
  expect(entriesOf(parseKnownHosts(line(hostile), 'f').entries, 'a'.repeat(200))).toEqual([]);
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(500);
});

test('patterns match as their regular expressions do', () => {
  const part = fc.constantFrom('a', 'b', '*', '?', '.', '[', '\\');
  const text = fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));
  const name = fc.array(fc.constantFrom('a', 'b', '.', '['), { maxLength: 8 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, name, (pattern, host) => {
      const source = pattern
        .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.');
      const found = entriesOf(parseKnownHosts(line(pattern), 'f').entries, host).length === 1;
      expect(found).toBe(new RegExp(`^${source}$`).test(host));
    }),
  );
});

test('every line is used, told of, or empty, and each names its place', () => {
  const odd = fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      '#x',
      line('m1'),
      `@revoked ${line('*')}`,
      '|1|a|b ssh-rsa AAAA',
      'm1 ssh-rsa',
      '@x',
      '\0',
    ),
    fc.string({ unit: anyCharacter, maxLength: 40 }).map((text) => text.replaceAll('\n', ' ')),
  );
  fc.assert(
    fc.property(fc.array(odd, { maxLength: 8 }), (lines) => {
      const { entries, ignored } = parseKnownHosts(lines.join('\n'), 'f');
      const told = [...entries, ...ignored].map((one) => one.line).toSorted((a, b) => a - b);
      expect(told).toEqual(lines.flatMap((text, at) => (/^\s*(#|$)/.test(text) ? [] : [at + 1])));
    }),
  );
});

test('no text makes the reader throw', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.uint8Array(),
      (text, key) => void judge(parseKnownHosts(text, 'f').entries, 'm1', Buffer.from(key)),
    ),
  );
  expect(keyType(Buffer.from([0, 0, 0, 200, 1]))).toBeUndefined();
});

describe('files', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcpk-known-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the first key makes the file 0600, the folder 0700', () => {
    const file = join(folder, 'new', 'known_hosts');
    expect(recordKey({ file, name: 'm1' }, A)).toBe(true);
    expect([statSync(file).mode & 0o777, statSync(join(folder, 'new')).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(readFileSync(file, 'utf8')).toBe(`${line('m1')}\n`);
  });

  test('a key is recorded once, and never glued to an open last line', () => {
    const file = join(folder, 'open');
    writeFileSync(file, line('m2'));
    expect([recordKey({ file, name: 'm1' }, A), recordKey({ file, name: 'm1' }, A)]).toEqual([true, false]);
    expect(readFileSync(file, 'utf8')).toBe(`${line('m2')}\n${line('m1')}\n`);
  });

  test('names and fingerprints are those of ssh-keygen', () => {
    const file = join(folder, 'hashed');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')]);
    const key = Buffer.from(readFileSync(join(folder, 'key.pub'), 'utf8').split(' ')[1] ?? '', 'base64');
    writeFileSync(file, knownHostLine('m1', key) + knownHostLine('[m1]:2222', key));
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    const { entries } = parseKnownHosts(readFileSync(file, 'utf8'), file);
    expect(entries.every((entry) => entry.names.startsWith('|1|'))).toBe(true);
    expect(['m1', '[m1]:2222', 'm2'].map((name) => judge(entries, name, key).is)).toEqual([
      'known',
      'known',
      'unknown',
    ]);
    expect(execFileSync('ssh-keygen', ['-l', '-f', join(folder, 'key.pub')], { encoding: 'utf8' })).toContain(
      fingerprint(key),
    );
  });
});
