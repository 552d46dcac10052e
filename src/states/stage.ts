import type { Facts, HostFacts } from '../cluster/facts.ts';
import type { Answer, GateCheck, GateContext, Ask, Guard } from '../cluster/gate.ts';
import type { Service } from '../core/services.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import type { Resource } from '../resources/types.ts';

/** All that a stage may look at while it describes one host. */
export interface StateContext {
  cluster: Cluster;
  host: Host;
  facts: Facts;
  /** This host's. */
  own: HostFacts;
  artifacts: ArtifactIndex;
  /** Text of the manifests that the inventory names (addons, Calico), by name. */
  manifests: ReadonlyMap<string, string>;
}

export interface Artifact {
  component: 'kubernetes' | 'etcd' | 'cni-plugins' | 'containerd' | 'runc';
  name: string;
  version: string;
  sha256: string;
  size: number;
  /** File on the operator's side. */
  source: string;
}

/** The binaries of this run, by name; throws `invalid` for an unknown one. */
export interface ArtifactIndex {
  get(name: string, arch: string): Artifact;
  all(): readonly Artifact[];
}

/** Returned by `states` in place of resources when an earlier stage must run first. */
export interface DeferredStates {
  deferred: true;
  until: string;
  why: string;
}

export interface Step {
  title: string;
  on: string; // host name
  run: Ask['argv'];
  stdin?: string;
  /** Undone (in reverse order) when the batch fails. */
  undo?: Ask['argv'];
  /** Half of it is found again by what it left (a mark on a Node, a list of members): its undo is noted nowhere. */
  marked?: true;
  /** Taken side by side with those next to it that have the same word here. */
  together?: string;
  /** It may take as long as an installation of packages. */
  long?: true;
  /** Node that it takes out of use, or lets in again. Once this has changed, its undo waits for the node's gates. */
  node?: string;
  /** Where it fails, its node is left out of the batch, and is as it was. */
  orSkip?: true;
  /** Its host boots: done once it is back, for which it is waited so many seconds. What runs there starts with it. */
  boots?: { limit: number };
  /** What the run hands over with it, by name: a file, sent ahead, or a secret, on its standard input. */
  sends?: string;
}

/** A step that a plan keeps: nothing is handed to it on its standard input, so that no secret is. */
export type StepAround = Omit<Step, 'stdin'>;

/** Around a batch: before it, after it, and once its gate has held; `work`: what its hosts do beside changes, side by side. */
export interface Steps {
  before: StepAround[];
  work?: StepAround[];
  after: StepAround[];
  held?: StepAround[];
}

/** Installed packages, and commands, that get another version, by host. */
export type Moving = ReadonlyMap<string, readonly string[]>;

/** The version that a service has once its unit on a host was started anew; undefined = not known to change. */
export type Brings = (host: string, service: Service) => string | undefined;

export interface AroundContext {
  cluster: Cluster;
  facts: Facts;
  batch: readonly string[];
  /**
   * Units that this batch starts, restarts or stops, by host; steps that only a restart needs look here, so that a
   * mended link does not stop a service. Absent = not known, every unit may restart.
   */
  restarting?: ReadonlyMap<string, readonly string[]>;
  /** Absent = none is known to. */
  moving?: Moving;
  /** The version that a service has then, where this changes it. Absent = the inventory's. */
  brings?: Brings;
}

export interface GuardContext extends AroundContext {
  restarting: ReadonlyMap<string, readonly string[]>;
  /** Hosts of the batches before this one. */
  earlier: readonly string[];
  /** Asked at plan time: what is down in `earlier` will be up by then. */
  ahead: boolean;
}

/**
 * Active checks. `setup` makes what they need (test pods), `checks` run in order, each with its own deadline
 * and its `next`, and `teardown` always runs afterwards, whatever failed.
 */
export interface Verification {
  setup: Step[];
  checks: GateCheck[];
  teardown: Step[];
}

/** `src/states/<name>.ts` exports one; `src/states/index.ts` has the one ordered array. */
export interface Stage {
  name: string;
  title: string;
  /** What it sees to, for docs/stages.md: a sentence without its full stop. */
  about?: string;
  /** Hosts that it describes, or the pseudo-host `api`. */
  hosts(cluster: Cluster): readonly Host[];
  /** True: it describes what the manifests say, which are fetched for it alone. */
  manifests?: true;
  /** True: it sends the binaries, which are fetched for it and for what needs it. */
  binaries?: true;
  /** True: resources live on the pseudo-host `api` (kubeObjects). `host` in the context is then the first master. */
  api?: boolean;
  needs: readonly string[];
  /**
   * Stages that it needs as well where its steps take nodes out of use, or are not known yet: kubectl needs an API server
   * that nobody restarts meanwhile. Where nothing is drained, as on a bring-up, it goes beside them.
   */
  drainsAfter?: readonly string[];
  /**
   * Stages that go along: what they change on a host on which this one changes something that it laid before, changes
   * with it, so that the host is stepped aside for once. Their gates hold with its own there.
   */
  along?: readonly string[];
  states(context: StateContext): Resource[] | DeferredStates;
  /** Problems that stop the run before anything changes, and warnings. */
  problems?(cluster: Cluster, facts: Facts): Problem[];
  /** Of those, what no inventory could mend: it stops a rollback too. */
  broken?(cluster: Cluster, facts: Facts): Problem[];
  /** Problems that hosts must be asked for, once the others are none; undefined = nothing to ask. */
  inquire?(context: InquiryContext): Inquiry | undefined;
  /** Batches of hosts in order; by default all at once. Called with the hosts that have changes. */
  rollout?(cluster: Cluster, facts: Facts, changed: readonly string[]): string[][];
  /** Hosts where what it lays down does not serve now: they go first, as they are the ones to be mended. */
  down?(cluster: Cluster, facts: Facts): readonly string[];
  /**
   * Why its batches and steps can't be planned yet, though what its hosts shall be is known: they are planned once the
   * stages that it needs are done. `moving`: as in {@link AroundContext}.
   */
  waits?(cluster: Cluster, facts: Facts, moving: Moving): Omit<DeferredStates, 'deferred'> | undefined;
  /** Hosts where a run before left something undone that `around` undoes, whether they change or not. */
  owes?(cluster: Cluster, facts: Facts): readonly string[];
  /** Hosts around which the inventory, or a wish, wants something by `around`, whether they change or not. */
  due?(cluster: Cluster, facts: Facts): readonly string[];
  /** `around` takes down those that are due: they go by `rollout` too. Absent = all at once. */
  inTurn?: true;
  /** In place of these where what a run did is put back: without what the inventory wants. */
  back?: Pick<Stage, 'around' | 'guard'>;
  /** What must hold of the others before a batch is taken down: asked at plan time, and again right before it. */
  guard?(context: GuardContext): Guard[];
  /** Asked by the planner alone: what it gives is kept in the plan, and carried out from there. */
  around?(context: AroundContext): Steps;
  gate?(context: GateContext): GateCheck[];
  /** It has nothing to do and nothing to check: then a run goes on as if it were none of the stages. Absent = never. */
  idle?(cluster: Cluster, facts: Facts): boolean;
  /** Hosts on which all that leaves does so with this stage, whatever stage laid it there. */
  takes?(cluster: Cluster, facts: Facts): readonly string[];
  /** Why its changes as a whole can't be undone, if so. */
  irreversible?(cluster: Cluster, facts: Facts): string | undefined;
  /** Active checks of `mcpk verify` and of a changed stage: may create and delete test pods. */
  verify?(context: GateContext): Verification;
}

export interface InquiryContext {
  cluster: Cluster;
  facts: Facts;
  /** Hosts that this run may change and that are not part of the cluster yet: mcpk owns nothing there. */
  newcomers: ReadonlySet<string>;
}

/** Asked of all hosts at once, before anything changes. */
export interface Inquiry {
  asks: Ask[];
  judge: (answers: readonly Answer[]) => Problem[];
}

export interface Problem {
  /**
   * `refused`: what a cluster that runs would not live through. It holds whatever is skipped. `warning`: is told, and
   * stops nothing. Absent = `preflight`.
   */
  code?: 'preflight' | 'refused' | 'warning';
  host?: string;
  message: string;
  hint?: string;
}
