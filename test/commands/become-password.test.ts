import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/commands/main.ts';
import Plan from '../../src/commands/plan.ts';
import { commandLine, REACHED_BY } from '../../src/commands/shared/command-line.ts';
import { copyable } from '../../src/commands/shared/copyable.ts';
import { McpkError } from '../../src/core/errors.ts';
import { redact } from '../../src/core/redact.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import { INVENTORY, inventory, loadedConfig, mcpk } from './support.ts';
import { typing } from './typing.ts';

const TYPED = ' pa ss$word ';
const input = typing();

class Asking extends Plan {
  /** As often as the inventory is read. */
  async clusters(times: number): Promise<Cluster[]> {
    await this.init();
    try {
      const read: Cluster[] = [];
      for (let n = 0; n < times; n += 1) read.push(await this.loadCluster());
      return read;
    } finally {
      await this.finally(undefined);
    }
  }
}

const OWN = INVENTORY.replace('roles: [master] }', 'roles: [master], ssh: { becomePassword: its-own } }').replace(
  'name: m3, ',
  'name: m3, state: absent, ',
);

const clusters = async (times = 1): Promise<Cluster[]> =>
  new Asking(['-K', '-i', await inventory(OWN)], await loadedConfig()).clusters(times);

const passwords = ({ hosts, leaving }: Cluster): (string | undefined)[] =>
  [...hosts, ...leaving].map(({ ssh }) => ssh.becomePassword?.reveal());

describe('--ask-become-pass', () => {
  it('gives what is typed, blanks too, to all hosts of which the inventory has none', async () => {
    input.typed(`${TYPED}\n`, true);
    const [cluster] = await clusters();
    expect(passwords(cluster as Cluster)).toEqual(['its-own', TYPED, TYPED]);
  });

  it('shows nothing of it, on the terminal or in what is said afterwards', async () => {
    input.typed(`${TYPED}\n`, true);
    const [cluster] = await clusters();
    const shown = input.stderr.mock.calls.map(([text]) => String(text)).join('');
    expect(shown).toBe("sudo's password on the hosts: \n");
    expect(redact(`sudo says ${TYPED}.`, cluster?.hidden ?? [])).toBe("sudo says <sudo's password>.");
    expect(JSON.stringify(cluster)).not.toContain(TYPED);
  });

  it('asks once, however often the inventory is read', async () => {
    input.typed(`${TYPED}\nanother\n`, true);
    const [first, second] = await clusters(2);
    expect(passwords(second as Cluster)).toEqual(passwords(first as Cluster));
  });

  it.each([
    ['nothing', ''],
    ['an empty line', '\n'],
  ])('does nothing where %s is typed', async (_what, text) => {
    input.typed(text, true);
    await expect(clusters()).rejects.toMatchObject({
      code: 'interrupted',
      message: 'no password was typed: nothing was done',
    });
  });

  it('without a terminal is refused, with what to do instead', async () => {
    input.typed(`${TYPED}\n`, false);
    const said = await mcpk(['plan', '-K', '-i', await inventory()]);
    expect(said.code).toBe(64);
    expect(said.stderr).toMatch(/asks on a terminal, and there is none.*\n +hint .*becomePassword: \$\{MCPK_SUDO\}/);
  });

  it('comes after the mistakes of the inventory', async () => {
    input.typed('', false);
    expect((await mcpk(['plan', '-K', '-i', await inventory('hosts: 1\n')])).code).toBe(10);
  });

  it('is a flag of each command that logs in to hosts', () => {
    const connecting = Object.values(COMMANDS).filter(({ flags }) => flags && 'skip-unreachable' in flags);
    expect(connecting.length).toBeGreaterThan(10);
    for (const { flags } of connecting) expect(flags).toHaveProperty('ask-become-pass');
  });

  it('stands in commands that go on, and in hints whose commands log in', () => {
    const flags = { inventory: ['a.yaml'], 'ask-become-pass': true };
    expect(commandLine('apply', flags, REACHED_BY)).toBe('mcpk apply -i a.yaml -K');
    const hint = 'Try mcpk validate, mcpk host-key pin, then mcpk apply';
    expect(copyable(new McpkError('stage', 'x', { hint }), flags).hint).toBe(
      'Try mcpk validate -i a.yaml, mcpk host-key pin -i a.yaml, then mcpk apply -i a.yaml -K',
    );
  });
});
