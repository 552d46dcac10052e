import { expect, it } from 'vitest';
import { readSchema } from '../../src/inventory/schema.ts';
import { settingNamed, settingsOf } from '../../src/inventory/setting.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/process.ts';

const settings = settingsOf(readSchema());

it('knows each setting of docs/inventory.md by its name there', () => {
  const doc = readFileSync(join(ROOT, 'docs/inventory.md'), 'utf8');
  const names = [...doc.matchAll(/^## `(\w+)`\n([\s\S]*?)(?=^## )/gm)].flatMap(([, section = '', text = '']) =>
    [...text.matchAll(/^\| `([\w[\].]+)` \|/gm)].map(([, name = '']) =>
      section === 'groups' ? `groups.worker.${name}` : `${section}.${name}`,
    ),
  );
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name) => settingNamed(settings, name).meaning === '')).toEqual([]);
});

it('says of each section more than its name', () => {
  const sections = settings.get('')?.settings ?? [];
  expect(sections.length).toBeGreaterThan(20);
  expect(sections.filter(({ meaning }) => !meaning.trim().includes(' '))).toEqual([]);
});

it.each([
  ['containerd.config.root', 'containerd.config'],
  ['pillar.a.b', 'pillar'],
])('%s is said to stand in a map that is described elsewhere', (asked, map) => {
  expect(() => settingNamed(settings, asked)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining(`${map} is a map, whose entries are not described here: `) as string,
      hint: expect.stringContaining(`mcpk explain ${map}`) as string,
    }) as Error,
  );
});

it.each([
  ['oidc', 'apiServer.authentication.jwt'],
  ['apiServer.oidc', 'apiServer.authentication.jwt'],
  ['vip', 'endpoint, hosts.priority, endpoint.address'],
  ['containerd.version', 'versions.containerd?'],
  ['registry', 'registries, network.calico.registry?'],
  ['vxlan', 'network.calico.encapsulation, network.mtu?'],
  ['bastion', 'ssh.jump?'],
  ['LoadBalancer', 'endpoint.external, endpoint?'],
  ['gpu', 'hosts.labels, hosts.taints?'],
])('%s is found by what settings are for: %s', (asked, told) => {
  expect(() => settingNamed(settings, asked)).toThrow(`did you mean ${told}`);
});

it.each(['Kubelet', 'Etcd', 'Network', 'NETWORK.podcidr'])('%s is found whatever the case of its letters', (asked) => {
  expect(settingNamed(settings, asked).name.toLowerCase()).toBe(asked.toLowerCase());
});

it('says of a password for SSH that there is none, and what to do', () => {
  expect(() => settingNamed(settings, 'ssh.password')).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('ssh.identityFiles') as string }) as Error,
  );
});

it('each group has a description of its own', () => {
  const { settings: groups } = settingNamed(settings, 'groups');
  expect(new Set(groups.map(({ meaning }) => meaning)).size).toBe(3);
});
