import { readFileSync } from 'node:fs';
import { dump } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { PARTS } from '../../scripts/security/controls.ts';
import { failedControls, renderSecurityDoc } from '../../scripts/security/document.ts';
import { renderCluster, type Rendered } from '../../scripts/security/rendered.ts';

const seen = await renderCluster();
const controls = PARTS.flatMap((part) => part.controls);
const passing = controls.flatMap(({ id, verdict }) => (verdict.kind === 'pass' ? [id] : []));
const failing = (rendered: Rendered): string[] => failedControls(rendered).map(({ id }) => id);

describe('docs/security.md', () => {
  it('has each control of parts 1 to 4 once, in order', () => {
    const COUNTS: [string, number][] = [
      ['1.1', 21],
      ['1.2', 30],
      ['1.3', 7],
      ['1.4', 2],
      ['2', 7],
      ['3.1', 3],
      ['3.2', 2],
      ['4.1', 10],
      ['4.2', 14],
      ['4.3', 1],
    ];
    const wanted = COUNTS.flatMap(([part, count]) =>
      Array.from({ length: count }, (_each, index) => `${part}.${String(index + 1)}`),
    );
    expect(controls.map(({ id }) => id)).toEqual(wanted);
  });

  // A control that no longer passes: mend what is rendered, or say in scripts/security/controls.ts why it is meant so.
  it.each(passing)('%s passes in what is rendered', (id) => {
    expect(failing(seen)).not.toContain(id);
  });

  // Out of step? npm run generate
  it('is in step', () => {
    const text = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
    expect(text).toBe(renderSecurityDoc(seen));
  });
});

describe('a control that passes', () => {
  const ETCD = { 'auto-tls': true, 'client-cert-auth': false, 'cert-file': 'a' };
  /** Path of a file, and what must not be in it. */
  const FILES: Readonly<Record<string, object>> = {
    '/etc/kubernetes/api-server/authorization.yaml': { authorizers: [{ type: 'AlwaysAllow' }] },
    '/etc/kubernetes/api-server/audit-policy.yaml': { rules: [{ level: 'None', users: ['a'] }, { level: 'Metadata' }] },
    '/etc/kubernetes/scheduler/config.yaml': { enableProfiling: true },
    '/etc/etcd/etcd.yaml': { 'client-transport-security': ETCD, 'peer-transport-security': ETCD },
    '/etc/kubernetes/kubelet/config.yaml': {
      authentication: { anonymous: { enabled: true } },
      authorization: { mode: 'AlwaysAllow' },
      readOnlyPort: 10255,
      streamingConnectionIdleTimeout: '0s',
      makeIPTablesUtilChains: false,
      eventRecordQPS: -1,
      rotateCertificates: false,
      tlsCipherSuites: ['TLS_RSA_WITH_RC4_128_SHA'],
      podPidsLimit: -1,
      seccompDefault: false,
      featureGates: { RotateKubeletServerCertificate: false },
    },
    '/etc/kubernetes/kube-proxy/config.yaml': { metricsBindAddress: '0.0.0.0:10249' },
  };
  const FLAGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'kube-apiserver': {
      'token-auth-file': '/a',
      'enable-admission-plugins': 'AlwaysAdmit',
      'disable-admission-plugins': 'ServiceAccount,NamespaceLifecycle',
      profiling: 'true',
      'audit-log-maxage': '1',
      'audit-log-maxbackup': '1',
      'audit-log-maxsize': '1',
      'service-account-lookup': 'false',
      'encryption-provider-config': '',
      'tls-cipher-suites': 'TLS_RSA_WITH_RC4_128_SHA',
      'service-account-extend-token-expiration': 'true',
      'enable-bootstrap-token-auth': 'true',
    },
    'kube-controller-manager': {
      profiling: 'true',
      'use-service-account-credentials': 'false',
      'feature-gates': 'RotateKubeletServerCertificate=false',
      'bind-address': '0.0.0.0',
    },
    'kube-scheduler': { 'bind-address': '0.0.0.0' },
  };
  const spoiled: Rendered = {
    laid: seen.laid.map(({ path }) => ({ path, mode: '0777', owner: 'nobody', group: 'nogroup' })),
    texts: new Map([
      ...Object.entries(FILES).map(([path, tree]) => [path, [dump(tree)]] as const),
      ...Object.entries(FLAGS).map(([service, flags]) => {
        const lines = Object.entries(flags).map(([name, value]) => `  --${name}=${value} \\\n`);
        return [`/etc/systemd/system/${service}.service`, [lines.join('')]] as const;
      }),
    ]),
  };

  it.each(passing)('%s can fail', (id) => {
    expect(failing(spoiled)).toContain(id);
  });

  it('fails where nothing is rendered', () => {
    expect(failing({ laid: [], texts: new Map() })).toEqual(passing);
  });

  it.each([
    ['apiServer: { extraArgs: { profiling: true } }', '1.2.15'],
    ['hosts: [{ name: w2, kubelet: { config: { podPidsLimit: -1 } } }]', '4.2.13'],
    ['etcd: { config: { client-transport-security: { client-cert-auth: false } } }', '2.2'],
  ])('fails where one host breaks it: %s', async (over, id) => {
    const other = await renderCluster(over);
    expect(failing(other)).toEqual([id]);
    expect(() => renderSecurityDoc(other)).toThrow(`no longer pass: ${id}`);
  });
});
