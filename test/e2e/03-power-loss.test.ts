import { afterAll, describe, expect, it } from 'vitest';
import { powerOff, powerOn } from '../../lab/lab.ts';
import type { VerifyResult } from '../../src/engine/runs/verify.ts';
import type { RunResult } from '../../src/engine/types.ts';
import { allNodesReady, eventually, kubectl, MASTERS, mcpk, mcpkJson, on } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';

startFrom('ready', { leaves: 'ready' });

const lease = (name: string): Promise<string> =>
  kubectl('get', 'lease', '-n', 'kube-system', name, '-o', 'jsonpath={.spec.holderIdentity}');

async function holder(names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    if ((await on(name, 'ip', '-o', '-4', 'addr', 'show', 'to', '10.77.0.100')) !== '') found.push(name);
  }
  return found;
}

describe('a master that loses its power', () => {
  // Also after a failure: the files that follow need all hosts.
  afterAll(async () => {
    for (const name of MASTERS) await powerOn(name);
  });

  it('the API at the VIP keeps answering, the leases move, HAProxy shows it DOWN; back on, apply heals', async () => {
    const [victim] = await holder(MASTERS);
    if (victim === undefined) throw new Error('no master holds the VIP');
    const others = MASTERS.filter((name) => name !== victim);
    await powerOff(victim);

    await eventually('the VIP is on another master', 15, async () =>
      (await holder(others)).length === 1 ? true : undefined,
    );
    await eventually('the API answers at the VIP', 15, async () => {
      const ready = await kubectl('get', '--raw', '/readyz', '--request-timeout=2s').catch(() => '');
      return ready === 'ok' ? true : undefined;
    });
    for (const name of ['kube-scheduler', 'kube-controller-manager']) {
      await eventually(`${name} is led by a living master`, 60, async () => {
        const identity = await lease(name).catch(() => victim);
        return identity.startsWith(victim) ? undefined : true;
      });
    }
    await eventually('HAProxy shows it DOWN', 15, async () => {
      const stat = await on(
        others[0] ?? '',
        'sh',
        '-c',
        "echo 'show stat' | socat - UNIX-CONNECT:/run/haproxy/admin.sock",
      );
      const line = stat.split('\n').find((entry) => entry.split(',')[1] === victim);
      return line?.split(',').includes('DOWN') === true ? true : undefined;
    });

    const refused = await mcpk(['apply', '--yes']);
    expect(refused.code).toBe(11);
    expect(refused.stdout + refused.stderr).toContain(victim);

    const [heir] = await holder(others);
    await powerOn(victim);
    const moves = await eventually('all of it serves again', 180, async () => {
      const verified = await mcpk(['verify', '--json']);
      return verified.code === 0 ? (JSON.parse(verified.stdout) as VerifyResult).moves : undefined;
    });
    expect(moves.vip).toContainEqual({ at: expect.any(String) as string, from: victim, to: heir });
    const healed = await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect(healed.failed).toBe(0);
    await allNodesReady();
    expect(await holder(MASTERS)).toHaveLength(1);
    expect((await mcpkJson<RunResult>(['apply', '--yes'], 0)).changed).toBe(0);
  });
});
