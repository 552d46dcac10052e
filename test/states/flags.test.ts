import { describe, expect, it } from 'vitest';
import type { GateCheck } from '../../src/cluster/gate.ts';
import type { HostFacts } from '../../src/cluster/facts.ts';
import { execute } from '../../src/engine/work/execute.ts';
import { holdGates } from '../../src/engine/hosts/gates.ts';
import type { StagePlan } from '../../src/engine/types.ts';
import { flags } from '../../src/states/flags.ts';
import { NOTHING } from '../fixtures/plan.ts';
import { fakeHands, fakeState, programOf } from '../engine/support/fake-hands.ts';
import { fakeReader } from '../engine/support/fake-reader.ts';
import { factsOf, labCluster } from './cluster.ts';

const OLD = '1.36.3';
const MASTER: HostFacts['runs'] = {
  ...{ 'kube-apiserver': OLD, 'kube-controller-manager': OLD, 'kube-scheduler': OLD },
  ...{ kubelet: OLD, 'kube-proxy': OLD },
};
const staged = (_host: string, name: string): string => `/store/${name}`;

async function gates(runs: HostFacts['runs'], hosts: string[], inventory = ''): Promise<GateCheck[]> {
  const cluster = await labCluster(inventory);
  return flags.gate?.({ cluster, facts: factsOf(cluster, {}, { runs }), hosts, staged }) ?? [];
}

const asked = (all: readonly GateCheck[]): string[] => all.map(({ asks: [ask] }) => `${ask!.host} ${ask!.argv[0]!}`);

describe('flags of new binaries', () => {
  it('are read by each that another version runs of, as its unit will give them', async () => {
    const all = await gates(MASTER, ['m1'], 'apiServer: { extraArgs: { event-ttl: 2h, profiling: null } }');
    const names = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'];
    expect(asked(all)).toEqual(names.map((name) => `m1 /store/${name}`));
    const argv = all[0]?.asks[0]?.argv ?? [];
    expect(argv).toEqual(expect.arrayContaining(['--event-ttl=2h', '--advertise-address=10.77.0.11']));
    expect(argv.some((flag) => flag.startsWith('--profiling'))).toBe(false);
    expect(argv.at(-1)).toBe('--version');
  });

  it.each<[string, HostFacts['runs'], string[], string[]]>([
    ['of a worker', { kubelet: OLD, 'kube-proxy': '1.37.1' }, ['w1'], ['w1 /store/kubelet']],
    ['of no host that runs what is wanted', { kubelet: '1.37.1' }, ['m1', 'w1'], []],
    ['of no host that runs nothing yet', {}, ['m1'], []],
    ['of no host that is left out', MASTER, [], []],
  ])('are read %s', async (_what, runs, hosts, expected) => expect(asked(await gates(runs, hosts))).toEqual(expected));

  it('are read by nobody where nothing is carried out', async () => {
    const cluster = await labCluster();
    expect(flags.gate?.({ cluster, facts: factsOf(cluster, {}, { runs: MASTER }), hosts: ['m1'] })).toEqual([]);
  });

  it.each([
    [1, 'E1129 run.go:72] "command failed" err="unknown flag: --cloud-provider"\n', /^unknown flag: --cloud-provider/],
    [1, 'Error: unrecognized feature gate: GangScheduling\n', /^unrecognized feature gate: GangScheduling/],
    [
      1,
      'invalid argument "x" for "--event-ttl" flag: time: invalid duration "x"\n',
      /^invalid argument "x" for "--event-ttl"/,
    ],
    [127, 'sh: /store/kubelet: not found', /not found/],
    [0, 'Warning: this flag is deprecated', undefined],
  ])('%i %j', async (exitCode, stderr, expected) => {
    const [gate] = await gates({ kubelet: OLD }, ['w1']);
    const wrong = gate?.check([{ host: 'w1', exitCode, stdout: '', stderr }]);
    if (expected === undefined) expect(wrong).toBeUndefined();
    else expect(wrong).toMatch(expected);
  });

  it('that one does not take end the run by preflight, once, with its name', async () => {
    const all = await gates({ kubelet: OLD }, ['w1']);
    const reader = fakeReader({ answer: () => ({ exitCode: 1, stderr: 'Error: unknown flag: --gone\n' }) });
    const run = { reader, stage: 'flags', emit: () => undefined, since: () => 0, signal: new AbortController().signal };
    await expect(holdGates(run, all)).rejects.toMatchObject({
      code: 'preflight',
      host: 'w1',
      message: 'flags: kubelet 1.37.1 takes its flags on w1: not so after 0 s',
      details: ['last answer  unknown flag: --gone'],
    });
    expect(reader.asked).toHaveLength(1);
  });

  it('are read before etcd is touched', async () => {
    const cluster = await labCluster();
    const facts = factsOf(cluster, {}, { runs: { kubelet: OLD } });
    const planOf = (name: string, needs: string[], hosts: string[], batches: string[][]): StagePlan => ({
      ...{ name, title: name, needs, batches, order: '', gates: [], steps: [] },
      hosts: hosts.map((host) => ({ host, items: [] })),
    });
    const stages = [
      { stage: { ...flags, needs: [] }, plan: planOf('flags', [], ['w1'], []), inScope: true, isHeld: false },
      {
        stage: { ...flags, name: 'etcd', needs: ['flags'], gate: () => [] },
        plan: planOf('etcd', ['flags'], ['m1'], [['m1']]),
        ...{ inScope: true, isHeld: false },
      },
    ];
    const hands = fakeHands({ facts, failing: ['kubelet 1.37.1 takes its flags on w1'] });
    const results = await execute(programOf(NOTHING, stages, { cluster, staged }), hands, fakeState());
    expect(results.map(({ name, status }) => [name, status])).toEqual([
      ['flags', 'failed'],
      ['etcd', 'skipped'],
    ]);
    expect(hands.done).toEqual(['hold kubelet 1.37.1 takes its flags on w1']);
  });
});
