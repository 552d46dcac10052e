import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { McpkError } from '../../src/core/errors.ts';
import { routeOf } from '../../src/transport/route.ts';
import { readSshConfig } from '../../src/transport/ssh-config-file.ts';
import { meaningOf } from '../../src/transport/ssh-config-words.ts';
import { putFile } from './put-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpk-hostile-config-'));
  vi.stubEnv('HOME', folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (path: string, text: string): string => putFile(folder, path, text);

const userOf = (text: string): string | undefined => readSshConfig(put('config', text), 'm1').user;

/** All that is shown of the error. */
function shown(configFile: string): string {
  try {
    routeOf(
      {
        ...{ name: 'm1', address: 'm1', user: 'root', port: 22, identityFiles: [], agent: false, jump: [] },
        ...{ knownHostsFiles: ['/k'], become: 'auto', connectTimeout: 5, acceptNewHostKeys: false, configFile },
      },
      {},
    );
  } catch (error) {
    if (!(error instanceof McpkError)) throw error;
    expect(error.code).toBe('invalid');
    return [error.message, ...error.details, error.hint].join('\n');
  }
  return '';
}

describe('an Include means what ssh takes it for', () => {
  const cases: [pattern: string, file: string, read: boolean][] = [
    ['d/x.conf', 'd/x.conf', true],
    ['d/*.conf', 'd/x.conf', true],
    ['d/?.conf', 'd/x.conf', true],
    ['*/x*', 'd/x.conf', true],
    ['HERE/*/x.conf', 'd/x.conf', true],
    ['../BASE/d/*', 'd/x.conf', true],
    ['d//x.conf', 'd/x.conf', true],
    ['~/d/x*', 'd/x.conf', true],
    ['s*', '.ssh/sub', true],
    ['.h*', '.hidden', true],
    ['d/*', 'd/.hidden', false],
    ['d/?.conf', 'd/xy.conf', false],
    ['{a,b}', 'a', false],
    ['{a,b}', '{a,b}', true],
    ['+(a)', 'a', false],
    ['d/**/x', 'd/one/x', true],
    ['d/**/x', 'd/one/two/x', false],
    ['d/**/x', 'd/x', false],
  ];
  test.each(cases)('%s and %s: %s', (pattern, file, read) => {
    put(file, 'User right\n');
    const text = pattern.replace('HERE', folder).replace('BASE', folder.split('/').at(-1) ?? '');
    expect(userOf(`Include ${text}\n`)).toBe(read ? 'right' : undefined);
  });

  test('files come in the order of their names', () => {
    for (const name of ['b', 'a', 'c']) put(`d/${name}`, `User ${name}\n`);
    expect(userOf('Include d/*\n')).toBe('a');
  });
});

describe('nothing in an ssh_config keeps mcpk busy', () => {
  const cases: [what: string, text: string, says: RegExp][] = [
    ['braces without end', `Include ${'{a,b}'.repeat(2000)}\n`, /config:1: Include: a path is longer/],
    ['a set', 'Include [ab]\n', /config:1: Include: patterns are made of \* and \? only/],
    ['many names', 'Include many/*\n', /config:1: Include: its patterns have to look at more than 4096 names/],
    ['many folders', 'Include */*/nope\n', /config:1: Include: .* more than 4096 names/],
    ['many paths', `Include ${'x '.repeat(4097)}\n`, /config:1: Include: .* more than 4096 names/],
    ['many Includes of nothing', 'Include x\n'.repeat(4097), /config:\d+: Include: .* more than 4096 names/],
    ['lines', 'Port 1\n'.repeat(20_001), /config: has more than 20000 lines/],
    ['lines of many files', 'Include l l l\n', /config:1: Include: all files together have more than 20000 lines/],
    ['conditions', `Match ${'host '.repeat(100_000)}\n`, /config:1: a line of more than 16384 characters/],
    ['bytes', `#${'x'.repeat(2 ** 21)}\n`, /config: is larger than 2 MiB/],
    ['bytes of many files', 'Include b b b\n', /config:1: Include: all files together have more than/],
    ['identities', range(101, (n) => `IdentityFile ${n}\n`), /config:101: IdentityFile: more than 100/],
    ['known_hosts', `UserKnownHostsFile ${range(33, (n) => ` ${n}`)}`, /config:1: UserKnownHostsFile: at most 32/],
    ['known_hosts of all', `GlobalKnownHostsFile ${range(33, (n) => ` ${n}`)}`, /: GlobalKnownHostsFile: at most 32/],
    ['jump hosts', `ProxyJump ${range(17, (n) => `j${n},`)}x`, /config:1: ProxyJump: more than 16 jump hosts/],
  ];
  test.each(cases)('%s', (what, text, says) => {
    if (/names|folders/.test(what)) for (let n = 0; n < 4097; n += 1) put(`many/${n}`, '');
    put('l', 'Port 1\n'.repeat(9000));
    put('b', `#${'x'.repeat(1022)}\n`.repeat(1024));
    expect(shown(put('config', text))).toMatch(says);
  });

  test('an identity that is named twice is one, as in ssh', () => {
    const file = put('config', 'IdentityFile /x\n'.repeat(10_000) + 'IdentityFile /y\n');
    expect(readSshConfig(file, 'm1').identityFiles).toEqual(['/x', '/y']);
  });

  test('no pipe is waited for', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const writer = spawn('sh', ['-c', `echo 'User piped' >${pipe}`]);
    try {
      expect(shown(put('config', 'Include pipe\n'))).toMatch(/config:1: Include: a file of it is no file/);
      expect(shown(pipe)).toMatch(/pipe: is no file/);
    } finally {
      writer.kill();
    }
  });
});

describe('no word of a file that may be a private one is shown, but the place is', () => {
  const cases: [text: string, says: RegExp][] = [
    ['Hunterpass', /private:1: what stands here is no option/],
    ['hunterPassOne x', /private:1: what stands here is no option/],
    ['Hunter3', /private:1: what stands here is no option/],
    ['hunter = "x', /private:1: what stands here is no option/],
    ['Port hunter2secretX', /private:1: Port: a number/],
    ['Port 1 hunter', /private:1: Port: one value/],
    ['User "hunter x"', /private:1: User: a login name/],
    ['HostName hunter,x', /private:1: HostName: an address/],
    ['HostKeyAlias hunter,x', /private:1: HostKeyAlias: one name/],
    ['ProxyJump hunter:x:y', /private:1: ProxyJump: \[user@\]host/],
    ['ProxyJump x:99999,hunter', /private:1: ProxyJump: a number/],
    ['ProxyJump hunter/x', /private:1: ProxyJump: an address/],
    ['IdentityFile ${hunter}', /private:1: IdentityFile: variables/],
    ['UserKnownHostsFile /x ${hunter}', /private:1: UserKnownHostsFile: variables/],
    ['IdentityAgent $hunter', /private:1: IdentityAgent: variables/],
    ['HostName ${hunter}', /private:1: HostName: variables/],
    ['AddressFamily hunter', /private:1: AddressFamily: any/],
    ['IdentitiesOnly hunter', /private:1: IdentitiesOnly: yes/],
    ['ProxyCommand hunter', /private:1: ProxyCommand is refused/],
    ['CanonicalizeHostname hunter', /private:1: CanonicalizeHostname is refused/],
    ['Match hunter', /private:1: Match knows/],
    ['Host "hunter', /private:1: Host: a quote/],
    ['Include [hunter', /private:1: Include: patterns/],
    ['Include hunter', /private:1: Include: a file of it is a directory/],
    ['BindAddress hunter', /private:1: BindAddress is no option that mcpk understands/],
  ];
  test.each(cases)('%s', (text, says) => {
    mkdirSync(join(folder, 'hunter'));
    put('private', `${text}\n`);
    for (const file of [put('config', 'Include private\n'), join(folder, 'private')]) {
      expect(shown(file)).toMatch(says);
      expect(shown(file)).not.toMatch(/hunter/i);
    }
  });

  test('options of ssh that are refused are named', () => {
    expect(meaningOf('bindaddress')).toEqual({ is: 'refused', word: 'BindAddress' });
    expect(meaningOf('passwordOne')).toEqual({ is: 'refused' });
  });
});

describe('an option that is taken with one value is refused with more than that', () => {
  test.each([
    ['ProxyCommand none touch x', false],
    ['ProxyCommand none # x', false],
    ['ProxyCommand "none"', false],
    ['ProxyCommand NONE', true],
    ['ProxyCommand=none', true],
    ['KnownHostsCommand none x', false],
    ['CanonicalizeHostname no always', false],
    ['CanonicalizeHostname "no" # x', true],
    ['PubkeyAuthentication yes no', false],
    ['PubkeyAuthentication unbound', true],
  ])('%s: %s', (text, fine) => {
    const file = put('config', `${text}\n`);
    if (fine) expect(shown(file)).toBe('');
    else expect(shown(file)).toMatch(new RegExp(`config:1: ${text.split(' ', 1)[0] ?? ''} is refused`));
  });
});

function range(count: number, text: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => text(n)).join('');
}
