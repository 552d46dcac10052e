import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordText } from '../../src/core/cluster-record.ts';
import { PATHS } from '../../src/core/paths.ts';
import { ownedText } from '../../src/engine/plan/owned.ts';
import { connect } from '../../src/transport/connect.ts';
import { loadScripts } from '../../src/engine/wire/scripts.ts';
import { hostName, knownHostLine } from '../../src/transport/known-hosts.ts';
import { mcpk } from '../commands/support.ts';
import { cannotRunSshd, Sshd } from '../transport/sshd.ts';

const YES = '--yes';
const { signal } = new AbortController();

describe.skipIf(cannotRunSshd() !== undefined)('a host that is not what the inventory takes it for', () => {
  /** m1 and w1. */
  let hosts: Sshd[];
  let folder: string;
  let inventory: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mcpk-whose-'));
    inventory = join(folder, 'lab.yaml');
    hosts = [await Sshd.start(), await Sshd.start()];
    const known = join(folder, 'known');
    writeFileSync(
      known,
      hosts.map(({ port, hostKey }) => knownHostLine(hostName('127.0.0.1', port), hostKey)).join(''),
    );
    const ssh = hosts.map(
      ({ port, identity }) =>
        `ssh: { agent: false, user: root, connectTimeout: 60, port: ${String(port)}, identityFiles: [${identity}], knownHostsFiles: [${known}] }`,
    );
    writeFileSync(
      inventory,
      `name: lab
endpoint: { address: 10.9.0.100, external: true }
hosts:
  - { name: m1, address: 127.0.0.1, internalAddress: 10.9.0.11, roles: [master], ${ssh[0]} }
  - { name: w1, address: 127.0.0.1, internalAddress: 10.9.0.21, roles: [worker], ${ssh[1]} }
network: { plugin: none }
artifacts: { directory: ${join(folder, 'artifacts')}, download: false }
`,
    );
  }, 60_000);
  afterAll(async () => {
    for (const host of hosts) await host.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Path → text. */
  const lay = async (files: Readonly<Record<string, string>>): Promise<void> => {
    const script =
      'rm -rf /var/lib/mcpk; mkdir /var/lib/mcpk; while [ $# -gt 0 ]; do printf %s "$2" >"$1"; shift 2; done';
    await onHosts(['sh', '-c', script, 'sh', ...Object.entries(files).flat()]);
  };
  /** What it prints on each. */
  const onHosts = async (argv: string[]): Promise<string[]> => {
    const said: string[] = [];
    for (const host of hosts) {
      const lock = { kind: 'none', who: 'test' } as const;
      const session = await connect(host.target(), { signal, lock, code: loadScripts() });
      const [result] = await session.exec([{ argv }], signal);
      await session.close();
      expect(result?.exitCode, result?.stderr).toBe(0);
      said.push(result?.stdout ?? '');
    }
    return said;
  };
  /** What is there beside the count of locks, which is no change. */
  const left = async (): Promise<string[]> =>
    (await onHosts(['ls', PATHS.state])).map((names) => names.replace('fence\n', ''));

  describe("but another cluster's", () => {
    const files = { [PATHS.clusterRecord]: recordText({ cluster: 'prod', authority: 'ab'.repeat(32) }) };
    beforeAll(() => lay(files));
    const commands = [
      ['plan'],
      ['apply', YES],
      ['apply', YES, '--skip', 'preflight', '--force-unsafe'],
      ['rollback', YES],
      ['reset', YES, '--cluster', 'lab'],
      ['reset', 'm1', YES, '--cluster', 'lab'],
      ['node', 'drain', 'w1', YES],
      ['node', 'replace', 'w1', YES],
      ['node', 'remove', 'w1', YES],
      ['etcd', 'defrag', YES],
      ['etcd', 'recover', '--from', 'm1', YES, '--cluster', 'lab'],
    ];
    it.each(commands.map((words) => [words.join(' '), words] as const))('%s changes nothing', async (_said, words) => {
      const said = await mcpk([...words, '-i', inventory]);
      expect([said.code, said.stderr]).toEqual([
        18,
        expect.stringMatching(/belongs? to the cluster prod \(authority abababababab\), and the inventory is of lab/),
      ]);
      expect(await left()).toEqual(['cluster.json\n', 'cluster.json\n']);
    });

    it('tells what it is all the same', async () => {
      expect(await mcpk(['facts', '--json', '-i', inventory])).toMatchObject({ code: 0 });
    });
  });

  describe('but alive, and is to be replaced', () => {
    const owned = ownedText(new Map([['unit:kubelet.service', { hash: 'h', stage: 'nodes' }]]));
    beforeAll(() => lay({ [PATHS.owned]: owned }));
    it('is left alone', async () => {
      const said = await mcpk(['node', 'replace', 'w1', YES, '-i', inventory]);
      expect([said.code, said.stderr]).toEqual([18, expect.stringContaining('it is no new machine')]);
      expect(said.stderr).toContain('mcpk node remove ');
      expect(await left()).toEqual(['owned.json\n', 'owned.json\n']);
    });
  });
});
