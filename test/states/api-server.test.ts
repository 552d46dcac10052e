import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../src/cluster/facts.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import type { Resource } from '../../src/resources/types.ts';
import { apiServer } from '../../src/states/api-server.ts';
import { contextOf, factsOf, labCluster, registered } from './cluster.ts';

const FOLDER = '/etc/kubernetes/api-server';

const setting = (settings: object): Promise<Cluster> => labCluster(JSON.stringify({ apiServer: settings }));

/** What m1 gets. */
function states(cluster: Cluster, facts: Facts = factsOf(cluster)): Resource[] {
  const found = apiServer.states(contextOf(cluster, 'm1', facts));
  if (!Array.isArray(found)) throw new Error('deferred');
  return found;
}

function textAt(resources: readonly Resource[], path: string): string | undefined {
  const file = resources.find((each) => each.kind === 'file' && each.path === path);
  if (file?.kind !== 'file') return undefined;
  return file.content instanceof Secret ? file.content.reveal() : file.content;
}

const yamlAt = (resources: readonly Resource[], name: string): unknown =>
  load(textAt(resources, `${FOLDER}/${name}`) ?? '');

/** What follows a flag's name and `=` in the unit. */
function flag(resources: readonly Resource[], name: string): string | undefined {
  const unit = textAt(resources, '/etc/systemd/system/kube-apiserver.service') ?? '';
  return new RegExp(`^ {2}--${name}=(.*?)(?: \\\\)?$`, 'm').exec(unit)?.[1];
}

/** References whose change restarts the API server. */
function restarts(resources: readonly Resource[]): string[] {
  const unit = resources.find((each) => each.kind === 'unit');
  return unit?.inputs.flatMap(({ on, ref }) => (on === 'restart' ? [ref] : [])) ?? [];
}

describe('issuers of tokens', () => {
  const jwt = [
    {
      issuer: { url: 'https://login.example.org', audiences: ['k'] },
      claimMappings: { username: { claim: 'sub', prefix: 'login:' } },
    },
  ];

  it('stand beside what anonymous requests may ask', async () => {
    const resources = states(await setting({ authentication: { jwt } }));
    expect(yamlAt(resources, 'authentication.yaml')).toEqual({
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'AuthenticationConfiguration',
      jwt,
      anonymous: { enabled: true, conditions: [{ path: '/livez' }, { path: '/readyz' }, { path: '/healthz' }] },
    });
    expect(restarts(resources)).toContain(`file:${FOLDER}/authentication.yaml`);
  });
});

describe('PodSecurity', () => {
  const POD_SECURITY = `file:${FOLDER}/pod-security.yaml`;
  const stands = (cluster: Cluster, ...refs: string[]): Facts =>
    factsOf(
      cluster,
      { etcd: 'formed', nodes: registered(cluster) },
      { owned: ['unit:kubelet.service', ...refs].map((ref) => ({ ref, hash: '', stage: 'nodes' })) },
    );
  /** No API server answers. */
  const isDown = (facts: Facts): Facts => {
    const { nodes: _nodes, ...rest } = facts;
    return rest;
  };

  it('holds a new cluster to baseline, and warns of what is not restricted, but in kube-system', async () => {
    const resources = states(await labCluster());
    expect(yamlAt(resources, 'pod-security.yaml')).toMatchObject({
      kind: 'PodSecurityConfiguration',
      defaults: { enforce: 'baseline', warn: 'restricted', audit: 'restricted', 'enforce-version': 'latest' },
      exemptions: { namespaces: ['kube-system'] },
    });
    expect(yamlAt(resources, 'admission.yaml')).toMatchObject({
      kind: 'AdmissionConfiguration',
      plugins: [{ name: 'PodSecurity', path: `${FOLDER}/pod-security.yaml` }],
    });
    expect(flag(resources, 'admission-control-config-file')).toBe(`${FOLDER}/admission.yaml`);
    expect(restarts(resources)).toEqual(expect.arrayContaining([POD_SECURITY, `file:${FOLDER}/admission.yaml`]));
  });

  it('takes other levels and namespaces', async () => {
    const podSecurity = { enforce: 'restricted', warn: 'privileged', exemptNamespaces: ['kube-system', 'storage'] };
    expect(yamlAt(states(await setting({ admission: { podSecurity } })), 'pod-security.yaml')).toMatchObject({
      defaults: { enforce: 'restricted', warn: 'privileged' },
      exemptions: { namespaces: ['kube-system', 'storage'] },
    });
  });

  it.each([
    ['none', [], ['kube-system']],
    ['others', ['storage'], ['storage', 'kube-system']],
    ['it in another place', ['storage', 'kube-system', 'x'], ['storage', 'kube-system', 'x']],
  ])(
    'leaves kube-system alone, where our own pods are, also where the inventory names %s',
    async (_name, exemptNamespaces, namespaces) => {
      const podSecurity = { enabled: true, exemptNamespaces };
      expect(yamlAt(states(await setting({ admission: { podSecurity } })), 'pod-security.yaml')).toMatchObject({
        exemptions: { namespaces },
      });
    },
  );

  it.each<[string, boolean | undefined, (cluster: Cluster) => Facts, boolean, boolean]>([
    ['a new cluster', undefined, factsOf, true, false],
    ['a new cluster, switched off', false, factsOf, false, false],
    ['one that was cut off when etcd had formed', undefined, (cluster) => factsOf(cluster, { etcd: 'formed' }), true, false], // prettier-ignore
    ['one that stands without it', undefined, (cluster) => stands(cluster), false, true],
    ['one that stands without it and is down', undefined, (cluster) => isDown(stands(cluster)), false, true],
    ['one that stands without it, asked for', true, (cluster) => stands(cluster), true, false],
    ['one that stands without it, switched off', false, (cluster) => stands(cluster), false, false],
    ['one that stands with it', undefined, (cluster) => stands(cluster, POD_SECURITY), true, false],
    ['one that stands with it and is down', undefined, (cluster) => isDown(stands(cluster, POD_SECURITY)), true, false],
    ['one that stands with it, switched off', false, (cluster) => stands(cluster, POD_SECURITY), false, false],
  ])('of %s', async (_name, enabled, factsFor, on, told) => {
    const cluster = await setting({ admission: { podSecurity: { enabled } } });
    const facts = factsFor(cluster);
    const resources = states(cluster, facts);
    expect(textAt(resources, `${FOLDER}/pod-security.yaml`) !== undefined).toBe(on);
    expect(flag(resources, 'admission-control-config-file') !== undefined).toBe(on);
    const message: unknown = expect.stringMatching(
      /^PodSecurity stays off.*apiServer\.admission\.podSecurity\.enabled: true switches/,
    );
    expect(apiServer.problems?.(cluster, facts)).toEqual(told ? [{ code: 'warning', message }] : []);
  });

  it('that one master has comes to the others: a run was cut off, or a master is new', async () => {
    const cluster = await labCluster();
    const facts = stands(cluster);
    const m2 = stands(cluster, POD_SECURITY).hosts.get('m2');
    const hosts = new Map([...facts.hosts].map(([name, own]) => [name, name === 'm2' && m2 ? m2 : own]));
    expect(yamlAt(states(cluster, { ...facts, hosts }), 'pod-security.yaml')).toBeDefined();
  });

  it('is not needed for the configuration of other plugins, nor switched on by it', async () => {
    const plugins = [{ name: 'EventRateLimit', configuration: { apiVersion: 'a/v1', kind: 'Configuration' } }];
    const cluster = await setting({ admission: { plugins } });
    const resources = states(cluster, stands(cluster, `file:${FOLDER}/admission.yaml`));
    expect(yamlAt(resources, 'admission.yaml')).toMatchObject({ plugins });
    expect(textAt(resources, `${FOLDER}/pod-security.yaml`)).toBeUndefined();
    expect(yamlAt(states(cluster), 'admission.yaml')).toMatchObject({
      plugins: [{ name: 'PodSecurity' }, ...plugins],
    });
  });
});

describe('the audit log', () => {
  it('takes a policy without its kind and version', async () => {
    const rules = [{ level: 'Request' }];
    const resources = states(await setting({ audit: { policy: { rules, omitManagedFields: true } } }));
    expect(yamlAt(resources, 'audit-policy.yaml')).toEqual({
      apiVersion: 'audit.k8s.io/v1',
      kind: 'Policy',
      omitManagedFields: true,
      rules,
    });
  });

  it('is written elsewhere: the folder is made, and the unit may write there', async () => {
    const resources = states(await setting({ audit: { directory: '/srv/k8s/audit', compress: true, mode: 'batch' } }));
    expect(resources).toContainEqual(
      expect.objectContaining({ kind: 'directory', path: '/srv/k8s/audit', mode: '0700' }),
    );
    expect(textAt(resources, '/etc/systemd/system/kube-apiserver.service')).toContain(
      '\nReadWritePaths=/srv/k8s/audit\n',
    );
    const flags = ['path', 'compress', 'mode'].map((name) => flag(resources, `audit-log-${name}`));
    expect(flags).toEqual(['/srv/k8s/audit/audit.log', 'true', 'batch']);
    expect(resources.some((each) => each.kind === 'directory' && each.path.startsWith('/var/log'))).toBe(false);
  });

  it('goes to a server, too: what the API server logs in with there is shown nowhere', async () => {
    const kubeconfig = {
      clusters: [{ name: 'log', cluster: { server: 'https://log.example.org' } }],
      users: [{ name: 'me', user: { token: 'hunter2' } }],
      contexts: [{ name: 'log', context: { cluster: 'log', user: 'me' } }],
      'current-context': 'log',
    };
    const resources = states(await setting({ audit: { webhook: { kubeconfig } } }));
    expect(yamlAt(resources, 'audit-webhook.yaml')).toEqual({ apiVersion: 'v1', kind: 'Config', ...kubeconfig });
    expect(JSON.stringify(resources)).not.toContain('hunter2');
    expect(flag(resources, 'audit-webhook-config-file')).toBe(`${FOLDER}/audit-webhook.yaml`);
    expect(flag(resources, 'audit-webhook-mode')).toBe('batch');
    expect(restarts(resources)).toContain(`file:${FOLDER}/audit-webhook.yaml`);
    expect(resources).toContainEqual(expect.objectContaining({ mode: '0600', owner: 'kube-apiserver' }));
  });

  it('that is switched off leaves no flag, no file and no folder', async () => {
    const resources = states(await setting({ audit: { enabled: false, webhook: { kubeconfig: { clusters: [{}], contexts: [{}], 'current-context': 'a' } } } })); // prettier-ignore
    expect(resources.flatMap((each) => ('path' in each && each.path.includes('audit') ? [each.path] : []))).toEqual([]);
    expect(textAt(resources, '/etc/systemd/system/kube-apiserver.service')).not.toContain('audit');
  });
});

describe('further files of the API server', () => {
  const files = [
    { path: 'authorizer/kubeconfig.yaml', content: 'a: b\n', mode: '0640' },
    { path: 'token', content: 'hunter2', mode: '0644', secret: true },
  ];

  it("lie in a folder of mcpk's, belong to the service, and restart it", async () => {
    const resources = states(await setting({ files }));
    const owner = { owner: 'kube-apiserver', group: 'kube-apiserver' };
    expect(resources).toEqual(
      expect.arrayContaining([
        { kind: 'directory', path: `${FOLDER}/files`, mode: '0750', owner: 'root', group: 'kube-apiserver' },
        { kind: 'directory', path: `${FOLDER}/files/authorizer`, mode: '0750', owner: 'root', group: 'kube-apiserver' },
        { kind: 'file', path: `${FOLDER}/files/authorizer/kubeconfig.yaml`, content: 'a: b\n', mode: '0640', ...owner },
      ]),
    );
    for (const { path } of files) expect(restarts(resources)).toContain(`file:${FOLDER}/files/${path}`);
  });

  it('that are secret are shown nowhere, and nobody else may read them', async () => {
    const cluster = await setting({ files });
    const resources = states(cluster);
    expect(JSON.stringify([cluster, resources])).not.toContain('hunter2');
    expect(textAt(resources, `${FOLDER}/files/token`)).toBe('hunter2');
    expect(resources).toContainEqual(
      expect.objectContaining({ path: `${FOLDER}/files/token`, mode: '0600', owner: 'kube-apiserver' }),
    );
  });

  it('of none there is no folder', async () => {
    expect(JSON.stringify(states(await labCluster()))).not.toContain(`${FOLDER}/files`);
  });
});
