import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkDown, linkUp } from '../../lab/lab.ts';
import { KNOWN_HOSTS } from '../../lab/keys.ts';
import { ARTIFACTS } from '../../lab/paths.ts';
import type { Plan } from '../../src/engine/types.ts';
import { allNodesReady, mcpk, mcpkJson, on, overlay, unitStarts } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';

startFrom('ready', { leaves: 'ready' });

interface Case {
  name: string;
  /** Inventory merged over the lab's. */
  overlay?: () => Promise<string>;
  before?: () => Promise<unknown>;
  after?: () => Promise<unknown>;
  args?: string[];
  code: number;
  /** All of these are said. */
  says: RegExp[];
}

const CASES: Case[] = [
  {
    name: 'an inventory with a mistake: file, line, path, nearest word',
    overlay: () => overlay('haproxy:\n  maxcon: 3\n'),
    code: 10,
    says: [/overlay\.yaml:2/, /maxcon/, /maxconn/],
  },
  {
    name: 'a host that is not reached',
    before: () => linkDown('w2'),
    after: () => linkUp('w2'),
    code: 11,
    says: [/w2/, /10\.77\.0\.22/],
  },
  {
    name: 'a host key that is another one than the pinned one',
    overlay: async () => {
      const file = join(await mkdtemp(join(tmpdir(), 'mcpk-e2e-')), 'known_hosts');
      const lines = (await readFile(KNOWN_HOSTS, 'utf8')).split('\n');
      const keyOf = (address: string): string =>
        lines
          .find((line) => line.split(' ')[0]?.split(',').includes(address))
          ?.split(' ')
          .slice(1)
          .join(' ') ?? '';
      const swapped = lines.filter((line) => !line.includes('10.77.0.21'));
      await writeFile(file, [...swapped, `10.77.0.21 ${keyOf('10.77.0.22')}`, ''].join('\n'));
      return overlay(`ssh: {knownHostsFiles: ["${file}"]}\n`);
    },
    args: ['--accept-new-host-keys'],
    code: 12,
    says: [/w1/, /SHA256:/],
  },
  {
    name: 'a disk without room',
    // What is mounted over the folder hides its files, so apply wants to write them again.
    before: () =>
      on(
        'w2',
        'sh',
        '-c',
        'mount -t tmpfs -o size=4k tmpfs /etc/kubernetes/kube-proxy && { dd if=/dev/zero of=/etc/kubernetes/kube-proxy/.filler bs=4k count=8 2>/dev/null || true; }',
      ),
    after: () => on('w2', 'umount', '/etc/kubernetes/kube-proxy'),
    args: ['--limit', 'w2'],
    code: 15,
    says: [/w2/, /No space left on device/, /room/],
  },
  {
    name: 'a binary whose checksum is not the published one',
    overlay: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'mcpk-e2e-artifacts-'));
      await cp(ARTIFACTS, directory, { recursive: true });
      await writeFile(join(directory, 'etcd/3.7.3/linux-amd64/etcdutl'), 'not what was published');
      return overlay(`artifacts: {directory: "${directory}", download: false}\n`);
    },
    code: 20,
    says: [/etcdutl/, /[0-9a-f]{64}|checksum/i],
  },
  {
    name: 'a configuration that HAProxy does not take: checked before the file is replaced',
    overlay: () => overlay('haproxy: {extraGlobal: ["no-such-keyword 1"]}\n'),
    code: 15,
    says: [/haproxy/, /no-such-keyword/],
  },
  {
    name: 'a unit that does not start: its last journal lines, and the host goes back',
    overlay: () => overlay('kubelet: {extraArgs: {no-such-flag: "1"}}\n'),
    args: ['--limit', 'w2'],
    code: 19,
    says: [/w2/, /kubelet\.service/, /unknown flag: --no-such-flag/, /w2 went back to what was there before/],
  },
];

describe('what goes wrong is said with host, cause and hint, and the rest of the cluster is left alone', () => {
  it.for(CASES)('$name', async (wrong) => {
    const file = await wrong.overlay?.();
    const before = await unitStarts(['m1', 'm2', 'm3', 'w1']);
    await wrong.before?.();
    try {
      const said = await mcpk(['apply', '--yes', ...(wrong.args ?? [])], file === undefined ? [] : [file]);
      const text = said.stdout + said.stderr;
      expect(said.code, text).toBe(wrong.code);
      for (const words of wrong.says) expect(text).toMatch(words);
      expect(text).not.toMatch(/\n\s+at .*\.(js|ts):\d+/);
    } finally {
      await wrong.after?.();
    }
    expect(await unitStarts(['m1', 'm2', 'm3', 'w1'])).toEqual(before);
    const healed = await mcpk(['apply', '--yes']);
    expect(healed.code, healed.stdout + healed.stderr).toBe(0);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
    await allNodesReady();
  });
});
