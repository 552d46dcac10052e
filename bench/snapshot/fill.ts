/**
 * `fill.ts FOLDER BYTES`: fills the simulated host's etcd (serve.sh) with keys of 8 kB of which nothing can be packed,
 * over its gateway.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';

const [folder = '', bytes = ''] = process.argv.slice(2);
const VALUE_BYTES = 8000;
/** In one transaction; etcd's limits are 128 and 1.5 MiB. */
const VALUES = 100;

const read = (name: string): Buffer => readFileSync(join(folder, name));
const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: read('etcd-ca.crt'), cert: read('healthcheck-client.crt'), key: read('healthcheck-client.key') }); // prettier-ignore

function put(values: readonly [key: string, value: Buffer][]): Promise<void> {
  const success = values.map(([key, value]) => ({
    requestPut: { key: Buffer.from(key).toString('base64'), value: value.toString('base64') },
  }));
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: 2379, path: '/v3/kv/txn', method: 'POST', agent }, (answer) => {
      answer.resume().once('end', () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`etcd answers ${String(answer.statusCode)}`));
      });
    });
    sent.once('error', reject).end(JSON.stringify({ success }));
  });
}

for (let at = 0; at * VALUE_BYTES < Number(bytes); at += VALUES)
  await put(Array.from({ length: VALUES }, (_, index) => [`/bench/${String(at + index)}`, randomBytes(VALUE_BYTES)]));
agent.destroy();
