import { randomBytes } from 'node:crypto';
import { McpkError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';

/** Resources as the API server names them: `secrets`, `configmaps`, `deployments.apps`, `*.apps`, `*.*`. */
const RESOURCE = /^(\*|[a-z0-9-]+)(\.(\*|[a-z0-9.-]*))?$/;

/**
 * An EncryptionConfiguration (apiserver.config.k8s.io/v1) with one new secretbox key. `identity` comes last, so
 * that objects written before encryption was switched on can still be read.
 */
export function createEncryptionConfig(resources: readonly string[], now: Date): Secret {
  const bad = resources.find((name) => !RESOURCE.test(name));
  if (bad !== undefined || resources.length === 0) {
    throw new McpkError('invalid', `${bad === undefined ? 'no resource' : JSON.stringify(bad)} can't be encrypted`);
  }
  const text = [
    'apiVersion: apiserver.config.k8s.io/v1',
    'kind: EncryptionConfiguration',
    'resources:',
    '  - resources:',
    ...resources.map((name) => `      - ${JSON.stringify(name)}`),
    '    providers:',
    '      - secretbox:',
    '          keys:',
    // Stored objects name their key, so a later key must have another name.
    `            - name: key-${now.toISOString().slice(0, 10)}`,
    `              secret: ${randomBytes(32).toString('base64')}`,
    '      - identity: {}',
    '',
  ];
  return new Secret(text.join('\n'), 'encryption configuration');
}
