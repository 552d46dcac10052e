import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { host, powerOff, powerOn } from '../../lab/lab.ts';
import { readyNodes } from '../../lab/nodes.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { holders, isClear } from './support/hosts.ts';
import { allNodesReady, eventually, kubectl, mcpk, mcpkJson, on, overlay } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';
import { FULL } from '../support/tier.ts';

startFrom('ready', { leaves: 'ready' });

/** A file in which the state of a host stands, so that it is the one that is changed. */
const stateFile = (name: string): Promise<string> => overlay(`hosts:\n  - { name: ${name}, state: present } # here\n`);

async function nothingToDo(files: readonly string[]): Promise<void> {
  // Pods of a host that has left start elsewhere: until they are ready a run waits for its gates.
  await eventually('verify finds nothing', 90, async () =>
    (await mcpk(['verify'], files)).code === 0 ? true : undefined,
  );
  const result = await mcpkJson<RunResult>(['apply', '--yes'], 0, files);
  expect(result).toMatchObject({ changed: 0, removed: 0, failed: 0 });
  // One that has left is not probed.
  for (const [name, { roundTrips }] of Object.entries(result.traffic)) expect(roundTrips, name).toBeLessThanOrEqual(2);
}

describe('a worker', () => {
  it('is drained and let in again by hand, and no run lifts that cordon', async () => {
    expect((await mcpk(['node', 'drain', 'w2', '--yes'])).code).toBe(0);
    expect((await mcpk(['apply', '--yes'])).code).toBe(0);
    expect(await kubectl('get', 'node', 'w2', '-o', 'jsonpath={.spec.unschedulable}')).toBe('true');
    expect((await mcpk(['node', 'uncordon', 'w2', '--yes'])).code).toBe(0);
    expect(await kubectl('get', 'node', 'w2', '-o', 'jsonpath={.spec.unschedulable}')).toBe('');
  });

  it('that is removed leaves the cluster and its host, but for what is not of mcpk', async () => {
    const file = await stateFile('w2');
    await on(
      'w2',
      'sh',
      '-ec',
      'echo mine >/etc/kubernetes/theirs; iptables -N THEIRS || iptables -F THEIRS; iptables -A THEIRS -j RETURN',
    );
    const { code, stdout, stderr } = await mcpk(['node', 'remove', 'w2', '--yes'], [file]);
    expect(code, stdout + stderr).toBe(0);
    expect(stderr).toContain(`${file}:2  - { name: w2, state: absent } # here`);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
      "w2: not of mcpk's making, and stays there: /etc/kubernetes/theirs",
    );
    expect(await readFile(file, 'utf8')).toBe('hosts:\n  - { name: w2, state: absent } # here\n');
    expect(await readyNodes()).toEqual(['m1', 'm2', 'm3', 'w1']);
    await isClear('w2');
    expect(await on('w2', 'cat', '/etc/kubernetes/theirs')).toBe('mine\n');
    expect(await on('w2', 'iptables-save')).toContain('-A THEIRS -j RETURN');
    await nothingToDo([file]);
  });

  it('comes back as a new one', async () => {
    const said = await mcpk(['apply', '--yes']);
    expect(said.code, said.stdout + said.stderr).toBe(0);
    await allNodesReady();
    const verified = await mcpk(['verify']);
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  });

  it('that is gone is never contacted, and forgotten', async () => {
    const file = await stateFile('w1');
    await powerOff('w1');
    try {
      const { code, stdout, stderr } = await mcpk(['node', 'remove', 'w1', '--gone', '--yes'], [file]);
      expect(code, stdout + stderr).toBe(0);
      expect(await readFile(file, 'utf8')).toContain('{ name: w1, state: gone } # here');
      expect(await kubectl('get', 'nodes', '-o', 'name')).not.toContain('node/w1');
      await nothingToDo([file]);
    } finally {
      await powerOn('w1');
    }
    const said = await mcpk(['apply', '--yes']);
    expect(said.code, said.stdout + said.stderr).toBe(0);
    await allNodesReady();
  });
});

describe('a node that no host of the inventory is', () => {
  it('is named by plan and verify, and left alone', async () => {
    const file = await overlay('hosts: [{ name: w2, state: gone }]\n');
    const foreign = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'x1' } };
    await on(
      'm1',
      'sh',
      '-ec',
      `echo '${JSON.stringify(foreign)}' | KUBECONFIG=/etc/kubernetes/admin/kubeconfig kubectl apply -f -`,
    );
    try {
      for (const command of [['plan'], ['verify']])
        expect((await mcpk(command)).stderr).toContain('the node x1 is no host');
      const plan = await mcpkJson<Plan>(['plan'], 2, [file]);
      const steps = plan.stages.flatMap((stage) => stage.steps.map(({ title }) => `${stage.name}: ${title}`));
      expect(steps).toEqual(['departure: delete the Node w2', 'departure: delete the pods that w2 had']);
    } finally {
      await kubectl('delete', 'node', 'x1');
    }
  });
});

describe.runIf(FULL)('a master', () => {
  let file: string;
  beforeAll(async () => {
    file = await overlay('hosts:\n  - { name: m3, state: present }\n');
  });

  it('that is removed hands over the VIP, leaves etcd and its host', async () => {
    const { code, stdout, stderr } = await mcpk(['node', 'remove', 'm3', '--yes'], [file]);
    expect(code, stdout + stderr).toBe(0);
    expect(await readyNodes()).toEqual(['m1', 'm2', 'w1', 'w2']);
    await isClear('m3');
    expect(await holders(['m1', 'm2', 'm3'])).toHaveLength(1);
    const leases = await kubectl(
      'get',
      'leases',
      '-n',
      'kube-system',
      '-l',
      'apiserver.kubernetes.io/identity',
      '-o',
      'name',
    );
    expect(leases.trim().split('\n')).toHaveLength(2);
    await nothingToDo([file]);
  });

  it('comes back, and never holds the VIP beside another one', async () => {
    const seen: string[][] = [];
    let over = false;
    const watch = (async () => {
      while (!over) seen.push(await holders(['m1', 'm2', 'm3']));
    })();
    const said = await mcpk(['apply', '--yes']);
    over = true;
    await watch;
    expect(said.code, said.stdout + said.stderr).toBe(0);
    expect(seen.filter((names) => names.length > 1)).toEqual([]);
    await allNodesReady();
  });

  it('that is gone and boots again takes no VIP and writes nothing', async () => {
    const gone = await overlay('hosts:\n  - { name: m3, state: present }\n');
    await powerOff('m3');
    const { code, stdout, stderr } = await mcpk(['node', 'remove', 'm3', '--gone', '--yes'], [gone]);
    expect(code, stdout + stderr).toBe(0);
    await powerOn('m3');
    await eventually('Keepalived of m3 runs', 60, async () =>
      (await host('m3', ['systemctl', 'is-active', 'keepalived'])).code === 0 ? true : undefined,
    );
    for (let look = 0; look < 20; look += 1) expect(await holders(['m1', 'm2', 'm3'])).not.toContain('m3');
    await eventually('etcd of m3 has ended', 60, async () =>
      (await host('m3', ['pgrep', '-x', 'etcd'])).code === 1 ? true : undefined,
    );
    // Its data is of no use any more: what it was is cleared before it joins as a new one.
    const cleared = await mcpk(['node', 'remove', 'm3', '--yes'], [gone]);
    expect(cleared.code, cleared.stdout + cleared.stderr).toBe(0);
    await isClear('m3');
    const said = await mcpk(['apply', '--yes']);
    expect(said.code, said.stdout + said.stderr).toBe(0);
    await allNodesReady();
  });
});
