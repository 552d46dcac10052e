import type { Facts } from '../../../src/cluster/facts.ts';
import { GateFailure } from '../../../src/engine/hosts/gates.ts';
import type { Program } from '../../../src/engine/plan/program.ts';
import type { Event, HostPlan, Plan, StagePlan } from '../../../src/engine/types.ts';
import type { Hands } from '../../../src/engine/work/hands.ts';
import { createState, type RunState } from '../../../src/engine/work/run-state.ts';

/** Hands that only remember what they were told to do, in order, as `WHAT WHERE`. */
export interface FakeHands extends Hands {
  done: string[];
  /** As `STAGE HOST`. */
  settled: string[];
}

export interface FakeHandsInput {
  facts: Facts;
  /** Called with each thing before it is done: what it throws is how that fails. */
  before?: (what: string) => void;
  /** Exit code of a step, by its title; else 0. */
  exits?: Readonly<Record<string, number>>;
  /** Titles of gates and guards that do not hold. */
  failing?: readonly string[];
  /** Plans of stages that were deferred. */
  later?: Readonly<Record<string, StagePlan>>;
}

export function fakeHands({ facts, before, exits = {}, failing = [], later = {} }: FakeHandsInput): FakeHands {
  const done: string[] = [];
  const settled: string[] = [];
  const act = async (what: string): Promise<void> => {
    await Promise.resolve();
    before?.(what);
    done.push(what);
  };
  const work = (verb: string) => (stage: string, plan: HostPlan) => act(`${verb} ${stage} ${plan.host}`);
  return {
    done,
    settled,
    facts,
    converge: work('converge'),
    objects: work('objects'),
    restore: work('restore'),
    async planOf({ stage, plan }) {
      if (!plan.deferred) return plan;
      await act(`plan ${stage.name}`);
      return later[stage.name] ?? plan;
    },
    owe: (_stage, { title, on }) => act(`owe ${title} (${on})`),
    settle: (stage, hosts) => hosts.forEach((host) => settled.push(`${stage} ${host}`)),
    async rollBack(stage, host) {
      await act(`roll back ${stage} ${host}`);
      return ['/etc/x'];
    },
    steps: (steps) =>
      Promise.all(
        steps.map(async ({ title, on, run }) => {
          await act(`${run.join(' ')} (${on})`);
          return { host: on, exitCode: exits[title] ?? 0, stdout: '', stderr: '' };
        }),
      ),
    async hold(gates, { stage, code = 'gate', stop }) {
      for (const { title, host } of gates) {
        await act(`hold ${title}`);
        if (!failing.includes(title)) continue;
        stop?.();
        throw new GateFailure(host, code, `${stage}: ${title}: not so after 0 s`, {
          host,
          details: ['last answer  no'],
        });
      }
    },
    close: (_stages, mended) => act(['close', ...mended].join(' ')),
    traffic: () => ({}),
  };
}

/** A program for these stages, as nothing else says. */
export function programOf(plan: Plan, stages: Program['stages'], more: Partial<Program> = {}): Program {
  return {
    cluster: {} as Program['cluster'],
    plan,
    stages,
    restores: false,
    forceUnsafe: false,
    noRollback: false,
    maxFailures: 0,
    pause: 0,
    ...more,
  };
}

export function fakeState(): RunState & { events: Event[] } {
  const events: Event[] = [];
  const signal = new AbortController().signal;
  const state = createState({ id: 'r', signal, since: () => 0, emit: (event) => events.push(event) });
  return Object.assign(state, { events });
}
