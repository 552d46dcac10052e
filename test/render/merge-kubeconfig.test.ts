import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { kubeconfig } from '../../src/render/kubeconfig.ts';
import { mergeKubeconfig } from '../../src/render/merge-kubeconfig.ts';
import { SETTINGS } from './kubeconfig-settings.ts';

const OURS = load(kubeconfig(SETTINGS)) as Config;

interface Config {
  clusters: { name: string; cluster: object }[];
  users: { name: string; user: object }[];
  contexts: { name: string; context: object }[];
  [more: string]: unknown;
}

/** Another cluster's, with all that people keep in such a file. */
const THEIRS = `# mine
apiVersion: v1
kind: Config
preferences: { colors: true }
current-context: prod
clusters:
- name: prod
  cluster: { server: "https://prod:6443", certificate-authority: prod.crt, proxy-url: "http://proxy:3128" }
contexts:
- { name: prod, context: { cluster: prod, user: me, namespace: web } }
- { name: prod-ops, context: { cluster: prod, user: ops } }
users:
- name: me
  user:
    exec: { apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, "0123", yes], env: null }
- { name: ops, user: { token: '0123' } }
extensions: [{ name: x, extension: { since: 2026-01-01 } }]
`;

function merged(text: string, more: Partial<typeof SETTINGS> = {}): Config {
  return load(mergeKubeconfig(text, { ...SETTINGS, ...more })) as Config;
}

describe('a kubeconfig that is merged into', () => {
  it.each(['', '\n', '# nothing yet\n', 'null\n'])('and holds nothing (%j) is ours', (text) => {
    expect(merged(text)).toEqual(OURS);
  });

  it('keeps all that is not ours, its order and its current context', () => {
    const before = load(THEIRS) as Config;
    expect(merged(THEIRS)).toEqual({
      ...before,
      clusters: [...before.clusters, ...OURS.clusters],
      contexts: [...before.contexts, ...OURS.contexts],
      users: [...before.users, ...OURS.users],
    });
  });

  it('may be JSON, and have none of the lists', () => {
    expect(merged('{"apiVersion":"v1","kind":"Config","clusters":null}')).toEqual(OURS);
  });

  it('gets our context where it has none', () => {
    expect(merged(THEIRS.replace('current-context: prod', 'current-context: ""'))['current-context']).toBe('lab');
  });

  it('is not changed by the same cluster once more', () => {
    const once = mergeKubeconfig(THEIRS, SETTINGS);
    expect(mergeKubeconfig(once, SETTINGS)).toBe(once);
  });

  it.each([
    ['was built anew', { certificateAuthority: { data: 'NEW' } }],
    ['moved', { server: 'https://10.77.0.200:443' }],
  ])(
    'has the new entries of a cluster that %s in the place of the old, the way to it and the namespace kept',
    (_, more) => {
      const own = mergeKubeconfig(THEIRS, { ...SETTINGS, clientKey: { data: 'OLD' } })
        .replace(
          '      server: https://10.77',
          '      proxy-url: http://proxy\n      insecure-skip-tls-verify: true\n      server: https://10.77',
        )
        .replace('      cluster: lab\n', '      cluster: lab\n      namespace: web\n');
      const now = load(kubeconfig({ ...SETTINGS, ...more })) as Config;
      const after = merged(own, more);
      expect(after.clusters.slice(1)).toEqual([
        { name: 'lab', cluster: { ...now.clusters[0]?.cluster, 'proxy-url': 'http://proxy' } },
      ]);
      expect(after.users.slice(2)).toEqual(now.users);
      expect(after.contexts.slice(2)).toEqual([
        { name: 'lab', context: { ...now.contexts[0]?.context, namespace: 'web' } },
      ]);
    },
  );

  it.each(
    ['12345678901234567890', '0123', '0x1F', '1e3', '1.10', 'yes', 'True', '2026-01-01', "'0123'", "'yes'", 'text'].map(
      (scalar) => [scalar],
    ),
  )('keeps %s as it is written', (scalar) => {
    const text = `users:\n  - name: me\n    user:\n      token: ${scalar}\n      0123: x\n`;
    expect(mergeKubeconfig(text, SETTINGS)).toContain(`      token: ${scalar}\n`);
    expect(mergeKubeconfig(text, SETTINGS)).toContain(`      '0123': x\n`);
  });

  it('may use merge keys', () => {
    const text = 'users:\n- &a { name: a, user: { token: t } }\n- { <<: *a, name: b }\n';
    expect(merged(text).users.slice(0, 2)).toEqual([
      { name: 'a', user: { token: 't' } },
      { name: 'b', user: { token: 't' } },
    ]);
  });

  it.each([
    ['what is no YAML', 'users: [{ token: hunter2 }\nclusters: [', /^is no YAML, from line \d+ on$/],
    ['a key twice', 'users: []\nusers: []\n', /^is no YAML, from line 2 on$/],
    ['two documents', 'kind: Config\n---\nkind: Config\n', /several YAML documents/],
    ['a text', 'hunter2', /is no map/],
    ['another kind', 'kind: Secret\ndata: { a: hunter2 }\n', /its kind/],
    ['users that are a map', 'users: { me: hunter2 }\n', /its users are no list/],
    [
      'a cluster of that name elsewhere',
      kubeconfig({ ...SETTINGS, server: 'https://other', certificateAuthority: { data: 'hunter2' } }),
      /another cluster that is called lab/,
    ],
    [
      'a context of that name of another cluster',
      'contexts: [{ name: lab, context: { cluster: prod, user: hunter2 } }]\n',
      /context lab that is another/,
    ],
  ])('is refused where it is or holds %s, without a word of it', (_, text, message) => {
    const merge = (): string => mergeKubeconfig(text, SETTINGS);
    expect(merge).toThrow(message);
    expect(merge).not.toThrow('hunter2');
  });
});
