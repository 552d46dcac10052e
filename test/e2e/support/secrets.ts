import { PATHS } from '../../../src/core/paths.ts';
import { MASTERS, NODES, on } from './mcpk.ts';

/** Keys of PEM files, and what the API server encrypts with: everywhere that the stages lay secrets down. */
const WHERE = [
  PATHS.kubernetes,
  PATHS.etcd,
  PATHS.haproxy,
  PATHS.authorities,
  PATHS.generations,
  '/var/lib/kubelet/pki',
].join(' ');

/**
 * `m1 /etc/etcd/pki/peer.key` → a line from the middle of its private key: every secret that exists on the hosts. A
 * line of 64 characters is what any leak would show, and no two keys share one.
 */
export async function heldSecrets(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of NODES) {
    const text = await on(
      name,
      'sh',
      '-c',
      `grep -rlE -e '-----BEGIN [A-Z ]*PRIVATE KEY-----' ${WHERE} 2>/dev/null | while IFS= read -r path; do
         printf '%s %s\\n' "$(sed -n '/PRIVATE KEY-----/{n;p;q}' "$path")" "$path"
       done`,
    );
    for (const line of text.split('\n').filter(Boolean)) {
      const [secret = '', path = ''] = line.split(' ');
      if (secret.length >= 32) found.set(`${name} ${path}`, secret);
    }
  }
  for (const name of MASTERS) {
    const text = await on(name, 'sh', '-c', `grep -rhoE 'secret: *[A-Za-z0-9+/=]{32,}' ${PATHS.apiServer} || true`);
    for (const line of text.split('\n').filter(Boolean))
      found.set(`${name} encryption key`, line.replace(/^secret: */, ''));
  }
  return found;
}
