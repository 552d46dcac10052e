import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withoutLinks } from '../../src/transport/known-hosts-guard.ts';
import { mayRecord, recordKey } from '../../src/transport/known-hosts-files.ts';
import { isRecordableName } from '../../src/transport/known-hosts-shape.ts';
import { knownHostLine } from '../../src/transport/known-hosts.ts';
import { putFile } from './put-file.ts';
import { anyCharacter } from '../support/any-character.ts';

const KEY = Buffer.concat([
  Buffer.from([0, 0, 0, 11]),
  Buffer.from('ssh-ed25519'),
  Buffer.from('\0\0\0\x20'),
  Buffer.alloc(32, 7),
]);
const B64 = KEY.toString('base64');
const ANOTHER = Buffer.from(KEY)
  .fill(9, KEY.length - 32)
  .toString('base64');
const LINE = `m1 ssh-ed25519 ${B64}\n`;
const OTHER = `m2 ssh-ed25519 ${B64}\n`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpk-guard-'));
  mkdirSync(join(folder, 'home', '.ssh'), { recursive: true });
  vi.stubEnv('HOME', join(folder, 'home'));
  expect(homedir()).toBe(join(folder, 'home'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (path: string, text: string): string => putFile(folder, path, text);

const invalid = (says: RegExp): unknown =>
  expect.objectContaining({
    code: 'invalid',
    message: expect.stringMatching(says) as string,
    hint: expect.any(String) as string,
  });

describe('a name is written only when it is one host', () => {
  const cases: [name: string, fine: boolean][] = [
    ['m1', true],
    ['m1.lab_2.example-x.org', true],
    ['10.0.0.1', true],
    ['fe80::1%eth0', true],
    ['::1', true],
    ['[m1]:2222', true],
    ['[fd00::1]:22', true],
    ['[pty]:2222', true],
    ['pty', false],
    ['restrict', false],
    ['cert-authority', false],
    ['*', false],
    ['m?', false],
    ['!m1', false],
    ['m1,m2', false],
    ['@revoked', false],
    ['@cert-authority *', false],
    ['#m1', false],
    ['|1|a|b', false],
    ['-m1', false],
    ['m 1', false],
    ['m1\nroot', false],
    ['', false],
    ['[m1]', false],
    ['[m1]:', false],
    ['[m 1]:22', false],
    ['command="x"', false],
    ['$(id)', false],
    ['~/x', false],
    ['../x', false],
    ['m'.repeat(256), false],
  ];
  test.each(cases)('%j: %s', (name, fine) => {
    const file = join(folder, 'known_hosts');
    if (fine) expect(recordKey({ file, name }, KEY)).toBe(true);
    else expect(() => recordKey({ file, name }, KEY)).toThrow(invalid(/is no name of a host; nothing was written/));
    expect(existsSync(file)).toBe(fine);
  });

  test('whatever it is, one line comes of it, with three words', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 20 }), (name) => {
        if (isRecordableName(name)) expect(knownHostLine(name, KEY)).toMatch(/^[^\s#@|*?!,"=]+ ssh-ed25519 \S+\n$/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('only a file of host keys is written to', () => {
  const fine: [what: string, text: string][] = [
    ['keys', OTHER],
    ['comments and empty lines', `# mine\n\n  \t\n${OTHER}`],
    ['hashed names', `|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 ${B64}\n`],
    ['marks', `@cert-authority *.org ssh-rsa AAAA\n@revoked * ssh-ed25519 ${ANOTHER}\n`],
    ['patterns and lists', `*.lab,!bad.lab,[10.0.0.1]:22 ssh-ed25519 ${B64} a comment\r\n`],
    ['an open end', OTHER.trimEnd()],
  ];
  test.each(fine)('%s', (_what, text) => {
    const file = put('hosts', text);
    expect(recordKey({ file, name: 'm1' }, KEY)).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(`${text.endsWith('\n') ? text : `${text}\n`}${LINE}`);
  });

  const strange: [what: string, text: string][] = [
    ['authorized_keys', `ssh-ed25519 ${B64} me@home\n`],
    ['authorized_keys with options', `restrict,pty ssh-ed25519 ${B64} me@home\n`],
    ['authorized_keys with one option', `cert-authority ssh-ed25519 ${B64}\n`],
    ['authorized_keys with a command', `command="true",no-pty ssh-ed25519 ${B64} me\n`],
    ['a profile', '# ~/.profile\nexport PATH\n'],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n'],
    ['host keys, and one line of something else', `${OTHER}root:x:0:0\n`],
    ['bytes', '\0\x01\x02'],
  ];
  test.each(strange)('not %s, whatever it is called', (_what, text) => {
    const file = put('known_hosts', text);
    expect(() => recordKey({ file, name: 'm1' }, KEY)).toThrow(invalid(/is another kind of file: its line \d is none/));
    expect(() => mayRecord({ file, name: 'm1' })).toThrow(invalid(/another kind of file/));
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  const places: [path: string, fine: boolean][] = [
    ['fresh', true],
    ['home/.ssh/known_hosts', true],
    ['home/.ssh/known_hosts2', true],
    ['home/.ssh/lab.known_hosts', true],
    ['home/.config/mcpk/known_hosts', true],
    ['new/folder/known_hosts.lab', true],
    ['home/.ssh/authorized_keys', false],
    ['home/.ssh/authorized_keys2', false],
    ['keys/authorized_keys', false],
    ['home/.ssh/rc', false],
    ['home/.ssh/environment', false],
    ['home/.zshenv', false],
    ['home/.config/fish/conf.d/known_hosts.fish', false],
    ['home/.bashrc.d/known_hosts', false],
    ['profile.sh', false],
  ];
  test.each(places)('a new one: %s: %s', (path, fine) => {
    for (const empty of [false, true]) {
      const file = join(folder, path);
      rmSync(file, { force: true });
      if (empty) put(path, '');
      if (fine) {
        expect(recordKey({ file, name: 'm1' }, KEY)).toBe(true);
        expect(readFileSync(file, 'utf8')).toBe(LINE);
        if (!empty) expect(statSync(file).mode & 0o777).toBe(0o600);
      } else {
        expect(() => recordKey({ file, name: 'm1' }, KEY)).toThrow(invalid(/may be meant for other things/));
        expect(existsSync(file) ? readFileSync(file, 'utf8') : undefined).toBe(empty ? '' : undefined);
      }
    }
  });

  const others: [path: string, fine: boolean][] = [
    ['home/.ssh/allowed_signers', false],
    ['home/.config/git/allowed_signers', false],
    ['work/allowed_signers', false],
    ['work/allowed_signers_known', false],
    ['home/.gitsigners', false],
    ['home/.ssh/hosts', false],
    ['home/.ssh/known_hosts', true],
    ['home/.ssh/lab.known_hosts', true],
    ['work/hosts', true],
  ];
  test.each(others)("one whose lines look the same, as those of git's allowed_signers do: %s: %s", (path, fine) => {
    const text = `alice ssh-ed25519 ${ANOTHER} her key\n`;
    const file = put(path, text);
    if (fine) expect(recordKey({ file, name: 'm1' }, KEY)).toBe(true);
    else expect(() => recordKey({ file, name: 'm1' }, KEY)).toThrow(invalid(/may be meant for other things/));
    expect(readFileSync(file, 'utf8')).toBe(fine ? `${text}${LINE}` : text);
  });

  test('nothing is written to what is no file', () => {
    for (const file of [join(folder, 'home'), '/dev/null'])
      expect(() => recordKey({ file, name: 'm1' }, KEY)).toThrow(invalid(/./));
  });
});

describe('an alias, which may be the name of anybody, is written only into a file of the inventory', () => {
  const cases: [path: string, inventory: string | undefined, fine: boolean][] = [
    ['work/repo/known_hosts', 'work/repo', true],
    ['work/repo/keys/known_hosts', 'work/repo', true],
    ['home/repo/known_hosts', 'home/repo', true],
    ['work/known_hosts', 'work/repo', false],
    ['work/repository/known_hosts', 'work/repo', false],
    ['work/repo/../other/known_hosts', 'work/repo', false],
    ['home/.ssh/known_hosts', 'work/repo', false],
    ['home/.ssh/known_hosts', 'home', false],
    ['home/.ssh/known_hosts', '.', false],
    ['home/.ssh/known_hosts', 'home/.ssh', false],
    ['work/repo/known_hosts', undefined, false],
  ];
  test.each(cases)('%s of an inventory in %s: %s', (path, inventory, fine) => {
    if (inventory !== undefined) mkdirSync(join(folder, inventory), { recursive: true });
    const file = `${folder}/${path}`;
    const inventoryFolder = inventory === undefined ? undefined : join(folder, inventory);
    const place = { file, name: 'github.com', isAlias: true, inventoryFolder };
    if (fine) expect(recordKey(place, KEY)).toBe(true);
    else {
      expect(() => mayRecord(place)).toThrow(invalid(/github\.com is a name that HostKeyAlias gives/));
      expect(() => recordKey(place, KEY)).toThrow(invalid(/nothing was written/));
    }
    expect(existsSync(file)).toBe(fine);
    if (!fine) expect(recordKey({ ...place, isAlias: false }, KEY)).toBe(true);
  });

  test('a link of ~/.ssh into the folder of the inventory makes it none', () => {
    const inventoryFolder = dirname(put('work/repo/x', ''));
    symlinkSync(join(inventoryFolder, 'known_hosts'), join(folder, 'home', '.ssh', 'known_hosts'));
    put('work/repo/known_hosts', OTHER);
    const file = join(folder, 'home', '.ssh', 'known_hosts');
    expect(() => recordKey({ file, name: 'x', isAlias: true, inventoryFolder }, KEY)).toThrow(invalid(/HostKeyAlias/));
  });
});

describe('links', () => {
  const repository = (): string => join(folder, 'home', 'repo', 'inventories');
  const record = (file: string, name = 'm1'): unknown => recordKey({ file, name, inventoryFolder: repository() }, KEY);
  beforeEach(() => mkdirSync(repository(), { recursive: true }));

  test.each([
    ['the file', 'known_hosts', 'file'],
    ['a folder', 'keys/known_hosts', 'folder'],
    ['a folder beside the inventory', '../keys/known_hosts', 'folder'],
    ['a file that is not there yet', 'known_hosts', 'dangling'],
  ])('below the inventory none is followed: %s', (_what, path, kind) => {
    const mine = put('mine/known_hosts', OTHER);
    const file = join(repository(), path);
    if (kind === 'folder') symlinkSync(join(folder, 'mine'), dirname(file));
    else symlinkSync(kind === 'file' ? mine : join(folder, 'mine', 'known_hosts_new'), file);
    expect(() => record(file)).toThrow(invalid(/is reached over the link /));
    expect(readFileSync(mine, 'utf8')).toBe(OTHER);
    expect(existsSync(join(folder, 'mine', 'known_hosts_new'))).toBe(false);
  });

  test("the user's own ~/.ssh/known_hosts may be one, and ~/.ssh too; what it leads to is looked at", () => {
    const mine = put('dotfiles/ssh/hosts', OTHER);
    rmSync(join(folder, 'home', '.ssh'), { recursive: true });
    symlinkSync(dirname(mine), join(folder, 'home', '.ssh'));
    symlinkSync('hosts', join(dirname(mine), 'known_hosts'));
    record(join(folder, 'home', '.ssh', 'known_hosts'));
    expect(readFileSync(mine, 'utf8')).toBe(`${OTHER}${LINE}`);
    const keys = put('dotfiles/authorized_keys', `ssh-ed25519 ${B64} me\n`);
    symlinkSync(keys, join(dirname(mine), 'known_hosts2'));
    expect(() => record(join(folder, 'home', '.ssh', 'known_hosts2'))).toThrow(invalid(/another kind/));
    rmSync(keys);
    expect(() => record(join(folder, 'home', '.ssh', 'known_hosts2'))).toThrow(invalid(/./));
    expect(existsSync(keys)).toBe(false);
  });

  test('the folder of the inventory may be reached over one', () => {
    symlinkSync(join(folder, 'home', 'repo'), join(folder, 'work'));
    const at = join(folder, 'work', 'inventories');
    const file = join(at, 'known_hosts');
    expect(withoutLinks(file, at)).toBe(join(repository(), 'known_hosts'));
    expect(recordKey({ file, name: 'm1', inventoryFolder: at }, KEY)).toBe(true);
  });
});
