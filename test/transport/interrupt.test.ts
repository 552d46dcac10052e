import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inventory, mcpk, scratch } from '../commands/support.ts';

const address = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address;

let server: Server;
let file = '';

/** A host that takes the connection and never says a word. */
beforeEach(async () => {
  server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const key = join(await scratch(), 'key');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(key, privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  file = await inventory(`apiVersion: mcpk/v1
kind: Cluster
name: silent
ssh: { port: ${port}, agent: false, identityFiles: [${key}], connectTimeout: 60 }
hosts: [{ name: m1, address: ${address}, roles: [master] }]
network: { plugin: none }
`);
});

afterEach(() => server.close());

describe.skipIf(address === undefined)('a run that waits for a host', () => {
  it('ends with 130 and says how to go on when it is interrupted', async () => {
    const connected = once(server, 'connection');
    const running = mcpk(['facts', '-i', file]);
    await connected;
    process.emit('SIGINT');
    const said = await running;
    expect(said.code, said.stderr).toBe(130);
    expect(said.stderr).toContain('Interrupted: what was begun is brought to an end.');
    expect(said.stderr).toContain('Run the same command again to go on.');
  });

  it('ends with 130 when its time is over, in JSON too', async () => {
    const said = await mcpk(['facts', '--json', '--timeout', '1', '-i', file]);
    expect(said.code, said.stderr).toBe(130);
    expect(JSON.parse(said.stdout)).toMatchObject({ error: { code: 'interrupted' } });
    expect(said.stdout).toContain('not done within 1 s (--timeout)');
  });

  it('is asked before it is chosen by what it tells', async () => {
    const connected = once(server, 'connection');
    const running = mcpk(['exec', '--limit', 'fact:os.id=debian', '--timeout', '1', '-i', file, '--', 'true']);
    await connected;
    const said = await running;
    expect(said.code).toBe(130);
    // A command of somebody's own does not go on where it was.
    expect(said.stderr).not.toContain('to go on');
    expect(said.stderr).toContain('hint  It may have run on some of the hosts');
  });

  it('leaves no listener for signals behind', async () => {
    const before = process.listenerCount('SIGINT');
    await mcpk(['facts', '--timeout', '1', '-i', file]);
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
