import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import { eventually, kubectl, mcpk, mcpkJson, NODES, on, writeKubeconfig } from './support/mcpk.ts';
import { Running } from './support/running.ts';
import { startFrom } from './support/start-from.ts';

startFrom('bare', { leaves: 'ready' });

/** Each run is killed as soon as it says that this stage is done: others are then in the middle of theirs. */
const PLACES = [
  'preflight',
  'system',
  'certificates',
  'artifacts',
  'haproxy',
  'runtime',
  'etcd',
  'keepalived',
  'api-server',
  'nodes',
];

/** Runs apply and kills it (SIGKILL) at the line that ends the stage; false when it ended by itself before. */
async function killedAt(stage: string): Promise<boolean> {
  const run = new Running(['apply', '--yes']);
  const ended = await run.said(new RegExp(`✔ ${stage} `));
  const killed = ended !== undefined && run.kill('SIGKILL');
  await run.end();
  return killed;
}

/** In the full tier: the faults kill a run at each boundary of a change in the CI tier too. */
describe.runIf(FULL)('apply killed in the middle of the first bring-up', () => {
  it('at ten places, one run after the other: the last one finishes, and then nothing is left to do', async () => {
    for (const place of PLACES) {
      expect(await killedAt(place), `killed at ${place}`).toBe(true);
      // The dead run's session lets go by itself; the next run must not need a hand.
      await eventually(`the lock is free after ${place}`, 30, async () => {
        const said = await mcpk(['facts', '--limit', 'm1']);
        return said.code === 0 ? true : undefined;
      });
      await eventually(`no work of the killed run is left after ${place}`, 30, async () => {
        const counts = await Promise.all(
          NODES.map((name) => on(name, 'sh', '-c', 'flock -n /run/mcpk/lock true && echo free || echo held')),
        );
        return counts.every((text) => text.trim() === 'free') ? true : undefined;
      });
    }
    await mcpkJson<RunResult>(['apply', '--yes'], 0);
    await writeKubeconfig();
    const nodes = (await kubectl('get', 'nodes', '--no-headers')).trim().split('\n');
    expect(nodes.filter((line) => /\sReady\s/.test(line))).toHaveLength(NODES.length);
    expect(await mcpkJson<RunResult>(['apply', '--yes'], 0)).toMatchObject({ changed: 0 });
    for (const name of NODES)
      expect(
        await on(
          name,
          'sh',
          '-c',
          'find /etc /usr/local /opt/cni /var/lib/mcpk/store -name "*.mcpk" -o -name "*.tmp.*"',
        ),
      ).toBe('');
  });
});
