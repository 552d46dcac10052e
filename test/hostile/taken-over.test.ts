import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMPONENTS } from '../../src/artifacts/components.ts';
import { withRuntimeSource } from '../../src/cluster/runtime-source.ts';
import { encodeFacts } from '../../src/engine/wire/wire-facts.ts';
import { loadScripts } from '../../src/engine/wire/scripts.ts';
import { loadTexts } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import { connect } from '../../src/transport/connect.ts';
import { hostName, knownHostLine } from '../../src/transport/known-hosts.ts';
import { ATTACKS } from './attacks.ts';
import { Relay } from './relay.ts';
import { Limit } from '../../src/core/limit.ts';
import { cannotRunSshd, Sshd } from '../transport/sshd.ts';

/** The figures of the promise: docs/reliability.md. */
const MOST_SILENCE_MS = 4000;
const MOST_MEMORY_KIB = 400 * 1024;

interface Ended {
  code: number | null;
  said: string;
  /** KiB, of the process at its largest. */
  memory: number;
  /** ms, the longest time in which the honest host heard nothing. */
  silence: number;
}

/** Processors are few: of those that work two at once, until they wait for nothing but the hostile host's end. */
const busy = new Limit(2);
const { signal } = new AbortController();

const impossible = cannotRunSshd();

describe.skipIf(impossible !== undefined)('one host of a run is taken over', () => {
  let sshd: Sshd;
  let facts: string;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mcpk-hostile-'));
    sshd = await Sshd.start();
    facts = join(folder, 'facts.json');
    writeFileSync(facts, JSON.stringify(await honestFacts(sshd)), 'latin1');
    const text = inventoryText({ relay: 1, port: 2, known: '/none' });
    shelve(withRuntimeSource(await loadTexts([{ file: 'inventory', text }], { env: {} })), join(folder, 'artifacts'));
  }, 30_000);
  afterAll(async () => {
    await sshd.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** `onLeft` is called when the honest host was left. */
  async function run(name: string, onLeft: () => void = () => undefined): Promise<Ended> {
    const server = spawn(process.execPath, [join(import.meta.dirname, 'server.ts'), name, facts], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const relay = await Relay.to(sshd.port, onLeft);
    try {
      const { value } = await createInterface(server.stdout)[Symbol.asyncIterator]().next();
      const hostile = JSON.parse(String(value)) as { port: number; key: string };
      const inventory = writeInventory({ relay: relay.port, hostile });
      const [command = 'facts', ...args] = ATTACKS[name]?.command ?? [];
      const ended = await mcpk([command, '-i', inventory, ...args]);
      return { ...ended, silence: relay.longestSilence };
    } finally {
      await relay.close();
      server.stdin.end();
      server.kill();
    }
  }

  /** Silence is measured until the honest host is left: so long it has its turn. */
  async function runInTurn(name: string): Promise<Ended> {
    const left = Promise.withResolvers<undefined>();
    const ended = Promise.withResolvers<Ended>();
    await busy.run(async () => {
      ended.resolve(run(name, () => left.resolve(undefined)));
      await Promise.race([left.promise, ended.promise]);
    }, signal);
    return ended.promise;
  }

  function inventoryText({ relay, port, known }: { relay: number; port: number; known: string }): string {
    return `apiVersion: mcpk/v1
kind: Cluster
name: hostile
endpoint: { address: 10.9.0.100, external: true }
ssh: { agent: false, user: root, identityFiles: [${sshd.identity}], knownHostsFiles: [${known}] }
hosts:
  - { name: m1, address: 127.0.0.1, internalAddress: 10.9.0.11, roles: [master], ssh: { port: ${String(relay)} } }
  - { name: w1, address: 127.0.0.1, internalAddress: 10.9.0.21, roles: [worker], ssh: { port: ${String(port)} } }
network: { plugin: none }
artifacts: { directory: ${join(folder, 'artifacts')}, download: false }
`;
  }

  function writeInventory({ relay, hostile }: { relay: number; hostile: { port: number; key: string } }): string {
    const base = join(folder, String(hostile.port));
    const keys: readonly [number, Buffer][] = [
      [relay, sshd.hostKey],
      [hostile.port, Buffer.from(hostile.key, 'base64')],
    ];
    writeFileSync(`${base}.known`, keys.map(([port, key]) => knownHostLine(hostName('127.0.0.1', port), key)).join(''));
    writeFileSync(`${base}.yaml`, inventoryText({ relay, port: hostile.port, known: `${base}.known` }));
    return `${base}.yaml`;
  }

  // Silence is time, and the machine has others to serve: what mcpk does to its hosts shows at each try.
  const options = { timeout: 600_000, retry: 2 };
  test.concurrent.each(Object.entries(ATTACKS))('%s', options, async (name, { ends = [11, 15], says }) => {
    const ended = await (ATTACKS[name]?.waits ? run(name) : runInTurn(name));
    expect(ends, ended.said).toContain(ended.code);
    expect(ended.said).toMatch(/w1/);
    expect(ended.said).toMatch(says ?? /./);
    expect(ended.memory).toBeLessThan(MOST_MEMORY_KIB);
    expect(ended.silence).toBeLessThan(MOST_SILENCE_MS);
  });
});

/** Something in place of each binary: a plan only names them. */
function shelve(cluster: Cluster, root: string): void {
  const bytes = 'a binary\n';
  const sum = createHash('sha256').update(bytes).digest('hex');
  for (const component of COMPONENTS) {
    const { name } = component;
    const files = component.required(cluster);
    const shelf = join(
      root,
      name,
      component.version(cluster),
      `linux-${process.arch === 'x64' ? 'amd64' : process.arch}`,
    );
    mkdirSync(shelf, { recursive: true });
    for (const file of files) writeFileSync(join(shelf, file), bytes);
    writeFileSync(join(shelf, 'SHA256SUMS'), files.map((file) => `${sum}  ${file}\n`).join(''));
  }
}

/** An honest host's answer, to be bent. */
async function honestFacts(sshd: Sshd): Promise<Record<string, string>> {
  const session = await connect(sshd.target(), { signal, lock: { kind: 'none', who: 'test' }, code: loadScripts() });
  const records: Record<string, string> = {};
  await session.request('probe', encodeFacts({ etcdLog: '/var/lib/etcd/member/wal' }), ({ kind, body }) => {
    records[kind] = body.toString('latin1');
  });
  await session.close();
  return records;
}

/** What it prints, and its largest size, which it tells itself when it exits. */
async function mcpk(args: readonly string[]): Promise<Omit<Ended, 'silence'>> {
  const tell = `import { readFileSync, writeSync } from 'node:fs';
process.on('exit', () => writeSync(3, /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]));`;
  const child = spawn(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(tell)}`,
      join(import.meta.dirname, '../../bin/dev.js'),
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], timeout: 90_000, killSignal: 'SIGKILL' },
  );
  const texts = ['', '', ''];
  for (const [index, stream] of child.stdio.slice(1).entries())
    stream?.on('data', (chunk: Buffer) => (texts[index] += chunk.toString('latin1')));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, said: `${texts[0] ?? ''}${texts[1] ?? ''}`, memory: Number(texts[2]) };
}
