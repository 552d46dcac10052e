import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/commands/main.ts';
import { loadConfig, mcpk, scratch } from './support.ts';

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
  const said = execFileSync(shell, [...flags, '-c', ASK[shell](words)], { cwd: folder, encoding: 'utf8' });
  return said.split('\n').flatMap((line) => line.split('\t')[0] || []);
}

describe.each(SHELLS)('%s', (shell) => {
  it('has each command and each of its flags', async () => {
    const config = await loadConfig();
    for (const id of Object.keys(COMMANDS)) {
      expect(texts[shell]).toContain(id.replaceAll(':', ' '));
      for (const flag of Object.keys(config.findCommand(id)?.flags ?? {}))
        expect(texts[shell]).toContain(shell === 'fish' ? `-l ${flag} ` : `--${flag}`);
    }
  });

  describe.skipIf(!isThere(shell))('completes', () => {
    it('commands', () => {
      const commands = new Set(Object.keys(COMMANDS).map((id) => id.split(':')[0] ?? ''));
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
    ['a stage', ['plan', '-i', 'x', '--only', 'etc'], ['etcd']],
    ['a stage behind others', ['apply', '--skip', 'etcd,preflight,hap'], ['etcd,preflight,haproxy']],
    ['a setting', ['explain', 'network.podC'], ['network.podCidr']],
    ['a shell', ['autocomplete', 'f'], ['fish']],
    ['what help is asked for', ['help', 'host'], ['host-key']],
    ['nothing of ours that a host is to run', ['exec', 'host'], []],
    ['a file', ['plan', '-i', 'la'], ['lab.yaml']],
    ['a file in the place of a plan', ['apply', '--plan', 'la'], ['lab.yaml']],
    ['nothing where anything may stand', ['plan', '--limit', ''], []],
  ])('%s', (_, words, expected) => {
    expect(offered('bash', 'mcpk', ...words)).toEqual(expected);
  });
});

describe.skipIf(!isThere('fish'))('fish completes', () => {
  it.each<[string, string[], string[]]>([
    ['a command by its beginning', ['pl'], ['plan']],
    ['a flag', ['plan', '--conc'], ['--concurrency']],
    ['a stage', ['plan', '-i', 'x', '--only', 'etc'], ['etcd']],
    ['a stage behind others', ['apply', '--skip', 'etcd,preflight,hap'], ['etcd,preflight,haproxy']],
    ['a setting', ['explain', 'network.podC'], ['network.podCidr']],
    ['a file', ['plan', '-i', 'la'], ['lab.yaml']],
  ])('%s', (_, words, expected) => {
    expect(offered('fish', 'mcpk', ...words)).toEqual(expected);
  });
});

describe.skipIf(!isThere('zsh'))('zsh completes', () => {
  it.each<[string, string[], string[]]>([
    ['stages', ['plan', ''], ['*--only[', ':only:_values -s , only preflight ']],
    ['files', ['plan', ''], ['*-i[', ':inventory:_files']],
    ['shells', ['autocomplete', ''], ['*:value:(bash fish zsh)']],
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
