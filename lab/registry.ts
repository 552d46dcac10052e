import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackPackage } from './apt.ts';
import { LabError } from './errors.ts';
import { exists } from './machine.ts';
import { OPERATOR_NETNS } from './network.ts';
import { onOperatorSide } from './operator.ts';
import { CACHE, STATE } from './paths.ts';
import { isAlive, running, signal, startDetached, waitUntilGone, type ProcessId } from './processes.ts';
import { capture } from './run.ts';
import { OPERATOR_ADDRESS, REGISTRY_PORT } from './topology.ts';

const FOLDER = join(STATE, 'registry');
const PID_FILE = join(FOLDER, 'pid');
const LOG = join(FOLDER, 'log');

export function registryProcess(): Promise<ProcessId | undefined> {
  return running(PID_FILE);
}

/** Starts Debian's docker-registry on the operator's side, read-only over a store from the cache. */
export async function startRegistry(store: string): Promise<boolean> {
  if ((await registryProcess()) !== undefined) return false;
  const program = await ensureProgram();
  await mkdir(FOLDER, { recursive: true });
  const config = join(FOLDER, 'config.yml');
  await writeFile(config, configuration(store));
  const registry = await startDetached(onOperatorSide([program, 'serve', config]), {
    log: LOG,
    pidFile: PID_FILE,
    env: { OTEL_TRACES_EXPORTER: 'none' },
  });
  await waitUntilListening(registry);
  return true;
}

export async function stopRegistry(): Promise<void> {
  const registry = await registryProcess();
  if (registry === undefined) return;
  signal(registry, 'SIGTERM');
  if (await waitUntilGone(registry, 3_000)) return;
  signal(registry, 'SIGKILL');
  await waitUntilGone(registry, 3_000);
}

/** The package is taken apart rather than installed: its service must not start on this machine. */
async function ensureProgram(): Promise<string> {
  const directory = join(CACHE, 'tools', 'docker-registry');
  const program = join(directory, 'usr/bin/docker-registry');
  if (!(await exists(program))) {
    await mkdir(join(CACHE, 'tools'), { recursive: true });
    await unpackPackage('docker-registry', directory);
  }
  return program;
}

function configuration(store: string): string {
  return `version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: ${JSON.stringify(store)}}
  maintenance: {uploadpurging: {enabled: false}, readonly: {enabled: true}}
http: {addr: "${OPERATOR_ADDRESS}:${REGISTRY_PORT}"}
`;
}

async function waitUntilListening(registry: ProcessId): Promise<void> {
  const deadline = Date.now() + 10_000;
  const port = REGISTRY_PORT.toString(16).toUpperCase().padStart(4, '0');
  const listening = new RegExp(`^\\s*\\d+: [0-9A-F]+:${port} [0-9A-F:]+ 0A `, 'm');
  while (Date.now() < deadline && isAlive(registry)) {
    const { stdout } = await capture(['ip', 'netns', 'exec', OPERATOR_NETNS, 'cat', '/proc/net/tcp', '/proc/net/tcp6']);
    if (listening.test(stdout)) return;
    await sleep(50);
  }
  const said = (await readFile(LOG, 'utf8')).trim().split('\n').slice(-8).join('\n  ');
  throw new LabError(`the lab's registry does not listen on ${OPERATOR_ADDRESS}:${REGISTRY_PORT}:\n  ${said}`, {
    hint: `its whole log is in ${LOG}`,
  });
}
