import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bareHost } from '../../src/cluster/bare-host.ts';
import { INVENTORY, mcpk } from '../commands/support.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpk-commands-'));
  writeFileSync(join(folder, 'mcpk.yaml'), INVENTORY);
  mkdirSync(join(folder, 'folder'));
  symlinkSync('mcpk.yaml', join(folder, 'link'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A file of this text; its path is an argument. */
type File = { file: string | Buffer } | { ssh: string } | { inventory: string };
type Word = string | File;
/** What, words (FOLDER stands for the scratch folder), exit code, what standard error says. */
type Case = [what: string, words: readonly Word[], code: number, says: RegExp];

let count = 0;
function put(text: string | Buffer): string {
  const path = join(folder, `f${String(++count)}`);
  writeFileSync(path, text);
  return path;
}

function wordOf(word: Word): string {
  if (typeof word === 'string') return word.replaceAll('FOLDER', folder);
  if ('file' in word) return put(word.file);
  if ('inventory' in word) return put(word.inventory);
  return put(INVENTORY.replace('agent: false', `agent: false, ${word.ssh.replaceAll('FOLDER', folder)}`));
}

const I = ['-i', 'FOLDER/mcpk.yaml'] as const;
const facts = (m1: unknown): File => ({ file: JSON.stringify({ hosts: { m1 }, etcd: 'none' }) });
const sshConfig = (text: string): Word[] => {
  const path = 'FOLDER/ssh_config';
  return ['host-key', 'show', '-i', { ssh: `configFile: ${path}` }, text];
};

const FLAGS: Case[] = [
  ['a command that is none', ['aply', ...I], 64, /no command "aply"; did you mean apply\?/],
  ['a flag that is none', ['plan', ...I, '--forse'], 64, /there is no flag --forse/],
  ['a flag twice', ['plan', ...I, '--limit', 'm1', '--limit', 'm2'], 64, /--limit/],
  ['a word too many', ['plan', 'everything', ...I], 64, /mcpk plan takes no word "everything"/],
  ['an inventory as a word', ['plan', 'lab.yaml'], 64, /named with -i: mcpk plan -i lab\.yaml/],
  ['an inventory without a name', ['validate', '-i'], 64, /--inventory wants a value behind it/],
  ['an inventory with an empty name', ['validate', '-i', ''], 64, /was named that is empty/],
  ['an inventory with a NUL in its name', ['validate', '-i', 'a\0b'], 10, /could not be read/],
  ['no host at a time', ['plan', ...I, '--concurrency', '0'], 64, /--concurrency: at least 1, not 0/],
  ['less than no host at a time', ['plan', ...I, '--concurrency', '-5'], 64, /--concurrency: /],
  ['a number with an exponent', ['plan', ...I, '--concurrency', '1e9'], 64, /--concurrency: a whole number, not 1e9/],
  ['more hosts at a time than there are', ['plan', ...I, '--concurrency', '9'.repeat(40)], 64, /--concurrency: /],
  ['no time', ['plan', ...I, '--timeout', '0'], 64, /--timeout: /],
  ['more time than a timer has', ['plan', ...I, '--timeout', '99999999999'], 64, /--timeout: .*at most 14 days/],
  ['time in words', ['plan', ...I, '--timeout', 'soon'], 64, /--timeout: a time such as 300/],
  ['time before now', ['apply', ...I, '--wait-lock', '-1s'], 64, /--wait-lock: a time such as 300/],
  ['time for hosts in words', ['apply', ...I, '--wait-for-hosts', 'long'], 64, /--wait-for-hosts: a time such as 300/],
  ['host keys of nothing', ['apply', ...I, '--host-keys-from', ''], 64, /there is no such file/],
  [
    'host keys that are not there',
    ['apply', ...I, '--host-keys-from', '/nowhere'],
    64,
    /\/nowhere: there is no such file/,
  ],
  ['host keys in a folder', ['apply', ...I, '--host-keys-from', 'FOLDER'], 64, /is a directory, not a file/],
  ['host keys without end', ['apply', ...I, '--host-keys-from', '/dev/zero'], 64, /is no file/],
  ['host keys by no program', ['apply', ...I, '--host-keys-from', '!'], 64, /names no program behind the !/],
  [
    'host keys by a line of shell',
    ['apply', ...I, '--host-keys-from', '!cat a | grep b'],
    64,
    /is run without a shell/,
  ],
  ['host keys by a program that is not there', ['apply', ...I, '--host-keys-from', '!./none'], 64, /no such program/],
  [
    'host keys by a program that fails',
    ['apply', ...I, '--host-keys-from', '!ls /nowhere'],
    64,
    /ended with 2\b[^]*\/nowhere/,
  ],
  ['fewer than no workers away', ['apply', ...I, '--skip-unreachable', '-1'], 64, /--skip-unreachable: a number/],
  ['more than all workers away', ['apply', ...I, '--skip-unreachable', '200%'], 64, /--skip-unreachable: a number/],
  ['a limit of nothing', ['plan', ...I, '--limit', ''], 64, /names no host/],
  ['a limit that is a command', ['plan', ...I, '--limit', '$(reboot)'], 64, /has "\(" where/],
  ['a limit of five thousand brackets', ['plan', ...I, '--limit', '('.repeat(5000)], 64, /is too long/],
  ['a limit that looks like m1 (Cyrillic)', ['plan', ...I, '--limit', 'м1'], 18, /there is no host "м1"/],
  ['a limit that a terminal would obey', ['plan', ...I, '--limit', '\u001b[2Jm1'], 18, /there is no host/],
  ['a stage of nothing', ['plan', ...I, '--only', 'etcd,,'], 64, /there is no stage ""/],
  ['a stage that is a path', ['plan', ...I, '--only', '../etcd'], 64, /there is no stage "\.\.\/etcd"/],
  ['a stage that all objects have', ['plan', ...I, '--skip', '__proto__'], 64, /there is no stage "__proto__"/],
  ['no command for the hosts', ['exec', ...I, '--'], 64, /COMMAND is missing/],
  ['a command for the hosts before --', ['exec', ...I, 'reboot'], 64, /stands after --/],
  ['a command without a name', ['exec', ...I, '--', ''], 64, /no name, or a NUL/],
  ['a command with a NUL', ['exec', ...I, '--', 'echo', 'a\0b'], 64, /no name, or a NUL/],
  ['a host that is a command', ['show', '$(id)', ...I], 18, /there is no host "\$\(id\)"/],
  ['a host that is a path', ['show', '../../etc', ...I], 18, /there is no host/],
  ['a server that is a command', ['kubeconfig', ...I, '--server', '$(id)'], 64, /--server: a URL such as/],
  ['a server with a line break', ['kubeconfig', ...I, '--server', 'https://x\ny: z'], 64, /--server: a URL such as/],
  ['a server without TLS', ['kubeconfig', ...I, '--server', 'http://10.0.0.1'], 64, /--server: a URL such as/],
  [
    'a plan kept where no folder is',
    ['plan', ...I, '--out', 'FOLDER/none/plan.json'],
    64,
    /cannot be written \(there is no folder .*\)/,
  ],
  ['a plan kept over a folder', ['plan', ...I, '--out', 'FOLDER/folder'], 64, /cannot be written \(it is a folder\)/],
  [
    'a plan kept over a device',
    ['plan', ...I, '--out', '/dev/null'],
    64,
    /cannot be written \(what is there is no file\)/,
  ],
  [
    'a kubeconfig through a link',
    ['kubeconfig', ...I, '--output', 'FOLDER/link'],
    64,
    /cannot be written \(a link is there\)/,
  ],
  [
    'a kubeconfig over a folder',
    ['kubeconfig', ...I, '--output', 'FOLDER/folder'],
    64,
    /cannot be written \(it is a folder\)/,
  ],
  ['files rendered below a device', ['render', '/dev/null/x', ...I], 64, /cannot be written: ENOTDIR/],
  ['files rendered over others', ['render', 'FOLDER', ...I], 64, /holds other things/],
  // Told before the manifest is missed: nothing is fetched for a folder that nothing goes into.
  ['files rendered over others, from what is not there', ['render', 'FOLDER', '-i', { inventory: `${INVENTORY}addons: { manifests: [{ name: x, source: /nowhere }] }\n` }], 64, /holds other things/], // prettier-ignore
];

const INIT: Case[] = [
  ['a master that is a command', ['--master', '$(id)'], 64, /neither ADDRESS nor NAME=ADDRESS/],
  ['a master without a name', ['--master', '=10.0.0.1'], 64, /the name of a host "" is not/],
  ['a master that looks like m1 (Cyrillic)', ['--master', 'м1=10.0.0.1'], 64, /the name of a host "м1" is not/],
  ['a master with a line break', ['--master', 'm1\n- x=10.0.0.1'], 64, /the name of a host/],
  ['a cluster with blanks', ['--master', '10.0.0.1', '--name', 'A B'], 64, /the name of the cluster "A B"/],
  ['a user that is an option', ['--master', '10.0.0.1', '--user', '-oProxyCommand=id'], 64, /the login name/],
  ['an endpoint with a line break', ['--master', '10.0.0.1', '--endpoint', '10.0.0.9\nx: y'], 64, /the endpoint/],
  ['masters without an endpoint', ['--master', '10.0.0.1', '--master', '10.0.0.2'], 64, /need an endpoint/],
].map(([what, words, code, says]) => [what, ['init', 'FOLDER/new.yaml', ...(words as string[])], code, says]) as Case[];

const FILES: Case[] = [
  ['a plan that is not there', ['apply', '--plan', '/nowhere'], 10, /there is no such file/],
  ['a plan that is a folder', ['apply', '--plan', 'FOLDER'], 10, /is no file/],
  ['a plan without end', ['apply', '--plan', '/dev/zero'], 10, /is no file/],
  ['a plan of nothing', ['apply', '--plan', { file: '' }], 10, /no JSON, or not all of it/],
  ['a plan of null', ['apply', '--plan', { file: 'null' }], 10, /it: is of another type/],
  ['a plan that is an inventory', ['apply', '--plan', 'FOLDER/mcpk.yaml'], 10, /is not a plan of mcpk/],
  ['a plan not in UTF-8', ['apply', '--plan', { file: Buffer.from([0xff, 0xfe, 0]) }], 10, /is not a plan of mcpk/],
  ['a plan of a hundred thousand lists', ['apply', '--plan', { file: '['.repeat(100_000) }], 10, /is not a plan/],
  ['a plan with a prototype', ['apply', '--plan', { file: '{"__proto__":{"a":1}}' }], 10, /\/apiVersion: is missing/],
  ['a plan of little', ['show', '--plan', { file: '{"apiVersion":"mcpk/v1","kind":"Plan"}' }], 10, /is missing/],
  ['a plan and a choice', ['apply', '--plan', { file: '{}' }, '--limit', 'm1'], 64, /--limit/],
  ['facts that are not there', ['render', 'FOLDER/o', ...I, '--facts', '/nowhere'], 64, /there is no such file/],
  ['facts without end', ['render', 'FOLDER/o', ...I, '--facts', '/dev/zero'], 64, /is no file/],
  ['facts that are no JSON', ['render', 'FOLDER/o', ...I, '--facts', { file: 'm1: up' }], 64, /it is no JSON/],
  [
    'facts of no host',
    ['render', 'FOLDER/o', ...I, '--facts', { file: '{"hosts":{},"etcd":"none"}' }],
    64,
    /hosts: has none/,
  ],
  ['facts of a number', ['render', 'FOLDER/o', ...I, '--facts', facts(5)], 64, /hosts\.m1: is no map/],
  [
    'facts of little',
    ['render', 'FOLDER/o', ...I, '--facts', facts({ os: {} })],
    64,
    /hosts\.m1\.os\.id: is no string/,
  ],
  ['facts of another type', ['render', 'FOLDER/o', ...I, '--facts', facts({ ...bareHost('m1', '10.0.0.1'), interfaces: 'eth0' })], 64, /hosts\.m1\.interfaces: is no list/], // prettier-ignore
  ['a manifest that is not there', ['render', 'FOLDER/o', '-i', { inventory: `${INVENTORY}addons: { manifests: [{ name: x, source: /nowhere }] }\n` }], 10, /manifest x: \/nowhere/], // prettier-ignore
  ['a manifest without end', ['render', 'FOLDER/o', '-i', { inventory: `${INVENTORY}addons: { manifests: [{ name: x, source: /dev/zero }] }\n` }], 10, /manifest x: \/dev\/zero/], // prettier-ignore
  [
    'known_hosts that is a folder',
    ['host-key', 'show', '-i', { ssh: 'knownHostsFiles: [FOLDER]' }],
    10,
    /known_hosts .* is a directory/,
  ],
  [
    'known_hosts without end',
    ['host-key', 'show', '-i', { ssh: 'knownHostsFiles: [/dev/zero]' }],
    10,
    /known_hosts \/dev\/zero is no file/,
  ],
  [
    'an ssh_config that is not there',
    ['host-key', 'show', '-i', { ssh: 'configFile: /nowhere' }],
    10,
    /SSH config \/nowhere: there is no such file/,
  ],
  ['an ssh_config that is a folder', ['host-key', 'show', '-i', { ssh: 'configFile: FOLDER' }], 10, /is a directory/],
  ['an ssh_config without end', ['host-key', 'show', '-i', { ssh: 'configFile: /dev/zero' }], 10, /is no file/],
  ['an ssh_config that includes itself', sshConfig('Include ssh_config\n'), 10, /files include each other/],
  [
    'an ssh_config with a jump of nonsense',
    sshConfig('Host *\n  ProxyJump a:b:c\n'),
    10,
    /ssh_config:2: ProxyJump: \[user@\]host/,
  ],
  [
    'an ssh_config with a port that is a command',
    sshConfig('Host *\n  Port $(id)\n'),
    10,
    /ssh_config:2: Port: a number/,
  ],
  ['an ssh_config with a port of 70000', sshConfig('Host *\n  Port 70000\n'), 10, /ssh_config:2: Port: a number/],
  ['an ssh_config with an open quote', sshConfig('Host "unclosed\n'), 10, /cannot read the SSH config/],
  ['a key that is a folder', ['facts', '-i', { ssh: 'identityFiles: [FOLDER]' }], 11, /is a directory/],
  ['a key without end', ['facts', '-i', { ssh: 'identityFiles: [/dev/zero]' }], 11, /\/dev\/zero: is no file/],
  ['a key of nonsense', ['facts', '-i', { ssh: `identityFiles: [FOLDER/mcpk.yaml]` }], 11, /mcpk\.yaml: /],
];

/** The words of a command; the last one of `sshConfig` is that file's text. */
function argv(words: readonly Word[]): string[] {
  const last = words.at(-1);
  if (words[0] !== 'host-key' || typeof last !== 'string') return words.map(wordOf);
  writeFileSync(join(folder, 'ssh_config'), last);
  return words.slice(0, -1).map(wordOf);
}

describe.each<[string, Case[]]>([
  ['flags', FLAGS],
  ['init', INIT],
  ['files', FILES],
])('wrong %s', (_group, cases) => {
  it.each(cases)('%s', async (_what, words, code, says) => {
    const connect = vi.spyOn(Socket.prototype, 'connect');
    const said = await mcpk(argv(words));
    expect(said.stderr).toMatch(says);
    expect(said.code).toBe(code);
    // What now, no stack, and nothing that a terminal obeys.
    expect(said.stderr).toMatch(/\n {2}hint {2}/);
    expect(said.stderr).not.toMatch(/\n\s+at |a fault of mcpk/);
    expect(said.stderr).not.toContain('\u001b[2J');
    expect(said.stdout).toBe('');
    expect(connect, 'no host is contacted').not.toHaveBeenCalled();
  });
});

describe('the same as JSON', () => {
  it.each([...FLAGS.slice(7, 12), ...FILES.slice(0, 6), ...FILES.slice(-4)])('%s', async (_what, words, code) => {
    const said = await mcpk([...argv(words), '--json']);
    expect(said.code).toBe(code);
    const { error } = JSON.parse(said.stdout) as { error: Record<string, unknown> };
    expect(error).toMatchObject({ exitCode: code, hint: expect.any(String) as string });
    expect(said.stdout).not.toMatch(/node_modules|"stack"|"argv"/);
  });
});
