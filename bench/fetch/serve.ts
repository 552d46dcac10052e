/**
 * `node serve.ts BYTES`: a release server on 127.0.0.1 in a process of its own, whose every file is the same random bytes.
 * Prints its port and their sha256 in a line of JSON, and ends with its standard input.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const body = randomBytes(Number(process.argv[2]));
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-length': body.length }).end(body);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  const sha256 = createHash('sha256').update(body).digest('hex');
  process.stdout.write(`${JSON.stringify({ port, sha256 })}\n`);
});
process.stdin.resume().on('end', () => process.exit());
