import { expect, it } from 'vitest';
import { ELSEWHERE } from '../../src/inventory/elsewhere.ts';
import { readSchema } from '../../src/inventory/schema.ts';
import { settingsOf } from '../../src/inventory/setting.ts';
import { FIVE, mistakesOf } from './load-text.ts';

it('names only settings that there are', () => {
  const settings = settingsOf(readSchema());
  const named = [...ELSEWHERE.values()].flat();
  expect(named.filter((name) => !settings.has(name))).toEqual([]);
});

it.each([
  ['kubelet: { maxPods: 20 }', 'kubelet.maxPods: is not a setting; did you mean kubelet.config.maxPods?'],
  [
    'groups: { worker: { kubelet: { maxPods: 20 } } }',
    'groups.worker.kubelet.maxPods: is not a setting; did you mean groups.worker.kubelet.config.maxPods?',
  ],
  ['maxPods: 20', 'maxPods: is not a setting; did you mean kubelet.config.maxPods?'],
  ['containerd: { version: 2.3.7 }', 'containerd.version: is not a setting; did you mean versions.containerd?'],
  ['kubelet: { version: 1.37.1 }', 'kubelet.version: is not a setting; did you mean versions.kubernetes?'],
  ['http_proxy: "http://p:3128"', 'http_proxy: is not a setting; did you mean proxy.http?'],
  ['no-proxy: [a]', 'no-proxy: is not a setting; did you mean proxy.noProxy?'],
  ['podCidr: 10.1.0.0/16', 'podCidr: is not a setting; did you mean network.podCidr?'],
  [
    'apiServer: { oidc: { issuer: x } }',
    'apiServer.oidc: is not a setting; did you mean apiServer.authentication.jwt?',
  ],
  ['network: { calico: { vxlanMTU: 1400 } }', 'network.calico.vxlanMTU: is not a setting; did you mean network.mtu?'],
  [
    'ssh: { password: x }',
    'ssh.password: is not a setting: mcpk never logs in with a password: name a key in ssh.identityFiles, or use an agent (ssh.agent)',
  ],
])('%s: the setting that is meant, wherever it stands', async (yaml, mistake) => {
  expect((await mistakesOf(FIVE + yaml)).map((each) => each.replace(/^\S+ /, ''))).toContain(mistake);
});

it.each([
  ['registries: [{ name: "https://r.example" }]', 'registries[0].name', 'r.example'],
  ['registries: [{ name: r.example, mirrors: [m.example] }]', 'registries[0].mirrors[0]', 'https://m.example'],
  ['proxy: { http: "p.example:3128" }', 'proxy.http', 'http://p.example:3128'],
  ['proxy: { http: "//p.example:3128" }', 'proxy.http', 'http://p.example:3128'],
  ['network: { domain: Cluster.Local }', 'network.domain', 'cluster.local'],
])('%s: the form that fits is shown', async (yaml, path, suggestion) => {
  const [mistake] = (await mistakesOf(FIVE + yaml)).filter((each) => each.includes(` ${path}: `));
  expect(mistake).toContain(`; did you mean ${suggestion}?`);
});

it.each([
  ['M1', 'm1'],
  ['w_1', 'w-1'],
])('a host may not be called %s, but %s', async (name, suggestion) => {
  const mistakes = await mistakesOf(FIVE.replace('name: w1', `name: ${name}`));
  expect(mistakes.join('\n')).toContain(`did you mean ${suggestion}?`);
});

it.each([
  ['a password in front of an @', 'proxy: { http: "u:geheim@p.example:3128" }', {}],
  ['what the environment holds', 'network: { domain: "${MCPK_DOMAIN}" }', { MCPK_DOMAIN: 'Geheim' }],
  ['another scheme', 'proxy: { http: "socks5://p.example" }', {}],
])('suggests nothing made of %s', async (_what, yaml, env) => {
  const mistakes = await mistakesOf(FIVE + yaml, { HOME: '/home/ada', ...env });
  expect(mistakes).toHaveLength(1);
  expect(mistakes.join('\n')).not.toContain('did you mean');
});
