import { load } from 'js-yaml';
import { expect, it } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { kubeconfig } from '../../src/render/kubeconfig.ts';

const SETTINGS = { name: 'lab', server: 'https://10.77.0.100:443', user: 'mcpk:admin' };

it('names certificates by path', () => {
  const text = kubeconfig({
    ...SETTINGS,
    certificateAuthority: { path: '/etc/kubernetes/pki/ca.crt' },
    clientCertificate: { path: '/etc/kubernetes/admin/tls.crt' },
    clientKey: { path: '/etc/kubernetes/admin/tls.key' },
  });
  expect(text).toBe(`apiVersion: v1
kind: Config
clusters:
  - name: lab
    cluster:
      server: https://10.77.0.100:443
      certificate-authority: /etc/kubernetes/pki/ca.crt
users:
  - name: mcpk:admin
    user:
      client-certificate: /etc/kubernetes/admin/tls.crt
      client-key: /etc/kubernetes/admin/tls.key
contexts:
  - name: lab
    context:
      cluster: lab
      user: mcpk:admin
current-context: lab
`);
});

it('embeds them for a file that leaves the host', () => {
  const text = kubeconfig({
    ...SETTINGS,
    namespace: 'web',
    certificateAuthority: { data: 'CA\n' },
    clientCertificate: { data: 'CERT\n' },
    clientKey: { data: new Secret('KEY\n', 'key') },
  });
  expect(load(text)).toMatchObject({
    clusters: [{ cluster: { 'certificate-authority-data': 'Q0EK' } }],
    users: [{ user: { 'client-certificate-data': 'Q0VSVAo=', 'client-key-data': 'S0VZCg==' } }],
    contexts: [{ context: { namespace: 'web' } }],
  });
});
