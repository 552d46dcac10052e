import { describe, expect, it } from 'vitest';
import type { GateCheck } from '../../../src/cluster/gate.ts';
import { McpkError } from '../../../src/core/errors.ts';
import { execute } from '../../../src/engine/work/execute.ts';
import type { StepAround } from '../../../src/states/stage.ts';
import { runOf, type FakeRun } from '../support/fake-run.ts';

interface Case {
  batches?: string[][];
  /** Hosts that do not come back. */
  gone?: string[];
  /** Nodes that come back and are not well. */
  sick?: string[];
  /** Hosts that do not even go down. */
  refusing?: string[];
}

/** Hosts that are cordoned, stand aside for the VIP, boot, and are let in again. */
function booting({ batches = [['w1', 'w2'], ['w3']], gone = [], sick = [], refusing = [] }: Case): FakeRun {
  const cordon = (node: string): StepAround => ({
    title: `cordon ${node}`,
    on: 'm1',
    run: ['cordon', node],
    undo: ['uncordon', node],
    marked: true,
    node,
  });
  const fake = runOf({
    nodes: {
      batches,
      items: [],
      around: ({ batch }) => ({
        before: [
          ...batch.map(cordon),
          ...batch.map((on) => ({ title: `stop ${on}`, on, run: ['stop', 'vip'], undo: ['start', 'vip'] })),
        ],
        work: batch.map((on) => ({ title: `reboot ${on}`, on, run: ['reboot'], boots: { limit: 1 } })),
        after: [],
        held: batch.map((node) => ({ title: `uncordon ${node}`, on: 'm1', run: ['uncordon', node], node })),
      }),
      gate: (hosts) =>
        hosts.map((host): GateCheck => ({
          title: `${host} well`,
          asks: [],
          check: () => (sick.includes(host) || gone.includes(host) ? 'it is not Ready' : undefined),
          host,
          deadline: 0,
        })),
    },
  });
  const steps = fake.hands.steps.bind(fake.hands);
  fake.hands.steps = async (taken, signal) => {
    if (!taken.some(({ boots }) => boots)) return steps(taken, signal);
    fake.log.push(`boot ${taken.map(({ on }) => on).join(' ')}`);
    return taken.map(({ on: host }) => {
      if (gone.includes(host)) {
        const lost = new McpkError('gate', `${host} is not back`, { host });
        return { host, exitCode: 255, stdout: '', stderr: '', lost };
      }
      return { host, exitCode: refusing.includes(host) ? 1 : 0, stdout: '', stderr: '' };
    });
  };
  return fake;
}

async function carried(given: Case): Promise<{ log: string[]; errors: string[] }> {
  const fake = booting(given);
  await execute(fake.program, fake.hands, fake.state);
  const errors = fake.state.failures.map(({ exitCode, message }) => `${exitCode} ${message}`);
  return { log: fake.log.filter((line) => !line.includes('stop vip')), errors };
}

const CORDONED = ['m1: cordon w1', 'm1: cordon w2'];

describe('hosts that boot', () => {
  it('do so side by side, once they stand aside, and get pods when their gates hold; then the next batch', async () => {
    const { log, errors } = await carried({});
    expect(errors).toEqual([]);
    expect(log).toEqual([
      ...CORDONED,
      'boot w1 w2',
      'm1: uncordon w1',
      'm1: uncordon w2',
      'm1: cordon w3',
      'boot w3',
      'm1: uncordon w3',
      'nodes changed',
    ]);
  });

  it('and do not come back stay cordoned and are named; the other of the batch is let in, the rest is not touched', async () => {
    const { log, errors } = await carried({ gone: ['w1'] });
    expect(log).toEqual([...CORDONED, 'boot w1 w2', 'm1: uncordon w2', 'nodes failed']);
    expect(errors).toEqual(['16 w1 is not back', expect.stringMatching(/^15 nodes: w1 stays cordoned/)]);
  });

  it('and are not well then stay cordoned as well', async () => {
    const { log, errors } = await carried({ sick: ['w2'] });
    expect(log).toEqual([...CORDONED, 'boot w1 w2', 'm1: uncordon w1', 'nodes failed']);
    expect(errors[0]).toMatch(/^16 nodes: w2 well/);
    expect(errors[1]).toMatch(/^15 nodes: w2 stays cordoned/);
  });

  it('need nothing started that was stopped before, as all starts with them', async () => {
    const started = async (given: Case): Promise<string[]> =>
      (await carried(given)).log.filter((line) => line.includes('start vip'));
    expect(await started({ gone: ['w1'] })).toEqual([]);
    expect(await started({ refusing: ['w1'] })).toEqual(['w1: start vip']);
  });
});
