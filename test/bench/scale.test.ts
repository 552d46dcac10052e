import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { drawPlot } from '../../bench/plot.ts';
import { addressOf, inventoryText, knownHostsText } from '../../bench/scale/inventory.ts';
import { probeScript } from '../../bench/scale/probe-script.ts';
import { load } from '../../src/inventory/load.ts';

it('gives each of 500 hosts an address of its own, never that of the network', () => {
  const addresses = Array.from({ length: 500 }, (_, number) => addressOf(number));
  expect(new Set(addresses).size).toBe(500);
  expect([addresses[0], addresses[249], addresses[250]]).toEqual(['10.78.0.1', '10.78.0.250', '10.78.1.1']);
});

it('describes them as a valid inventory with three masters', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-scale-'));
  const file = join(folder, 'inventory.yaml');
  await writeFile(file, inventoryText(500, { identityFile: '/key', knownHostsFile: '/known' }));
  const { hosts } = await load([file], { env: {} });
  expect(hosts.map(({ roles }) => roles.join()).toSorted()).toEqual([
    ...Array<string>(3).fill('master,etcd'),
    ...Array<string>(497).fill('worker'),
  ]);
  expect(knownHostsText(2, 'ssh-ed25519 AAAA')).toBe('10.78.0.1 ssh-ed25519 AAAA\n10.78.0.2 ssh-ed25519 AAAA\n');
});

it('reads in plain shell what mcpk reads, with quoted words, and nothing of kinds that a host has none of', () => {
  const access = { owner: 'root', group: 'root', mode: '0644' };
  const script = probeScript({
    packages: [],
    users: [],
    directories: [{ path: '/etc/a b', ...access }],
    files: [{ path: '/etc/a b/c', content: 'x', ...access }],
    blocks: [],
    links: [],
    sysctls: [{ key: 'net.ipv4.ip_forward', value: '1' }],
    units: [],
  });
  expect(script.split('\n')).toEqual([
    `find '/etc/a b/c' '/etc/a b' -maxdepth 0 -printf '%p %y %m %u %g %l\\n'`,
    `sha256sum -- '/etc/a b/c' `,
    'grep -H "" -- /proc/sys/net/ipv4/ip_forward ',
    'true',
    '',
  ]);
});

it('draws every point, names every line, and keeps the names apart', () => {
  const series = ['a', 'b <c>'].map((name, index) => ({
    name,
    points: [
      { x: 5, y: 1 },
      { x: 500, y: 10 + index / 100 },
    ],
  }));
  const svg = drawPlot({ title: 'T', x: 'hosts', y: 'seconds', series });
  expect(svg.match(/<circle/g)).toHaveLength(4);
  expect(svg).toContain('b &lt;c&gt;');
  const heights = [...svg.matchAll(/y="([\d.]+)" style/g)].map(([, height]) => Number(height));
  expect(Math.abs((heights[0] ?? 0) - (heights[1] ?? 0))).toBeGreaterThanOrEqual(16);
});
