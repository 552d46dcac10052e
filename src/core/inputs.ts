/** What a change of an input calls for, as a unit resource has it. */
export type Effect = 'live' | 'reload' | 'restart';

/**
 * Which inputs a process takes up by itself. Read in upstream's sources (Kubernetes 1.35–1.37, etcd 3.6–3.7); what
 * is not sure is `restart`. Binary, unit file, flags and environment are always `restart`.
 */
export const INPUTS = {
  'kube-apiserver': {
    servingCertificate: 'live',
    clientAuthority: 'live',
    frontProxyAuthority: 'live',
    /** --proxy-client-cert-file */
    frontProxyCertificate: 'live',
    kubeletCertificate: 'live',
    kubeletAuthority: 'restart',
    /** etcd's client reads the pair at each handshake, its authorities once. */
    etcdCertificate: 'live',
    etcdAuthority: 'restart',
    serviceAccountKeys: 'restart',
    /** With --encryption-provider-config-automatic-reload. */
    encryptionConfig: 'live',
    authenticationConfig: 'live',
    authorizationConfig: 'live',
    auditPolicy: 'restart',
  },
  'kube-controller-manager': {
    kubeconfig: 'restart',
    /** Named by path in the kubeconfig: client-go reads the pair anew. */
    clientCertificate: 'live',
    authority: 'restart',
    signingAuthority: 'live',
    serviceAccountKey: 'restart',
    rootAuthority: 'restart',
  },
  'kube-scheduler': { config: 'restart', kubeconfig: 'restart', clientCertificate: 'live', authority: 'restart' },
  kubelet: {
    config: 'restart',
    kubeconfig: 'restart',
    clientCertificate: 'live',
    clientAuthority: 'live',
    authority: 'restart',
    /** Gate ReloadKubeletServerCertificateFile, on since 1.31. */
    servingCertificate: 'live',
  },
  /** It watches its configuration and ends when that changes: a planned restart is better than an unplanned one. */
  'kube-proxy': { config: 'restart', kubeconfig: 'restart', clientCertificate: 'live', authority: 'restart' },
  etcd: { config: 'restart', certificate: 'live', authority: 'restart' },
  haproxy: { config: 'reload', certificate: 'reload', authority: 'reload' },
  keepalived: { config: 'reload' },
  containerd: { config: 'restart', /** hosts.toml below certs.d */ registries: 'live' },
} as const satisfies Record<string, Record<string, Effect>>;
