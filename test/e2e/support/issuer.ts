import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onOperatorSide } from '../../../lab/operator.ts';
import { CLONE } from '../../../lab/paths.ts';
import { OPERATOR_ADDRESS } from '../../../lab/topology.ts';
import { createAuthority } from '../../../src/pki/authority.ts';
import { signLeaf } from '../../../src/pki/leaf.ts';
import { leafSpec } from '../../pki/spec.ts';
import type { Pages } from './issuer-server.ts';

const PORT = 8443;
const KEY_ID = 'first';

/** An OIDC issuer that the lab's hosts reach, with a key of its own. */
export class Issuer {
  readonly url = `https://${OPERATOR_ADDRESS}:${String(PORT)}`;
  /** PEM, that its certificate is trusted by. */
  readonly authority: string;
  readonly #key: KeyObject;
  readonly #server: ChildProcess;

  private constructor(authority: string, key: KeyObject, server: ChildProcess) {
    this.authority = authority;
    this.#key = key;
    this.#server = server;
  }

  static async start(): Promise<Issuer> {
    const now = new Date();
    const recipe = { type: 'authority', commonName: 'login', days: 2, keyAlgorithm: 'ecdsa-p256' } as const;
    const authority = await createAuthority(recipe, now);
    const { cert, key } = await signLeaf(leafSpec({ ip: [OPERATOR_ADDRESS], days: 1 }), authority, now);
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const [command = '', ...args] = onOperatorSide([process.execPath, `${CLONE}/test/e2e/support/issuer-server.ts`]);
    const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const issuer = new Issuer(authority.cert, keys.privateKey, server);
    const pages: Pages = {
      cert,
      key: key.reveal(),
      port: PORT,
      pages: {
        '/.well-known/openid-configuration': {
          issuer: issuer.url,
          jwks_uri: `${issuer.url}/keys`,
          response_types_supported: ['id_token'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['ES256'],
        },
        '/keys': { keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: KEY_ID, use: 'sig', alg: 'ES256' }] },
      },
    };
    server.stdin.write(`${JSON.stringify(pages)}\n`);
    const ended = once(server, 'close').then(() => Promise.reject(new Error('the issuer ended')));
    await Promise.race([once(createInterface({ input: server.stdout }), 'line'), ended]);
    ended.catch(() => undefined);
    return issuer;
  }

  /** A token of ten minutes; `claims` over the usual ones, `key` in place of the issuer's. */
  token(claims: object, key: KeyObject = this.#key): string {
    const now = Math.floor(Date.now() / 1000);
    const usual = { iss: this.url, aud: 'kubernetes', iat: now, nbf: now - 60, exp: now + 600 };
    const words = [
      { alg: 'ES256', typ: 'JWT', kid: KEY_ID },
      { ...usual, ...claims },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
    const text = words.join('.');
    const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }

  async stop(): Promise<void> {
    this.#server.stdin?.end();
    if (this.#server.exitCode === null) await once(this.#server, 'close');
  }
}
