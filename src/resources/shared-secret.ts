import { differences, identityOfFiles, rests } from './identity.ts';
import { impliedByPath } from './implied.ts';
import type { Observed, Op, ResourceKind, SharedSecretResource, SharedState } from './types.ts';

export const sharedSecret: ResourceKind<SharedSecretResource> = {
  id: (resource) => resource.id,
  paths: ({ files }) => files.map((file) => file.path),
  reads({ files }, into) {
    into.paths.push(...files.map((file) => file.path));
    into.texts.push(...files.filter((file) => isPublic(file.item)).map((file) => file.path));
  },

  compare(resource, observed, context) {
    const shared = context.shared.get(resource.id) ?? { state: 'absent', hashes: {}, texts: {} };
    const findings = resource.files.flatMap((file) =>
      findingsOf(file, observed, shared).map((reason) => `${file.path}: ${reason}`),
    );
    const hash = wantedHash(resource, shared);
    if (shared.state === 'held' && findings.length === 0)
      return { result: 'unchanged', reason: 'the same on all hosts', hash };
    const present = resource.files.some((file) => observed.paths[file.path]);
    const content = resource.files.some(
      (file) => observed.paths[file.path]?.type !== 'file' || findings.includes(`${file.path}: ${DIFFERENT}`),
    );
    return {
      result: 'change',
      verb: present ? 'update' : 'create',
      reasons: shared.state === 'absent' ? ['no host has it: it is made once, for all'] : findings,
      hash,
      rests: rests(resource.files.map((file) => observed.paths[file.path])),
      specification: specification(resource, shared, context.host),
      ...(shared.state === 'held' && !content ? { accessOnly: true as const } : {}),
      ...(shared.state === 'absent' ? { irreversible: 'what is signed or encrypted with it depends on it' } : {}),
    };
  },

  async converge(resource, change, materials, observed) {
    const ops: Op[] = [];
    for (const { item, ...file } of resource.files) {
      const reasons = change.reasons.filter((reason) => reason.startsWith(`${file.path}: `));
      const right =
        change.hash !== '' &&
        observed.paths[file.path]?.type === 'file' &&
        !reasons.includes(`${file.path}: ${DIFFERENT}`);
      // What is as it shall be is not fetched from its holder again.
      if (right && reasons.length > 0) ops.push({ op: 'access', ...file });
      if (!right) ops.push({ op: 'write', ...file, content: await materials.item(resource.id, item) });
    }
    return ops;
  },

  // An authority that goes takes everything it signed with it: that is for `reset`, or a hand.
  remove: () => [],
  implied: ({ files }) => files.flatMap((file) => impliedByPath(file.path, file.owner)),
  title: (resource) => resource.id,
};

const DIFFERENT = 'not what all shall have';

/** Items that any host may know; the others are never read as text. */
export function isPublic(item: string): boolean {
  return item === 'cert' || item === 'bundle' || item === 'public';
}

function findingsOf(file: SharedSecretResource['files'][number], observed: Observed, shared: SharedState): string[] {
  const seen = observed.paths[file.path];
  if (seen === undefined) return ['absent'];
  const { mode, owner, group } = file;
  const access = differences(seen, { type: 'file', mode, owner, group });
  const wanted = shared.hashes[file.item];
  return seen.type === 'file' && wanted !== undefined && seen.sha256 !== wanted ? [DIFFERENT, ...access] : access;
}

/** '' while an item is still to be made. */
function wantedHash({ files }: SharedSecretResource, shared: SharedState): string {
  const hashes = files.map((file) => [file.path, shared.hashes[file.item] ?? ''] as const);
  return hashes.some(([, hash]) => hash === '') ? '' : identityOfFiles(new Map(hashes));
}

function specification({ recipe, files }: SharedSecretResource, shared: SharedState, host: string): string[] {
  const what = {
    authority:
      recipe.type === 'authority'
        ? `authority "${recipe.commonName}", ${recipe.days} days, ${recipe.keyAlgorithm}`
        : '',
    keypair: recipe.type === 'keypair' ? `key pair, ${recipe.keyAlgorithm}` : '',
    'encryption-config':
      recipe.type === 'encryption-config' ? `encryption keys for ${recipe.resources.join(', ')}` : '',
  }[recipe.type];
  const from =
    shared.state === 'held' && shared.from !== undefined && shared.from !== host ? [`copied from ${shared.from}`] : [];
  return [what, ...from, ...files.map((file) => `${file.item.padEnd(7)} ${file.path}`)];
}
