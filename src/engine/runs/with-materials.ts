import type { Facts } from '../../cluster/facts.ts';
import { ARCHITECTURES } from '../../core/architectures.ts';
import { FailureList, McpkError } from '../../core/errors.ts';
import { settled } from '../../core/settled.ts';
import type { ArtifactIndex, Stage } from '../../states/stage.ts';
import type { EngineInput } from '../input.ts';
import { isNamed } from '../plan/named-stages.ts';
import { stagesInScope } from './in-scope.ts';

/** Only links into the store have the sum of a binary: all else can be described without one at hand. */
export const UNSEEN_ARTIFACTS: ArtifactIndex = {
  get: (name) => ({ component: 'kubernetes', name, version: '', sha256: '0'.repeat(64), size: 0, source: '' }),
  all: () => [],
};

/**
 * Fetches what lacks, so it comes after all that hosts say in seconds: manifests where a stage that is asked for
 * describes them; else such stages stay unknown. Binaries where the stage that sends them is in scope; which ones a run
 * needs only hosts can tell, as each says itself what processor it has; others preflight refuses. Throws of all that
 * can't be had at once.
 */
export async function withMaterials<T extends EngineInput>(input: T, facts: Pick<Facts, 'hosts'>): Promise<T> {
  const read = readManifests(input);
  // One after the other: both write the lock file.
  const opened = read
    .catch(() => undefined)
    .then(() => (sendsBinaries(input) ? openBinaries(input, facts) : { artifacts: UNSEEN_ARTIFACTS }));
  return Object.assign({ ...input }, ...(await settled<Partial<EngineInput>>([read, opened], input.signal))) as T;
}

function sendsBinaries({ stages, selection }: Pick<EngineInput, 'stages' | 'selection'>): boolean {
  const inScope = stagesInScope({ stages, selection });
  return stages.some(({ name, binaries }) => binaries && inScope.has(name));
}

/** Those for the processors that hosts say they have. */
export async function openBinaries(
  { cluster, openArtifacts }: Pick<EngineInput, 'cluster' | 'openArtifacts'>,
  { hosts }: Pick<Facts, 'hosts'>,
): Promise<Pick<EngineInput, 'artifacts'>> {
  const present = new Set([...hosts.values()].map(({ arch }) => arch));
  const arches = ARCHITECTURES.filter((arch) => present.has(arch));
  return { artifacts: await openArtifacts(cluster, arches) };
}

/** Manifests where a stage that is asked for describes them, and the stages that are known then. */
export async function readManifests(
  input: Pick<EngineInput, 'stages' | 'selection' | 'openManifests'>,
): Promise<Pick<EngineInput, 'stages' | 'manifests'>> {
  const readers = input.stages.filter(({ manifests }) => manifests).map(({ name }) => name);
  if (!readers.some((name) => isNamed(name, input.selection)))
    return { stages: withoutManifests(input.stages, 'it was not asked for'), manifests: new Map() };
  try {
    return { stages: input.stages, manifests: await input.openManifests() };
  } catch (error) {
    throw alsoReadBy(error, readers, input.selection);
  }
}

/** Who skips one of the stages that read a manifest, and has it fetched all the same, is told of the others. */
function alsoReadBy(error: unknown, readers: readonly string[], { skip }: EngineInput['selection']): unknown {
  const others = readers.filter((name) => !skip?.has(name));
  if (others.length === readers.length) return error;
  const hint = `${others.join(' and ')} read${others.length === 1 ? 's' : ''} it too: --skip ${readers.join(',')} goes without.`;
  if (error instanceof McpkError) return error.orElse(hint);
  if (!(error instanceof FailureList)) return error;
  const [first, ...rest] = error.errors;
  return new FailureList([first.orElse(hint), ...rest.map((each) => each.orElse(hint))]);
}

/** What is owned of a stage that nobody can describe stays. */
export function withoutManifests(stages: readonly Stage[], why: string): readonly Stage[] {
  return stages.map((stage): Stage =>
    stage.manifests ? { ...stage, states: () => ({ deferred: true, until: 'its manifests are there', why }) } : stage,
  );
}
