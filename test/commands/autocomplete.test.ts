import { execFileSync } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { COMMANDS } from '../../src/commands/main.ts';
import { inventory, INVENTORY, loadConfig, mcpk, scratch } from './support.ts';

const SHOWN = Object.entries(COMMANDS).flatMap(([id, { hidden }]) => (hidden ? [] : [id]));
const SHELLS = ['bash', 'fish', 'zsh'] as const;
type Shell = (typeof SHELLS)[number];

function isThere(shell: Shell): boolean {
  try {
    return execFileSync(shell, ['-c', 'true']).length === 0;
  } catch {
    return false;
  }
}

const files = {} as Record<Shell, string>;
const texts = {} as Record<Shell, string>;
let folder = '';

beforeAll(async () => {
  folder = await scratch();
  await writeFile(join(folder, 'lab.yaml'), '');
  // In the place of mcpk that the scripts ask: what it was asked, and some words.
  const asked = join(folder, 'mcpk');
  await writeFile(asked, `#!/bin/sh\necho "$*" >> ${folder}/asked\nprintf '%s\\n' w1 w2 role:worker role:master\n`);
  await chmod(asked, 0o755);
  for (const shell of SHELLS) {
    const said = await mcpk(['autocomplete', shell], await loadConfig());
    expect([said.code, said.stderr]).toEqual([0, '']);
    texts[shell] = said.stdout;
    files[shell] = join(folder, `completion.${shell}`);
    await writeFile(files[shell], said.stdout);
  }
});

/** How each shell is asked, without a terminal, what may stand in the place of the last word. */
const ASK: Readonly<Record<Shell, (words: readonly string[]) => string>> = {
  bash: (words) =>
    `source ${files.bash}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
     compopt() { :; }; _mcpk; printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: (words) => `source ${files.fish}; complete -C '${words.join(' ')}'`,
  // Its functions for completion only work in an editor: these say what they are asked for.
  zsh: (words) =>
    `_describe() { print -l -- \${\${(P)2}%%:*}; }; _arguments() { print -l -- "$@"; }; compdef() { :; }; source ${files.zsh}
     words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}; _mcpk`,
};

function offered(shell: Shell, ...words: string[]): string[] {
  const flags = shell === 'fish' ? ['--no-config'] : [];
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  const said = execFileSync(shell, [...flags, '-c', ASK[shell](words)], { cwd: folder, encoding: 'utf8', env });
  return said.split('\n').flatMap((line) => line.split('\t')[0] || []);
}

describe.each(SHELLS)('%s', (shell) => {
  it('has each command and each of its flags', async () => {
    const config = await loadConfig();
    for (const id of SHOWN) {
      expect(texts[shell]).toContain(id.replaceAll(':', ' '));
      for (const flag of Object.keys(config.findCommand(id)?.flags ?? {}))
        expect(texts[shell]).toContain(shell === 'fish' ? `-l ${flag} ` : `--${flag}`);
    }
  });

  describe.skipIf(!isThere(shell))('completes', () => {
    it('commands', () => {
      const commands = new Set(SHOWN.map((id) => id.split(':')[0] ?? ''));
      expect(offered(shell, 'mcpk', '').toSorted()).toEqual([...commands].toSorted());
      expect(offered(shell, 'mcpk', 'host-key', '')).toEqual(['pin', 'scan', 'show']);
    });
  });
});

describe.skipIf(!isThere('bash'))('bash completes', () => {
  it.each<[string, string[], string[]]>([
    ['a command by its beginning', ['pl'], ['plan']],
    ['a flag', ['plan', '--conc'], ['--concurrency']],
    ['a flag of the right one of two commands', ['host-key', 'show', '--o'], []],
    ['a stage', ['plan', '-i', 'x', '--only', 'etc'], ['etcd', 'etcd-backup']],
    ['a stage behind others', ['apply', '--skip', 'etcd,preflight,hap'], ['etcd,preflight,haproxy']],
    ['a setting', ['explain', 'network.podC'], ['network.podCidr']],
    ['a shell', ['autocomplete', 'f'], ['fish']],
    ['what help is asked for', ['help', 'host'], ['host-key']],
    ['what help is asked for of a topic', ['help', 'host-key', ''], ['pin', 'scan', 'show']],
    ['no command that is hidden', ['help', 'comp'], []],
    ['nothing of ours that a host is to run', ['exec', 'host'], []],
    ['a file', ['plan', '-i', 'la'], ['lab.yaml']],
    ['a file in the place of a plan', ['apply', '--plan', 'la'], ['lab.yaml']],
    ['a file in the place of a bundle', ['etcd', 'restore', 'la'], ['lab.yaml']],
    ['nothing where anything may stand', ['plan', '--timeout', ''], []],
    ['a host', ['node', 'drain', '-i', 'lab.yaml', ''], ['w1', 'w2', 'role:worker', 'role:master']],
    ['a host in the place of a flag', ['etcd', 'recover', '--from', 'w'], ['w1', 'w2']],
    ['hosts of a limit', ['plan', '--limit', 'm*,w'], ['m*,w1', 'm*,w2']],
    // As bash breaks the words, and only the last of them is replaced.
    ['a role', ['plan', '-l', 'role', ':', 'w'], ['worker']],
    ['all roles', ['plan', '-l', 'role', ':'], ['worker', 'master']],
    ['a role behind others', ['plan', '-l', 'w1,role', ':', 'm'], ['master']],
    ['a flag and its value as one word', ['plan', '--only', '=', 'preflight,hap'], ['preflight,haproxy']],
    ['the beginning of such a value', ['plan', '--limit', '=', 'role', ':', 'w'], ['worker']],
    // Where COMP_WORDBREAKS is another one.
    ['a role that is not broken', ['plan', '--limit=role:w'], ['--limit=role:worker']],
  ])('%s', (_, words, expected) => {
    expect(offered('bash', 'mcpk', ...words)).toEqual(expected);
  });

  it('hosts of the inventory that the line names', async () => {
    offered('bash', 'mcpk', 'node', 'drain', '--inventory', '=', 'lab.yaml', 'w');
    expect((await readFile(join(folder, 'asked'), 'utf8')).trim().split('\n').at(-1)).toBe(
      'complete host -- node drain --inventory=lab.yaml',
    );
  });
});

describe.skipIf(!isThere('fish'))('fish completes', () => {
  it.each<[string, string[], string[]]>([
    ['a command by its beginning', ['pl'], ['plan']],
    ['a flag', ['plan', '--conc'], ['--concurrency']],
    ['a stage', ['plan', '-i', 'x', '--only', 'etc'], ['etcd', 'etcd-backup']],
    ['a stage behind others', ['apply', '--skip', 'etcd,preflight,hap'], ['etcd,preflight,haproxy']],
    ['a setting', ['explain', 'network.podC'], ['network.podCidr']],
    ['a file', ['plan', '-i', 'la'], ['lab.yaml']],
    ['a host', ['node', 'drain', '-i', 'lab.yaml', 'w'], ['w1', 'w2']],
    ['hosts of a limit', ['plan', '--limit', 'w1,w'], ['w1,w1', 'w1,w2']],
    ['a role', ['plan', '--limit', 'role:w'], ['role:worker']],
  ])('%s', (_, words, expected) => {
    expect(offered('fish', 'mcpk', ...words)).toEqual(expected);
  });
});

describe.skipIf(!isThere('zsh'))('zsh completes', () => {
  it.each<[string, string[], string[]]>([
    ['stages', ['plan', ''], ['*--only=[', ':only:_values -s , only preflight ']],
    ['files', ['plan', ''], ['*-i[', ':inventory:_files']],
    ['shells', ['autocomplete', ''], ['*:value:(bash fish zsh)']],
    ['hosts', ['node', 'drain', ''], ['*:value:_mcpk_host']],
    ['hosts of a limit', ['plan', ''], ['*--limit=[', ':limit:_sequence -s , _mcpk_limit']],
  ])('%s', (_, words, parts) => {
    const specs = offered('zsh', 'mcpk', ...words);
    expect(specs.some((spec) => parts.every((part) => spec.includes(part)))).toBe(true);
  });
});

it.each(['powershell', 'fihs'])('%s is wrong usage', async (shell) => {
  const said = await mcpk(['autocomplete', shell]);
  expect([said.code, said.stdout]).toEqual([64, '']);
  expect(said.stderr).toContain('bash, fish, zsh');
});

describe('what of an inventory may be typed', () => {
  const HOSTS = `  - { name: w1, address: 10.9.0.21, roles: [worker], labels: { zone: a } }
  - { name: w2, address: 10.9.0.22, roles: [worker], state: absent }
`;
  const file = inventory(INVENTORY.replace('network:', `${HOSTS}network:`));
  const hosts = ['m1', 'm2', 'm3', 'w1', 'w2'];

  it.each<[string, string, (file: string) => string[], string[]]>([
    ['a host', 'host', (named) => ['node', 'drain', '-i', named], hosts],
    ['what a limit is made of', 'limit', (named) => ['plan', `--inventory=${named}`, '--limit'], [...hosts, 'all', 'role:master', 'role:etcd', 'role:worker', 'label:zone=a']], // prettier-ignore
    ['nothing of no inventory', 'host', (named) => ['plan', '-i', `${named}.bak`], []],
  ])('%s', async (_, asked, words, expected) => {
    const said = await mcpk(['complete', asked, '--', ...words(await file)]);
    expect([said.code, said.stderr, said.stdout.split('\n').slice(0, -1)]).toEqual([0, '', expected]);
  });

  it('of a variable only where the line allows it', async () => {
    const named = await inventory(INVENTORY.replace('network:', '  - { name: "${SITE}-w", address: 10.9.0.31, roles: [worker] }\nnetwork:')); // prettier-ignore
    vi.stubEnv('SITE', 'berlin');
    const offers = async (...words: string[]): Promise<string> => (await mcpk(['complete', 'host', '--', 'plan', '-i', named, ...words])).stdout; // prettier-ignore
    expect(await offers()).toBe('');
    expect(await offers('--env', 'SITE')).toContain('berlin-w\n');
    vi.unstubAllEnvs();
  });
});
