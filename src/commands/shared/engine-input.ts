import { hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { OpenOptions } from '../../artifacts/open.ts';
import type { Pins, PinsOptions } from '../../artifacts/pins.ts';
import type { Facts } from '../../cluster/facts.ts';
import { McpkError } from '../../core/errors.ts';
import type { EngineInput } from '../../engine/input.ts';
import type { Emit, Event } from '../../engine/types.ts';
import { needsFacts, parseExpression } from '../../inventory/expression.ts';
import { select } from '../../inventory/targeting.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { nearest } from '../../inventory/nearest.ts';
import { hiding } from './hiding.ts';
import type { FetchView } from '../../report/fetch-view.ts';
import type { ArtifactIndex, Stage } from '../../states/stage.ts';

export interface RunFlags {
  limit?: string | undefined;
  only?: string[] | undefined;
  skip?: string[] | undefined;
  concurrency: number;
  'accept-new-host-keys': boolean;
  'skip-unreachable'?: string | undefined;
  'wait-lock'?: number | undefined;
  'wait-for-hosts'?: number | undefined;
  'host-keys-from'?: string | undefined;
  'no-rollback'?: boolean | undefined;
  'update-lock'?: boolean | undefined;
  locked?: boolean | undefined;
  snapshot?: string | undefined;
  'no-snapshot'?: boolean | undefined;
}

export interface Caller {
  command: string;
  version: string;
  signal: AbortSignal;
  emit: Emit;
  /** Is told how far downloads are, where somebody looks. */
  fetchView?: () => Promise<FetchView>;
}

export interface InputOptions {
  /** False: nothing will be compiled; named: what is there will do, and nothing is fetched. */
  artifacts: boolean | 'named';
  manifests?: boolean;
  /** Where a `--limit` that asks for facts gets them; by default from the hosts. */
  facts?: (input: EngineInput) => Promise<Facts>;
}

/** What the engine needs for any command that talks to hosts. */
export async function engineInput(
  cluster: Cluster,
  flags: RunFlags,
  caller: Caller,
  options: InputOptions,
): Promise<EngineInput> {
  const { STAGES } = await import('../../states/index.ts');
  const who = `${userInfo().username}@${hostname()}`;
  const only = stageNames('--only', flags.only, STAGES);
  const skip = stageNames('--skip', flags.skip, STAGES);
  if (STAGES.every(({ name }) => skip?.has(name) === true || only?.has(name) === false))
    throw new McpkError('usage', '--only and --skip leave no stage', {
      hint: 'Take one that is wanted out of --skip.',
    });
  const byFacts = flags.limit !== undefined && needsFacts(parseExpression(flags.limit));
  const limit = flags.limit === undefined || byFacts ? undefined : named(select(cluster, flags.limit));
  const input: EngineInput = {
    cluster,
    stages: STAGES,
    artifacts: NO_ARTIFACTS,
    manifests: new Map(),
    ...(await materialsOf(cluster, options, {
      update: flags['update-lock'] ?? false,
      locked: flags.locked ?? false,
      signal: caller.signal,
      ...(caller.fetchView ? { fetchView: caller.fetchView } : {}),
      onWait: (message) => caller.emit({ at: 0, type: 'warning', message }),
    })),
    selection: { ...(limit ? { limit } : {}), ...(only ? { only } : {}), ...(skip ? { skip } : {}) },
    concurrency: flags.concurrency,
    acceptNewHostKeys: flags['accept-new-host-keys'],
    hostKeys: await givenKeys(flags['host-keys-from'], caller.signal),
    waitForHosts: flags['wait-for-hosts'],
    ...(flags['skip-unreachable'] === undefined ? {} : { skipUnreachable: flags['skip-unreachable'] }),
    snapshot: flags['no-snapshot'] ? undefined : placeOf(flags.snapshot ?? '.'),
    noRollback: flags['no-rollback'] ?? false,
    signal: caller.signal,
    emit: hiding(caller.emit, cluster.hidden ?? []),
    who,
    lockNote: `${who} pid ${process.pid}, ${caller.command}`,
    ...(flags['wait-lock'] === undefined ? {} : { waitLock: flags['wait-lock'] }),
    tool: `mcpk ${caller.version}`,
    command: caller.command,
  };
  if (flags.limit === undefined || !byFacts) return input;
  const facts = await (options.facts ?? gathered)(input);
  return { ...input, selection: { ...input.selection, limit: named(select(cluster, flags.limit, facts.hosts)) } };
}

/** Hosts that are chosen by what they tell are all asked first, without the lock; then the run begins with the few. */
async function gathered(input: EngineInput): Promise<Facts> {
  const { gatherFacts } = await import('../../engine/runs/reading.ts');
  const isAwaited = ({ type }: Event): boolean => type === 'awaited';
  return gatherFacts({ ...input, emit: (event) => (isAwaited(event) ? input.emit(event) : undefined) });
}

async function givenKeys(from: string | undefined, signal: AbortSignal): Promise<EngineInput['hostKeys']> {
  if (from === undefined) return undefined;
  const { HostKeysFrom } = await import('../../transport/host-keys-from.ts');
  return HostKeysFrom.open(from, signal);
}

/** As a plan keeps it. A slash at its end, which makes it a folder, stays. */
function placeOf(path: string): string {
  return isAbsolute(path) ? path : join(process.cwd(), path);
}

function named(hosts: readonly Host[]): Set<string> {
  return new Set(hosts.map((host) => host.name));
}

/** What people call stages, or look for in them. */
const STAGE_OF: ReadonlyMap<string, string> = new Map(
  Object.entries({
    certs: 'certificates',
    pki: 'certificates',
    containerd: 'runtime',
    runc: 'runtime',
    kubelet: 'nodes',
    'kube-proxy': 'nodes',
    'kube-apiserver': 'api-server',
    'controller-manager': 'controllers',
    scheduler: 'controllers',
    cni: 'network',
    coredns: 'addons',
    vip: 'keepalived',
    loadbalancer: 'haproxy',
    binaries: 'artifacts',
    backup: 'etcd-backup',
    sysctls: 'system',
    packages: 'system',
  }),
);

function stageNames(
  flag: string,
  names: readonly string[] | undefined,
  stages: readonly Stage[],
): Set<string> | undefined {
  if (!names || names.length === 0) return undefined;
  const known = stages.map((stage) => stage.name);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong === undefined) return new Set(names);
  const close = STAGE_OF.get(wrong.toLowerCase()) ?? nearest(wrong, known);
  throw new McpkError(
    'usage',
    `${flag}: there is no stage ${JSON.stringify(wrong)}${close ? `; did you mean ${close}?` : ''}`,
    {
      hint: `The stages are ${known.join(', ')}.`,
    },
  );
}

/** What was fetched stands in the lock file, whatever becomes of the run. */
async function materialsOf(
  cluster: Cluster,
  { artifacts, manifests = artifacts !== false }: InputOptions,
  {
    signal,
    onWait,
    fetchView,
    ...how
  }: PinsOptions & Pick<OpenOptions, 'signal' | 'onWait'> & Pick<Caller, 'fetchView'>,
): Promise<Pick<EngineInput, 'openArtifacts' | 'openManifests'>> {
  const none = {
    openArtifacts: () => Promise.resolve(NO_ARTIFACTS),
    openManifests: () => Promise.resolve(new Map<string, string>()),
  };
  if (artifacts === false && !manifests) return none;
  const { openPins } = await import('../../artifacts/pins.ts');
  const pins = await openPins(cluster, how);
  const fetched: EngineInput['openArtifacts'] = async (wanted, arches) => {
    const view = await fetchView?.();
    const options = { pins, arches, signal, onWait, ...(view ? { onProgress: view.tell } : {}) };
    return artifactsOf(wanted, options).finally(view?.end);
  };
  const saved = <T>(work: Promise<T>): Promise<T> => work.finally(() => pins.save());
  return {
    ...none,
    ...(manifests ? { openManifests: () => saved(manifestsOf(cluster, pins, signal)) } : {}),
    ...(artifacts === true ? { openArtifacts: (...asked) => saved(fetched(...asked)) } : {}),
    ...(artifacts === 'named' ? { openArtifacts: (wanted, arches) => namedOf(wanted, pins, arches) } : {}),
  };
}

async function artifactsOf(cluster: Cluster, options: OpenOptions): Promise<ArtifactIndex> {
  const { openArtifacts } = await import('../../artifacts/open.ts');
  return openArtifacts(cluster, options);
}

async function namedOf(cluster: Cluster, pins: Pins, arches: readonly string[]): Promise<ArtifactIndex> {
  const { namedArtifacts } = await import('../../artifacts/open.ts');
  return namedArtifacts(cluster, { arches, pins });
}

async function manifestsOf(cluster: Cluster, pins: Pins, signal: AbortSignal): Promise<Map<string, string>> {
  const { loadManifests } = await import('../../artifacts/manifests.ts');
  return loadManifests(cluster, { pins, signal });
}

const NO_ARTIFACTS: ArtifactIndex = {
  get(name) {
    throw new McpkError('unexpected', `${name} was asked for by a command that compiles nothing`);
  },
  all: () => [],
};
