// A host that was taken over, in a process of its own: `node server.ts ATTACK FACTS`. It prints a line of JSON,
// {port, key}, and ends with its standard input. FACTS is a file: an honest host's answer to the question for them.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import ssh2 from 'ssh2';
import type { Connection, ServerChannel } from 'ssh2';
import { ATTACKS } from './attacks.ts';
import type { Attack, Records } from './attacks.ts';
import { FrameReader } from './frames.ts';
import { newKey } from '../transport/faulty-server.ts';

const [name = '', factsFile = ''] = process.argv.slice(2);
const attack: Attack = ATTACKS[name] ?? fail(`no attack ${name}`);
const facts = Object.entries(JSON.parse(readFileSync(factsFile, 'latin1')) as Record<string, string>);
const honest: Records = new Map(facts.map(([kind, text]) => [kind, Buffer.from(text, 'latin1')]));

function fail(why: string): never {
  throw new Error(why);
}

const key = newKey();
const ssh = new ssh2.Server({ hostKeys: [key.private] }, serve);
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  if (!attack.onSocket?.(socket)) ssh.injectSocket(socket);
});

function serve(connection: Connection): void {
  connection.on('error', () => undefined);
  connection.on('authentication', (context) => {
    if (attack.onLogin) return;
    if (context.method === 'publickey') context.accept();
    else context.reject(['publickey']);
  });
  connection.on('ready', () => {
    attack.onReady?.(connection);
    connection.on('session', (accept) => accept().on('exec', (start, _no, { command }) => run(start(), command)));
  });
}

function run(channel: ServerChannel, command: string): void {
  channel.on('error', () => undefined);
  if (attack.onStart?.(channel)) return;
  channel.write(`\n${command.split(' ').at(-1) ?? ''}\n${attack.greeting ?? 'ready 0\n'}`);
  const frames = new FrameReader((op, body) => answer(channel, op, body));
  channel.on('data', (chunk: Buffer) => frames.push(chunk));
}

function answer(channel: ServerChannel, op: string, body: Buffer): void {
  if (attack.onRequest?.(channel, op)) return;
  if (op === 'exec') {
    const said = attack.exec?.() ?? Buffer.alloc(0);
    for (const id of commandsOf(body)) {
      channel.write(`exec ${id} 1 ${String(said.length)} ${String(said.length)}\n`);
      channel.write(said);
    }
  } else {
    const isFacts = /^F /m.test(body.toString('latin1'));
    const records = new Map([...(isFacts ? honest : []), ...((isFacts ? attack.facts?.() : attack.reads?.()) ?? [])]);
    for (const [kind, bytes] of records) {
      channel.write(`${kind} ${String(bytes.length)}\n`);
      channel.write(bytes);
    }
  }
  channel.write('done 0 0\n');
}

/** Of the commands: a line `ID WORDS INPUT LIMIT` each, its words behind it, and its input. */
function commandsOf(body: Buffer): string[] {
  const lines = body.toString('latin1').split('\n');
  const ids: string[] = [];
  while (lines.length > 1) {
    const [id = '', words = '0', input = '0'] = (lines.shift() ?? '').split(' ');
    ids.push(id);
    lines.splice(0, Number(words) + Number(input));
  }
  return ids;
}

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ port, key: key.public.split(' ')[1] })}\n`);
});
process.stdin.resume().once('end', () => process.exit());
