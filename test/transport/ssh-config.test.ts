import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routeOf } from '../../src/transport/route.ts';
import { readSshConfig } from '../../src/transport/ssh-config-file.ts';
import { parseJumps } from '../../src/transport/ssh-config-values.ts';
import { BY_VALUE, IGNORED, meaningOf, UNDERSTOOD } from '../../src/transport/ssh-config-words.ts';
import type { Target } from '../../src/transport/types.ts';
import { anyCharacter } from '../support/any-character.ts';

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

  test('a file that many lines include, over and over, is an error, not a hang', () => {
    for (let depth = 0; depth < 12; depth += 1)
      config(`Include deep${depth + 1}\n`.repeat(6) + 'User x\n', `d/deep${depth}`);
    expect(() => readSshConfig(join(folder, 'd', 'deep0'), 'm1')).toThrow(/more than 256 files/);
  });

  test('an Include counts only where its block does', () => {
    config('Host m1\n  User wrong\nHost *\n  Port 1\n', 'd/inner');
    const file = config('Host other\n  Include d/inner\nHost m1\n  Include d/more\n  Port 2\n');
    config('Host *\n  User right\n', 'd/more');
    expect(readSshConfig(file, 'm1')).toMatchObject({ user: 'right', port: 2 });
    expect(readSshConfig(file, 'other')).toMatchObject({ port: 1 });
  });

  test.each([
    ['Match all', true],
    ['Match host m1.lab', true],
    ['Match originalhost m1', true],
    ['Match host m1', false],
    ['Match host *.lab,!m1.*', false],
    ['Match user ops', true],
    ['Match !user ops', false],
    [`Match localuser ${userInfo().username} user ops`, true],
    ['Match localuser nobody-here', false],
    ['Host m? !m2', true],
    ['Host !m1 *', false],
  ])('%s: %s', (block, counts) => {
    const file = config(`HostName %h.lab\nUser ops\n${block}\n  Port 7\n`);
    expect(readSshConfig(file, 'm1').port).toBe(counts ? 7 : undefined);
  });

  test('it says the same as ssh -G', () => {
    const file = config(
      'Host m2\n Port 3\nMatch originalhost "m1" user ops\n Port=2201 # one\nHost m*\n  User ops\n  HostName "%h.lab"\n  IdentitiesOnly yes\nMatch host m1.lab user ops\n  Port 2202\n  ProxyJump a@j1:23,j2\nProxyCommand none\n',
    );
    const ssh = execFileSync('ssh', ['-G', '-F', file, 'm1'], { encoding: 'utf8' });
    const said = (word: string): string | undefined => new RegExp(`^${word} (.*)$`, 'm').exec(ssh)?.[1];
    const own = readSshConfig(file, 'm1');
    expect([own.hostName, own.user, String(own.port), own.proxyJump]).toEqual([
      said('hostname'),
      said('user'),
      said('port'),
      parseJumps(said('proxyjump') ?? ''),
    ]);
  });

  test('docs/ssh.md has each option in the row where it belongs, and no other', () => {
    const rows = readFileSync(new URL('../../docs/ssh.md', import.meta.url), 'utf8')
      .split('\n')
      .flatMap((line) => /^\| (understands|takes|ignores)([^|]*) \| (.*) \|$/.exec(line)?.slice(1) ?? [])
      .reduce<string[][]>((all, cell, at) => (at % 3 === 0 ? [...all, [cell]] : (all.at(-1)?.push(cell), all)), []);
    const inRow = (is: string): string[] =>
      rows
        .filter(([what]) => what === is)
        .flatMap(([, , cell]) => [...(cell ?? '').matchAll(/`([A-Z]\w+)[^`]*`/g)].map(([, word]) => word ?? ''))
        .toSorted();
    expect(inRow('understands')).toEqual(UNDERSTOOD.toSorted());
    expect(inRow('takes')).toEqual(Object.keys(BY_VALUE).toSorted());
    expect(inRow('ignores')).toEqual(Object.values(IGNORED).flat().toSorted());
  });

  test('each option of this OpenSSH is understood, ignored or refused, and none by accident', () => {
    const ssh = execFileSync('ssh', ['-G', '-F', '/dev/null', 'm1'], { encoding: 'utf8' });
    const options = ssh.split('\n').flatMap((line) => /^(\w+) /.exec(line)?.[1] ?? []);
    expect(options.length).toBeGreaterThan(50);
    // What is added here changes whom, or how, mcpk would have to connect to.
    const refused = new Set(['refuseconnection', 'requiredrsasize', 'securitykeyprovider', 'versionaddendum']);
    expect(options.filter((option) => meaningOf(option).is === 'refused' && !refused.has(option))).toEqual([]);
  });
});

describe('an ssh_config that is not understood is refused, with file and line', () => {
  const cases: [what: string, text: string, says: RegExp][] = [
    ['ProxyCommand', 'Host m1\n  ProxyCommand nc %h %p\n', /config:2: ProxyCommand is refused: .*ProxyJump/],
    [
      'Match exec',
      'Port 2\nMatch exec "touch CANARY"\n  Port 1\n',
      /config:2: Match exec is refused: .*runs a command/,
    ],
    ['Match exec of another host', 'Host other\nMatch host other exec "touch CANARY"\n', /config:2: Match exec/],
    ['Match final', 'Match final all\n', /config:1: Match knows all, host,/],
    ['Match localnetwork', 'Match localnetwork 10.0.0.0/8\n', /config:1: Match knows/],
    ['Match of nothing', 'Match\n', /config:1: match: a value is missing/],
    ['KnownHostsCommand', 'KnownHostsCommand /bin/keys\n', /config:1: KnownHostsCommand is refused: .*no command/],
    ['a certificate', 'CertificateFile ~/c.pub\n', /config:1: CertificateFile is refused: certificates/],
    ['a library', 'PKCS11Provider /lib/x.so\n', /config:1: PKCS11Provider is refused/],
    ['canonical names', '\n\nCanonicalizeHostname always\n', /config:3: CanonicalizeHostname is refused/],
    ['an option of tomorrow', 'BindInterface eth0\n', /config:1: BindInterface is no option that mcpk understands/],
    ['an option that is none', 'Prot 22\n', /config:1: what stands here is no option/],
    ['no option at all', 'hvs.CAESIJ3F4\n', /config:1: what stands here is no option/],
    ['in an included file', 'Host m1\n  Include d/bad\n', /d\/bad:2: ProxyCommand is refused/],
    ['an alias that is a pattern', 'HostKeyAlias *\n', /config:1: HostKeyAlias: one name/],
    ['an alias with blanks', 'HostKeyAlias "a ssh-ed25519 AAAA"\n', /config:1: HostKeyAlias: one name/],
    ['an alias that is an option of a login', 'HostKeyAlias restrict\n', /config:1: HostKeyAlias: one name/],
    ['a name with a line in it', 'HostName a,b\n', /config:1: HostName: an address/],
    ['a user of nonsense', 'User "$(id)"\n', /config:1: User: a login name/],
    ['a variable', 'IdentityFile ${HOME}/k\n', /config:1: .*variables of the environment are not read/],
    ['an agent in a variable', 'IdentityAgent $AGENT\n', /config:1: .*variables of the environment/],
    ['two values', 'Port 22 23\n', /config:1: Port: one value/],
    ['no value', 'User\n', /config:1: User: a value is missing/],
    ['a value that objects have', 'AddressFamily constructor\n', /config:1: AddressFamily: any/],
    ['a yes that is none', 'IdentitiesOnly toString\n', /config:1: IdentitiesOnly: yes or no/],
    ['an odd family', 'AddressFamily inet4\n', /config:1: AddressFamily: any, inet or inet6/],
  ];
  test.each(cases)('%s', (_what, text, says) => {
    const canary = join(folder, 'ran');
    config('\nProxyCommand x\n', 'd/bad');
    const configFile = config(text.replace('CANARY', canary));
    expect(() => routeOf(target({ configFile }), {})).toThrow(
      expect.objectContaining({ code: 'invalid', host: 'm1', message: expect.stringMatching(says) as string }),
    );
    expect(existsSync(canary)).toBe(false);
  });

  test('but what does not apply to the host, says nothing, or changes nothing is no matter', () => {
    const configFile = config(
      `Host other\n  ProxyCommand nc %h %p\n  Tomorrow yes\nHost m1\n  ProxyCommand none\n  CanonicalizeHostname no\n${Object.values(
        IGNORED,
      )
        .flat()
        .map((word) => `  ${word} "it's'\n`)
        .join('')}`,
    );
    expect(routeOf(target({ configFile }), {})).toHaveLength(1);
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

  test('the entry of a jump host wins for the jump: user, port, address, key, known_hosts', () => {
    const configFile = config(
      'Host bastion\n  User jumper\n  Port 2200\n  HostName 192.0.2.1\n  IdentityFile /b\n  HostKeyAlias gate\n',
    );
    const to = (jump: Target['jump']): unknown => routeOf(target({ configFile, user: 'ubuntu', jump }), {});
    const bastion = { address: '192.0.2.1', port: 2200, identityFiles: ['/b'], keyName: 'gate' };
    expect(to([{ address: 'bastion', port: 22 }])).toMatchObject([
      { ...bastion, user: 'jumper' },
      { user: 'ubuntu', identityFiles: [] },
    ]);
    expect(to([{ user: 'me', address: 'bastion', port: 99 }])).toMatchObject([
      { ...bastion, user: 'me', port: 99 },
      {},
    ]);
    expect(to([{ address: 'other', port: 22 }])).toMatchObject([{ user: 'ubuntu', port: 22 }, {}]);
  });

  test('a ProxyJump of a jump host is followed, as ssh does: that of the nearest only', () => {
    const configFile = config(
      'Host m1\n  ProxyJump j1,j2\nHost j1\n  ProxyJump k@outer\nHost j2\n  ProxyJump never\nHost outer\n  ProxyJump door\n',
    );
    const way = (more: Partial<Target> = {}): string[] =>
      routeOf(target({ configFile, ...more }), {}).map((hop) => `${hop.user}@${hop.address}`);
    expect(way()).toEqual(['root@door', 'k@outer', 'root@j1', 'root@j2', 'root@m1']);
    expect(way({ jump: [{ address: 'j2', port: 22 }] })).toEqual(['root@never', 'root@j2', 'root@m1']);
  });

  test.each([
    ['Host m1 j2\n ProxyJump j1\nHost j1\n ProxyJump j2\n', /circle: m1 → j1 → j2 → j1$/],
    ['Host *\n ProxyJump bastion\n', /circle: m1 → bastion → bastion$/],
    ['Host *\n ProxyJump x%h\n', /have no end: m1 → xm1 → xxm1/],
  ])('jump hosts that lead to no end are an error: %j', (text, says) => {
    expect(() => routeOf(target({ configFile: config(text) }), {})).toThrow(
      expect.objectContaining({
        code: 'invalid',
        message: expect.stringMatching(says) as string,
        hint: expect.stringContaining('ProxyJump none') as string,
      }),
    );
  });

  test('known_hosts of the machine are read too, others where the config names them', () => {
    expect(routeOf(target(), {})).toMatchObject([
      { globalKnownHostsFiles: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'] },
    ]);
    const configFile = config('GlobalKnownHostsFile /dev/null /g\nRevokedHostKeys ~/r\nAddressFamily inet6\n');
    expect(routeOf(target({ configFile }), {})).toMatchObject([
      { globalKnownHostsFiles: ['/dev/null', '/g'], revokedHostKeys: `${homedir()}/r`, family: 6 },
    ]);
  });

  test.each([
    ['IdentityAgent none', undefined],
    ['IdentityAgent SSH_AUTH_SOCK', '/s'],
    ['IdentityAgent ~/a', `${homedir()}/a`],
    ['IdentitiesOnly yes', '/s'],
  ])('%s', (text, agent) => {
    const [hop] = routeOf(target({ agent: true, configFile: config(`${text}\n`) }), { SSH_AUTH_SOCK: '/s' });
    expect([hop?.agent, hop?.identitiesOnly]).toEqual([agent, text.startsWith('IdentitiesOnly') ? true : undefined]);
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
  const part = fc.oneof(word, odd, fc.constant(`"touch ${canary}"`), fc.string({ unit: anyCharacter, maxLength: 4 }));
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
