/**
 * An OIDC issuer, run on the operator's side: the two pages that an API server reads of one. What they say and its
 * certificate come as one JSON line on standard input; prints `ready`, and ends when standard input does.
 *
 * node issuer-server.ts
 */
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';

/** What the server is given to serve. */
export interface Pages {
  cert: string;
  key: string;
  port: number;
  /** Path → JSON. */
  pages: Record<string, object>;
}

const input = createInterface({ input: process.stdin });
input.once('line', (line) => {
  const { cert, key, port, pages } = JSON.parse(line) as Pages;
  const server = createServer({ cert, key }, ({ url = '' }, response) => {
    const page = pages[url];
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(page ?? {}));
  });
  server.listen(port, () => process.stdout.write('ready\n'));
});
input.on('close', () => process.exit(0));
