import type { Facts } from '../../cluster/facts.ts';
import type { Answer, GateCheck } from '../../cluster/gate.ts';
import { McpkError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { Step } from '../../states/stage.ts';
import type { Sent } from '../../states/wishes/wish.ts';
import { boot } from '../hosts/boot.ts';
import type { Fleet } from '../hosts/fleet.ts';
import { holdGates, runSteps, type GateRun } from '../hosts/gates.ts';
import type { HostsAtOnce } from '../hosts/hosts-at-once.ts';
import type { Generation } from '../past/generations.ts';
import { owedWords } from '../past/owed-lines.ts';
import type { ProgramStage, Work } from '../plan/program.ts';
import type { HostPlan, PlannedStep, RunResult, StagePlan } from '../types.ts';
import { convergeApi } from './api.ts';
import { convergeHost } from './converge.ts';
import type { Means } from './means.ts';
import { prune } from './prune.ts';
import { restoreGeneration, restoreHost } from './restore.ts';
import type { RunState } from './run-state.ts';

/** What asks hosts, and takes steps on them. */
export interface AskingHands {
  /** Side by side; an answer each. */
  steps(steps: readonly Step[], signal: AbortSignal): Promise<Answer[]>;
  /** Returns when all hold; throws as {@link holdGates}. */
  hold(gates: readonly GateCheck[], how: HoldHow): Promise<void>;
}

export type HoldHow = Pick<GateRun, 'stage' | 'hint' | 'code' | 'stop'>;

/** All that `execute` does to the hosts, it does by these: in a test they are others. */
export interface Hands extends AskingHands, Record<Work, (stage: string, plan: HostPlan) => Promise<void>> {
  /** What is known of the cluster by now. */
  readonly facts: Facts;
  /** The plan of a stage whose turn has come; one that was deferred is read and compared first. */
  planOf(stage: ProgramStage): Promise<StagePlan>;
  /** Notes on the step's host that its undo is owed, until {@link Hands.settle}. */
  owe(stage: string, step: PlannedStep): Promise<void>;
  /** These hosts owe the stage nothing any more. */
  settle(stage: string, hosts: readonly string[]): void;
  /** Undoes what this run did to a stage on a host; what was put back, one line each. */
  rollBack(stage: string, host: string): Promise<string[]>;
  /** The run is over: told to the hosts that it changed, and to `mended`, where one before it was cut off. */
  close(stages: RunResult['stages'], mended: readonly string[]): Promise<void>;
  traffic(): RunResult['traffic'];
}

export interface HandsInput {
  /** As many hosts are changed at once. */
  changing: HostsAtOnce;
  /** Makes the plan of a stage that was deferred. */
  undefer: (stage: ProgramStage) => Promise<StagePlan>;
  /** What `mcpk rollback` puts back. */
  generations?: readonly Generation[];
  /** What steps send, by its name. */
  sent?: ReadonlyMap<string, Sent>;
}

/** The hands that work on hosts. */
export function createHands(means: Means, { changing, undefer, generations = [], sent }: HandsInput): Hands {
  const { state, fleet, journal } = means;
  const { owed = [] } = means.facts;
  /** `STAGE HOST`: what this run owes, and what it found owed. */
  const owing = new Set<string>();
  const inherited = new Set(owed.map(({ stage, host }) => `${stage} ${host}`));
  const settle = (stage: string, hosts: readonly string[]): void => {
    for (const host of hosts) {
      const had = [owing, inherited].filter((each) => each.delete(`${stage} ${host}`));
      if (had.length > 0) journal.note(host, 'settled', stage);
    }
  };
  return {
    ...askingHands(means, state),
    steps: async (steps, signal) => {
      const sending = steps.map((step) => withSent(means, step, { sent, signal }));
      return runOrBoot(fleet, await Promise.all(sending), signal);
    },
    get facts() {
      return means.facts;
    },
    planOf: (stage) => (stage.plan.deferred ? undefer(stage) : Promise.resolve(stage.plan)),
    converge: (stage, plan) => changing.run(plan.host, () => convergeHost(means, stage, plan), state.signal),
    objects: (stage, plan) => convergeApi(means, stage, plan),
    async restore(stage, { host }) {
      const generation = generations.find((each) => each.stage === stage && each.host === host);
      if (!generation) throw new McpkError('unexpected', `${host} keeps nothing of ${stage}`);
      await restoreGeneration(means, generation);
    },
    async owe(stage, { on, undo = [] }) {
      owing.add(`${stage} ${on}`);
      journal.note(on, 'owed', ...owedWords(stage, undo));
      await journal.send(on);
    },
    settle,
    rollBack(stage, host) {
      const owned = means.facts.hosts.get(host)?.owned ?? [];
      return means.turn(host, () => restoreHost(means, { stage, host, from: state.id, owned }));
    },
    async close(stages, mended) {
      for (const { stage, host } of owed) if (mended.includes(host)) settle(stage, [host]);
      const left = owed.filter(({ stage, host }) => inherited.has(`${stage} ${host}`));
      await journal.close(state.failures, mended, new Set(left.map(({ host }) => host)));
      await prune(means, stages);
    },
    traffic: () => trafficOf(fleet),
  };
}

/** Steps that have their hosts boot stand together, or by themselves. */
async function runOrBoot(fleet: Fleet, steps: readonly Step[], signal: AbortSignal): Promise<Answer[]> {
  const booting = steps.flatMap(({ boots, ...step }) => (boots ? [{ ...step, boots }] : []));
  if (booting.length === 0) return runSteps(fleet, steps, signal);
  return Promise.all(booting.map((step) => boot(fleet, step, signal)));
}

interface Sending {
  sent: HandsInput['sent'];
  signal: AbortSignal;
}

/** The step, once what it sends is on its way with it. */
async function withSent({ fleet }: Means, step: Step, { sent, signal }: Sending): Promise<Step> {
  if (step.sends === undefined) return step;
  const given = sent?.get(step.sends);
  if (given === undefined) throw new McpkError('unexpected', `${step.title}: there is no ${step.sends} to send`);
  if (given instanceof Secret) return { ...step, stdin: given.reveal() };
  await fleet.upload(step.on, { ...given, onBytes: () => undefined }, signal);
  return step;
}

export function askingHands(
  { fleet, reader }: Pick<Means, 'fleet' | 'reader'>,
  run: Pick<RunState, 'emit' | 'since' | 'signal'>,
): AskingHands {
  const { emit, since, signal } = run;
  return {
    steps: (steps, until) => runSteps(fleet, steps, until),
    hold: (gates, how) => holdGates({ reader, emit, since, signal, ...how }, gates),
  };
}

export function trafficOf({ sessions }: Fleet): RunResult['traffic'] {
  return Object.fromEntries([...sessions].map(([host, session]) => [host, { ...session.traffic }]));
}
