import { readerOf } from '../../../src/engine/hosts/reader.ts';
import { describe, expect, it } from 'vitest';
import type { Explanation, GateCheck } from '../../../src/cluster/gate.ts';
import { askUnit } from '../../../src/cluster/unit.ts';
import type { Observed } from '../../../src/resources/types.ts';
import { McpkError } from '../../../src/core/errors.ts';
import type { Command, CommandResult, Fleet } from '../../../src/engine/hosts/fleet.ts';
import { heldStages, holdGates } from '../../../src/engine/hosts/gates.ts';
import { ask } from '../../../src/engine/hosts/ask.ts';
import type { Event } from '../../../src/engine/types.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

const OK: CommandResult = { exitCode: 0, stdout: 'ok', stderr: '' };

function fleet(answer: (host: string, command: Command, round: number) => CommandResult): {
  fleet: Fleet;
  asked: Map<string, Command[][]>;
} {
  const asked = new Map<string, Command[][]>();
  const stub = fakeFleet({
    exec(host, commands) {
      const rounds = asked.get(host) ?? [];
      asked.set(host, [...rounds, [...commands]]);
      return Promise.resolve(commands.map((command) => answer(host, command, rounds.length)));
    },
  });
  return { fleet: stub, asked };
}

function gate(title: string, host: string, more: Partial<GateCheck> = {}): GateCheck {
  return {
    title,
    asks: [{ host, argv: ['check', title] }],
    check: ([a]) => (a?.exitCode === 0 ? undefined : (a?.stderr ?? 'no answer')),
    deadline: 5,
    ...more,
  };
}

function runOf(stub: Fleet): { run: Parameters<typeof holdGates>[0]; events: Event[] } {
  const events: Event[] = [];
  return {
    events,
    run: {
      reader: readerOf(stub, new AbortController().signal),
      stage: 's',
      emit: (event) => events.push(event),
      since: () => 0,
      signal: new AbortController().signal,
    },
  };
}

describe('ask', () => {
  it('sends all of a host in one request and answers in the order of the asks', async () => {
    const { fleet: stub, asked } = fleet((host, command) => ({ ...OK, stdout: `${host} ${command.argv.join(' ')}` }));
    const answers = await ask(
      stub,
      [
        { host: 'a', argv: ['1'] },
        { host: 'b', argv: ['2'] },
        { host: 'a', argv: ['3'] },
      ],
      new AbortController().signal,
    );
    expect(answers.map((each) => each.stdout)).toEqual(['a 1', 'b 2', 'a 3']);
    expect(asked.get('a')).toHaveLength(1);
  });

  it('asks the same question of several gates once', async () => {
    const { fleet: stub, asked } = fleet(() => OK);
    const answers = await ask(
      stub,
      [
        { host: 'a', argv: ['x'] },
        { host: 'a', argv: ['x'] },
      ],
      new AbortController().signal,
    );
    expect(answers).toHaveLength(2);
    expect(asked.get('a')?.[0]).toHaveLength(1);
  });
});

describe('holdGates', () => {
  it('fails at once, as unreachable, when the session with a host that it asks is over', async () => {
    const { fleet: stub } = fleet(() => OK);
    const lost = new McpkError('unreachable', 'm1: the connection was lost', { host: 'm1' });
    const { run } = runOf({ ...stub, exec: () => Promise.reject(lost) });
    await expect(holdGates(run, [gate('up', 'm1', { deadline: 3600 })])).rejects.toBe(lost);
  });

  it('asks again until the gate holds, and only those that do not', async () => {
    const { fleet: stub, asked } = fleet((_, command, round) =>
      command.argv[1] === 'slow' && round < 2 ? { exitCode: 1, stdout: '', stderr: 'starting' } : OK,
    );
    const { run, events } = runOf(stub);
    await holdGates(run, [gate('quick', 'a'), gate('slow', 'a')]);
    expect(asked.get('a')?.map((commands) => commands.map((each) => each.argv[1]))).toEqual([
      ['quick', 'slow'],
      ['slow'],
      ['slow'],
    ]);
    expect(events.filter((event) => event.type === 'gate' && event.status === 'passed')).toHaveLength(2);
  });

  it('fails after the deadline with what was seen last and the journal of the unit', async () => {
    const { fleet: stub } = fleet((_, command) =>
      command.argv[0] === 'journalctl'
        ? { ...OK, stdout: 'bind: address in use\n' }
        : { exitCode: 1, stdout: '', stderr: 'refused' },
    );
    const failing = holdGates(runOf(stub).run, [
      gate('ready', 'm1', { deadline: 0, unit: { host: 'm1', name: 'etcd.service' } }),
    ]);
    await expect(failing).rejects.toMatchObject({ code: 'gate', exitCode: 16, host: 'm1' });
    await expect(failing).rejects.toMatchObject({
      details: ['last answer  refused', 'journal of etcd.service:', '  bind: address in use'],
    });
  });

  it('says what explains it, first one answer and then what that one made it possible to ask', async () => {
    const { fleet: stub } = fleet((_, command) => ({ exitCode: 1, stdout: command.argv.join(' '), stderr: 'refused' }));
    const step = (word: string, next?: Explanation): Explanation => ({
      asks: [{ host: 'm1', argv: ['read', word] }],
      tell: ([answer]) => ({ lines: [answer?.stdout ?? ''], ...(next ? { next } : {}) }),
    });
    const unreadable: Explanation = { ...step('noise'), tell: () => JSON.parse('{') as never };
    const gates = [{ ...gate('ready', 'm1', { deadline: 0 }), explain: () => step('pods', step('log', unreadable)) }];
    await expect(holdGates(runOf(stub).run, gates)).rejects.toMatchObject({
      details: ['last answer  refused', 'read pods', 'read log'],
    });
  });

  it('goes on with the checks that an answer made possible', async () => {
    const { fleet: stub, asked } = fleet((_, command) => ({
      ...OK,
      stdout: command.argv[1] === 'pods' ? '10.0.0.9' : 'ok',
    }));
    await holdGates(runOf(stub).run, [gate('pods', 'a', { next: ([a]) => [gate(`ping ${a?.stdout ?? ''}`, 'b')] })]);
    expect(asked.get('b')?.[0]?.[0]?.argv[1]).toBe('ping 10.0.0.9');
  });

  it('ends when the run is interrupted', async () => {
    const { fleet: stub } = fleet(() => ({ exitCode: 1, stdout: '', stderr: 'never' }));
    const abort = new AbortController();
    const waiting = holdGates({ ...runOf(stub).run, signal: abort.signal }, [gate('never', 'a')]);
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('heldStages', () => {
  const context = {
    cluster: {},
    facts: { hosts: new Map() },
    signal: new AbortController().signal,
  } as unknown as Parameters<typeof heldStages>[2];
  const stage = (name: string, gates: GateCheck[]): Stage => ({
    name,
    title: name,
    hosts: () => [],
    needs: [],
    states: () => [],
    gate: () => gates,
  });

  it('names the stages all of whose gates hold, and asks each host once', async () => {
    const { fleet: stub, asked } = fleet((_host, command) =>
      command.argv.includes('bad') ? { ...OK, exitCode: 1 } : OK,
    );
    const stages = [
      stage('etcd', [gate('good', 'm1'), gate('fine', 'm2')]),
      stage('api-server', [gate('good', 'm1'), gate('bad', 'm2')]),
      stage('system', []),
    ];
    const held = await heldStages(
      readerOf(stub, new AbortController().signal),
      stages,
      context,
      Promise.resolve(new Map()),
    );
    expect([...held]).toEqual(['etcd', 'system']);
    expect([asked.get('m1')?.length, asked.get('m2')?.length, asked.get('m1')?.[0]?.length]).toEqual([1, 1, 1]);
  });

  it('takes what the probe tells of a unit, and holds nothing that it did not see', async () => {
    const { fleet: stub, asked } = fleet(() => OK);
    const seen = { activeState: 'active', subState: 'running', startedAt: 1700000000.9 };
    const probed = new Map([['m1', { units: { 'a.service': seen } }]]) as unknown as Map<string, Observed>;
    const unitGate = (host: string): GateCheck => ({
      ...gate('unit', host, { check: ([answer]) => (answer?.stdout === SHOWN ? undefined : 'otherwise') }),
      asks: [askUnit(host, 'a.service')],
    });
    const SHOWN = 'ActiveState=active\nSubState=running\nExecMainStartTimestamp=@1700000000\n';
    const stages = [stage('seen', [unitGate('m1')]), stage('unseen', [unitGate('m2')])];
    expect([
      ...(await heldStages(readerOf(stub, new AbortController().signal), stages, context, Promise.resolve(probed))),
    ]).toEqual(['seen']);
    expect(asked.size).toBe(0);
  });
});
