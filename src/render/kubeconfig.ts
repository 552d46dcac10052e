import { Secret } from '../core/secret.ts';
import { toYaml } from './formats.ts';

/** A PEM: by path on the host that reads it, or embedded (what `mcpk kubeconfig` prints). */
export type PemSource = { path: string } | { data: string | Secret };

export interface KubeconfigSettings {
  /** Of cluster and context. */
  name: string;
  server: string; // https://10.77.0.100:443
  certificateAuthority: PemSource;
  user: string;
  clientCertificate: PemSource;
  clientKey: PemSource;
  namespace?: string;
}

/** A kubeconfig with one cluster, user and context. With an embedded key its text is a secret: wrap it. */
export function kubeconfig(settings: KubeconfigSettings): string {
  return toYaml({ apiVersion: 'v1', kind: 'Config', ...entries(settings), 'current-context': settings.name });
}

type Section = 'clusters' | 'users' | 'contexts';

/** The lists of a kubeconfig, with the one entry each that a cluster has there. */
export function entries(settings: KubeconfigSettings): Record<Section, [Record<string, unknown>]> {
  const { name, user, namespace } = settings;
  return {
    clusters: [
      { name, cluster: { server: settings.server, ...pem('certificate-authority', settings.certificateAuthority) } },
    ],
    users: [
      {
        name: user,
        user: { ...pem('client-certificate', settings.clientCertificate), ...pem('client-key', settings.clientKey) },
      },
    ],
    contexts: [{ name, context: { cluster: name, user, ...(namespace === undefined ? {} : { namespace }) } }],
  };
}

function pem(field: string, source: PemSource): Record<string, string> {
  if ('path' in source) return { [field]: source.path };
  const text = source.data instanceof Secret ? source.data.reveal() : source.data;
  return { [`${field}-data`]: Buffer.from(text).toString('base64') };
}
