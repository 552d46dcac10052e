import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routeOf } from '../../src/transport/route.ts';
import { readSshConfig } from '../../src/transport/ssh-config-file.ts';
import { parseJumps } from '../../src/transport/ssh-config-values.ts';
import type { Target } from '../../src/transport/types.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpk-config-'));
  mkdirSync(join(folder, 'd'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function config(text: string, name = 'config'): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const target = (more: Partial<Target> = {}): Target => ({
  name: 'm1',
  address: 'm1',
  user: 'root',
  port: 22,
  identityFiles: [],
  agent: false,
  knownHostsFiles: ['/k'],
  jump: [],
  become: 'auto',
  connectTimeout: 5,
  acceptNewHostKeys: false,
  ...more,
});

describe('ssh_config', () => {
  test('the first value counts, identities add up, keywords in any case', () => {
    const file = config(
      'host m1\n  hostname 10.0.0.1\n  USER ops\n  IdentityFile /a\nHost *\n  HostName wrong\n  Port 2222\n  IdentityFile=/b\n',
    );
    expect(readSshConfig(file, 'm1')).toEqual({
      hostName: '10.0.0.1',
      user: 'ops',
      port: 2222,
      identityFiles: ['/a', '/b'],
      knownHostsFiles: [],
    });
  });

  test('tokens and ~ are expanded', () => {
    const file = config(
      'Host m1\n  HostName %h.lab\n  Port 2200\n  User ops\n  IdentityFile ~/k/%h-%n-%p-%r-%u-%%\n  UserKnownHostsFile %d/x "/y z"\n',
    );
    expect(readSshConfig(file, 'm1')).toMatchObject({
      hostName: 'm1.lab',
      identityFiles: [`${homedir()}/k/m1.lab-m1-2200-ops-${userInfo().username}-%`],
      knownHostsFiles: [`${homedir()}/x`, '/y z'],
    });
  });

  test('included files come in place, and their Host blocks end with them', () => {
    config('Host other\n  Port 1\n', 'd/1.conf');
    config('Host m1\n  User fromtwo\n', 'd/2.conf');
    const file = config('Include d/*.conf\nIdentityFile /all\nHost m1\n  Include d/none-*\n  Port 2022\n');
    expect(readSshConfig(file, 'm1')).toMatchObject({ user: 'fromtwo', port: 2022, identityFiles: ['/all'] });
  });

  test('files that include each other are an error, not a hang', () => {
    expect(() => readSshConfig(config('Include loop\n', 'loop'), 'm1')).toThrow(/include each other/);
  });

  test('Match exec is not run', () => {
    const proof = join(folder, 'ran');
    readSshConfig(config(`Match exec "touch ${proof}"\n  Port 1\n`), 'm1');
    expect(() => rmSync(proof)).toThrow();
  });

  test.each([
    ['none', []],
    ['j', [{ address: 'j' }]],
    ['a@j:2,k', [{ user: 'a', address: 'j', port: 2 }, { address: 'k' }]],
    ['[fd00::1]:22', [{ address: 'fd00::1', port: 22 }]],
    ['ssh://a@j:2', [{ user: 'a', address: 'j', port: 2 }]],
  ])('ProxyJump %s', (text, hops) => {
    expect(parseJumps(text)).toEqual(hops);
  });
});

describe('the route', () => {
  test('without a config: the target itself', () => {
    expect(routeOf(target({ port: 2222 }), {})).toMatchObject([
      { label: 'm1', address: 'm1', port: 2222, keyName: '[m1]:2222', knownHostsFiles: ['/k'] },
    ]);
  });

  test('a config fills in what the inventory leaves at its default; its known_hosts come first', () => {
    const configFile = config(
      'Host m1\n  HostName 10.0.0.1\n  User ops\n  Port 2222\n  UserKnownHostsFile /c\n  HostKeyAlias M-one\n',
    );
    expect(routeOf(target({ configFile }), {})).toMatchObject([
      { address: '10.0.0.1', user: 'ops', port: 2222, keyName: 'm-one', knownHostsFiles: ['/c', '/k'] },
    ]);
    expect(routeOf(target({ configFile, user: 'me', port: 99 }), {})).toMatchObject([{ user: 'me', port: 99 }]);
  });

  test('jump hosts are looked up in the config too, nearest first', () => {
    const configFile = config('Host m1\n  ProxyJump j1,ops@j2:2200\nHost j1\n  HostName 192.0.2.1\n  User gate\n');
    expect(routeOf(target({ configFile }), {}).map((hop) => [hop.label, hop.user, hop.address, hop.port])).toEqual([
      ['jump host j1', 'gate', '192.0.2.1', 22],
      ['jump host j2', 'ops', 'j2', 2200],
      ['m1', 'root', 'm1', 22],
    ]);
  });

  test('the agent is used only when asked for and there', () => {
    expect(routeOf(target({ agent: true }), { SSH_AUTH_SOCK: '/s' })[0]?.agent).toBe('/s');
    expect(routeOf(target({ agent: true }), {})[0]?.agent).toBeUndefined();
    expect(routeOf(target(), { SSH_AUTH_SOCK: '/s' })[0]?.agent).toBeUndefined();
  });

  test('a config that cannot be read is named', () => {
    expect(() => routeOf(target({ configFile: '/nowhere' }), {})).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringContaining('/nowhere') as string }),
    );
  });
});

test('any text is an entry or an error of the inventory, and runs nothing', () => {
  const canary = join(folder, 'ran');
  const word = fc.constantFrom(
    'Host',
    'Match',
    'exec',
    'Include',
    'HostName',
    'Port',
    'ProxyJump',
    'IdentityFile',
    'User',
  );
  const odd = fc.constantFrom(
    '*',
    'm1',
    '!m1',
    '"',
    '%h',
    '%',
    '=',
    ' ',
    '\n',
    '\t',
    '#',
    '22',
    '-1',
    'a@b:c',
    '[::1]:22',
    '~',
  );
  const part = fc.oneof(word, odd, fc.constant(`"touch ${canary}"`), fc.string({ unit: 'binary', maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 25 }), (parts) => {
      const configFile = config(parts.join(' '), 'fuzz');
      try {
        for (const hop of routeOf(target({ configFile }))) expect(hop.port).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid', host: 'm1', hint: expect.any(String) as string });
      }
    }),
    { numRuns: 300 },
  );
  expect(existsSync(canary)).toBe(false);
});
