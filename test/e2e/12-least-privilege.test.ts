import { describe, expect, it } from 'vitest';
import type { Plan, RunResult, StateTree } from '../../src/engine/types.ts';
import { heldSecrets } from './support/secrets.ts';
import { MASTERS, mcpk, mcpkJson, NODES, on, overlay } from './support/mcpk.ts';

/** As the manual of systemd-analyze has it: 0 is nothing exposed, 10 is a unit that may do all. */
const EXPOSURE = 3.0;

describe('least privilege', () => {
  it.for(['etcd', 'kube-apiserver', 'kube-scheduler', 'kube-controller-manager'])(
    '%s is exposed 3.0 at most on every master',
    async (unit) => {
      for (const name of MASTERS) {
        const text = await on(name, 'systemd-analyze', 'security', '--no-pager', `${unit}.service`);
        const said = /Overall exposure level for \S+: ([\d.]+)/.exec(text);
        expect(Number(said?.[1]), `${name} ${unit}`).toBeLessThanOrEqual(EXPOSURE);
      }
    },
  );

  it('no other user of a host finds a secret: in files, in /proc, in the journal, in /tmp', async () => {
    const secrets = await heldSecrets();
    expect(secrets.size).toBeGreaterThan(10);
    for (const name of NODES) {
      // All that the user `nobody` may read; the words of processes; the journal and temporary folders.
      const read = await on(
        name,
        'setpriv',
        '--reuid=nobody',
        '--regid=nogroup',
        '--clear-groups',
        'sh',
        '-c',
        `find /etc /var /opt /srv /home /root /run /tmp /usr/local -xdev -type f -size -256k -readable -exec cat {} + 2>/dev/null
         cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null
         journalctl --no-pager -o cat 2>/dev/null
         true`,
      );
      for (const [what, secret] of secrets) expect(read.includes(secret), `${what} on ${name}`).toBe(false);
    }
  });

  it('nothing secret is in the journal of a host, in the words of its processes, nor in what mcpk keeps of its runs', async () => {
    const secrets = await heldSecrets();
    for (const name of NODES) {
      const read = await on(
        name,
        'sh',
        '-c',
        `journalctl --no-pager -o cat
         cat /proc/[0-9]*/cmdline
         cat /var/lib/mcpk/journal* /var/lib/mcpk/owned.json /var/lib/mcpk/apt.log 2>/dev/null
         true`,
      );
      for (const [what, secret] of secrets) expect(read.includes(secret), `${what} on ${name}`).toBe(false);
    }
  });

  it('nothing secret is in what mcpk prints', async () => {
    const secrets = await heldSecrets();
    const bare = await overlay('pillar: {}\n');
    const commands = [
      ['show', '--verbose'],
      ['show', '--json'],
      ['render'],
      ['facts', '--json'],
      ['plan', '--verbose'],
      ['plan', '--json'],
      ['verify', '--json'],
      ['history'],
      ['history', '--json'],
      ['apply', '--yes', '--verbose'],
      ['apply', '--yes', '--json'],
    ];
    for (const command of commands) {
      const { stdout, stderr } = await mcpk(command, [bare]);
      for (const [what, secret] of secrets)
        expect((stdout + stderr).includes(secret), `${what}: mcpk ${command.join(' ')}`).toBe(false);
    }
  });

  it('apply works for a user who may only become root', async () => {
    const asOps = await overlay(`ssh: { user: ops }\n`);
    expect((await mcpkJson<Plan>(['plan'], 0, [asOps])).summary.changes).toBe(0);
    const changed = await overlay('ssh: { user: ops }\nscheduler: {extraArgs: {v: "1"}}\n');
    expect((await mcpkJson<RunResult>(['apply', '--yes'], 0, [changed])).changed).toBeGreaterThan(0);
    expect((await mcpkJson<RunResult>(['apply', '--yes'], 0, [asOps])).changed).toBeGreaterThan(0);
    expect((await mcpkJson<StateTree>(['show'], 0, [asOps])).hosts.length).toBeGreaterThan(4);
  });
});
