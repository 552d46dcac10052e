import type { KubeconfigSettings } from '../../src/render/kubeconfig.ts';

/** Of the lab's cluster; certificates and key are single words. */
export const SETTINGS: KubeconfigSettings = {
  name: 'lab',
  server: 'https://10.77.0.100:443',
  user: 'kubernetes-admin@lab',
  certificateAuthority: { data: 'CA' },
  clientCertificate: { data: 'CERT' },
  clientKey: { data: 'KEY' },
};
