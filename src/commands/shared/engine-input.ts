import { hostname, userInfo } from 'node:os';
import { McpkError } from '../../core/errors.ts';
import type { EngineInput } from '../../engine/open.ts';
import type { Emit } from '../../engine/types.ts';
import type { Cluster } from '../../inventory/types.ts';
import { nearest } from '../../inventory/nearest.ts';
import type { ArtifactIndex, Stage } from '../../states/stage.ts';
import { limited } from './cluster.ts';

export interface RunFlags {
  limit?: string | undefined;
  only?: string[] | undefined;
  skip?: string[] | undefined;
  concurrency: number;
  'accept-new-host-keys': boolean;
  'skip-unreachable'?: string | undefined;
  'wait-lock'?: number | undefined;
  'no-rollback'?: boolean | undefined;
}

export interface Caller {
  command: string;
  version: string;
  signal: AbortSignal;
  emit: Emit;
}

/** What the engine needs for any command that talks to hosts. `artifacts: false`: nothing will be compiled. */
export async function engineInput(
  cluster: Cluster,
  flags: RunFlags,
  caller: Caller,
  options: { artifacts: boolean; manifests?: boolean },
): Promise<EngineInput> {
  const { STAGES } = await import('../../states/index.ts');
  const who = `${userInfo().username}@${hostname()}`;
  const { limit, only, skip } = selectionOf(cluster, flags, STAGES);
  return {
    cluster,
    stages: STAGES,
    artifacts: options.artifacts ? await openArtifactsOf(cluster, caller.signal) : NO_ARTIFACTS,
    manifests:
      (options.manifests ?? options.artifacts) ? await manifestsOf(cluster, caller.signal) : new Map<string, string>(),
    selection: { ...(limit ? { limit } : {}), ...(only ? { only } : {}), ...(skip ? { skip } : {}) },
    concurrency: flags.concurrency,
    acceptNewHostKeys: flags['accept-new-host-keys'],
    ...(flags['skip-unreachable'] === undefined ? {} : { skipUnreachable: flags['skip-unreachable'] }),
    noRollback: flags['no-rollback'] ?? false,
    signal: caller.signal,
    emit: caller.emit,
    who,
    lockNote: `${who} pid ${process.pid}, ${caller.command}`,
    ...(flags['wait-lock'] === undefined ? {} : { waitLock: flags['wait-lock'] }),
    tool: `mcpk ${caller.version}`,
    command: caller.command,
  };
}

function selectionOf(cluster: Cluster, flags: RunFlags, stages: readonly Stage[]): EngineInput['selection'] {
  const limit = flags.limit === undefined ? undefined : new Set(limited(cluster, flags.limit).map((host) => host.name));
  const only = stageNames('--only', flags.only, stages);
  const skip = stageNames('--skip', flags.skip, stages);
  return { ...(limit ? { limit } : {}), ...(only ? { only } : {}), ...(skip ? { skip } : {}) };
}

function stageNames(
  flag: string,
  names: readonly string[] | undefined,
  stages: readonly Stage[],
): Set<string> | undefined {
  if (!names || names.length === 0) return undefined;
  const known = stages.map((stage) => stage.name);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong === undefined) return new Set(names);
  const close = nearest(wrong, known);
  throw new McpkError(
    'usage',
    `${flag}: there is no stage ${JSON.stringify(wrong)}${close ? `; did you mean ${close}?` : ''}`,
    {
      hint: `The stages are ${known.join(', ')}.`,
    },
  );
}

const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64' };

/** Hosts say their architecture by the usual node label; otherwise they are taken to be like this machine. */
async function openArtifactsOf(cluster: Cluster, signal: AbortSignal): Promise<ArtifactIndex> {
  const { openArtifacts } = await import('../../artifacts/open.ts');
  const own = ARCHITECTURES[process.arch] ?? process.arch;
  const arches = new Set(cluster.hosts.map((host) => host.labels['kubernetes.io/arch'] ?? own));
  return openArtifacts(cluster, [...arches], signal);
}

async function manifestsOf(cluster: Cluster, signal: AbortSignal): Promise<Map<string, string>> {
  const { loadManifests } = await import('../../artifacts/manifests.ts');
  return loadManifests(cluster, signal);
}

const NO_ARTIFACTS: ArtifactIndex = {
  get(name) {
    throw new McpkError('unexpected', `${name} was asked for by a command that compiles nothing`);
  },
  all: () => [],
};
