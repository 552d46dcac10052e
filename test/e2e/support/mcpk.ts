import { mkdtemp, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { exec, host } from '../../../lab/lab.ts';
import { KUBECONFIG } from '../../../lab/operator.ts';
import { waitForNodes } from '../../../lab/nodes.ts';
import { CLONE } from '../../../lab/paths.ts';
import { commandOf } from '../../support/command-of.ts';
import { checkJson } from '../../support/json-schema.ts';

export const INVENTORY = 'inventories/lab.yaml';
export const MASTERS = ['m1', 'm2', 'm3'] as const;
export const NODES = ['m1', 'm2', 'm3', 'w1', 'w2'] as const;

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

/** `mcpk ARGS… -i inventories/lab.yaml [-i OVERLAY…]` on the operator's side. */
export function mcpk(args: readonly string[], overlays: readonly string[] = []): Promise<Said> {
  const inventories = [INVENTORY, ...overlays].flatMap((file) => ['-i', file]);
  return exec(['mcpk', ...args, ...inventories], { cwd: CLONE });
}

/** As {@link mcpk} with `--json`; the exit code must be the given one, and what is printed what schema/json says. */
export async function mcpkJson<T>(args: readonly string[], code: number, overlays: readonly string[] = []): Promise<T> {
  const said = await mcpk([...args, '--json'], overlays);
  expect(said.code, `mcpk ${args.join(' ')}\n${said.stdout.slice(-3000)}\n${said.stderr.slice(-3000)}`).toBe(code);
  const printed: unknown = JSON.parse(said.stdout);
  checkJson(commandOf(args) ?? '', printed);
  return printed as T;
}

/** An inventory to be merged over the lab's. */
export async function overlay(text: string): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'mcpk-e2e-')), 'overlay.yaml');
  await writeFile(file, text);
  return file;
}

export async function kubectl(...args: string[]): Promise<string> {
  const said = await exec(['kubectl', ...args]);
  expect(said.code, `kubectl ${args.join(' ')}: ${said.stderr}`).toBe(0);
  return said.stdout;
}

/** For kubectl on the operator's side: hosts that were bare before have other authorities now. */
export async function writeKubeconfig(): Promise<void> {
  const said = await mcpk(['kubeconfig', '--output', KUBECONFIG]);
  expect(said.code, said.stderr).toBe(0);
  expect((await stat(KUBECONFIG)).mode & 0o777).toBe(0o600);
}

/** Output of a command that must succeed on a host. */
export async function on(name: string, ...argv: string[]): Promise<string> {
  const said = await host(name, argv);
  expect(said.code, `${name}: ${argv.join(' ')}: ${said.stderr}`).toBe(0);
  return said.stdout;
}

/** Asks until the answer is there; the condition is what is waited for, never the clock. */
export async function eventually<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > deadline) throw new Error(`${what}: not so within ${String(seconds)} s`);
    // Between two looks the hosts, which share these processors, get on with it.
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Waits until all nodes are Ready. */
export async function allNodesReady(): Promise<void> {
  expect(await waitForNodes(90), 'nodes that are not Ready after 90 s').toEqual([]);
}

/** host → unit → its start (InvocationID and time), of the units that mcpk runs. */
export async function unitStarts(names: readonly string[] = NODES): Promise<Record<string, string>> {
  const starts: Record<string, string> = {};
  const properties = 'Id,InvocationID,ActiveEnterTimestampMonotonic';
  const asked = names.map(
    async (name) => [name, await on(name, 'systemctl', 'show', '-p', properties, ...UNITS)] as const,
  );
  for (const [name, shown] of await Promise.all(asked)) {
    for (const block of shown.trim().split('\n\n')) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
      );
      starts[`${name} ${fields['Id'] ?? ''}`] =
        `${fields['InvocationID'] ?? ''} ${fields['ActiveEnterTimestampMonotonic'] ?? ''}`;
    }
  }
  return starts;
}

const UNITS = [
  'etcd.service',
  'kube-apiserver.service',
  'kube-scheduler.service',
  'kube-controller-manager.service',
  'haproxy.service',
  'keepalived.service',
  'containerd.service',
  'kubelet.service',
  'kube-proxy.service',
];
