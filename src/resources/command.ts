import { linesOf } from '../core/lines.ts';
import { sha256 } from './identity.ts';
import type { CommandResource, Observed, ResourceKind } from './types.ts';

export const command: ResourceKind<CommandResource> = {
  id: (resource) => resource.id,
  paths: () => [],
  reads({ id, unless, onlyif, creates }, into) {
    if (creates !== undefined) into.paths.push(creates);
    if (unless) into.commands.push({ id: `unless:${id}`, argv: unless });
    if (onlyif) into.texts.push(onlyif.file);
  },

  compare(resource, observed) {
    const hash = sha256(JSON.stringify(resource.argv));
    const reason = unneeded(resource, observed);
    if (reason !== undefined) return { result: 'unchanged', reason, hash };
    const { id, creates, unless, onlyif } = resource;
    const reasons = [
      ...(creates === undefined ? [] : [`${creates} is absent`]),
      ...(unless ? [`its check exits ${observed.commands[`unless:${id}`] ?? 'unknown'}`] : []),
      ...(onlyif ? ['its condition holds'] : []),
    ];
    return {
      result: 'change',
      verb: 'run',
      reasons: reasons.length > 0 ? reasons : ['runs every time'],
      hash,
      rests: hash,
      ...(resource.needsNoUndo ? {} : { irreversible: 'a command has no undo' }),
    };
  },

  converge: ({ argv }) => Promise.resolve([{ op: 'run', argv }]),
  remove: () => [],
  implied: () => [],
  title: (resource) => resource.title,
};

function unneeded({ id, creates, unless, onlyif }: CommandResource, observed: Observed): string | undefined {
  if (creates !== undefined && observed.paths[creates]) return `${creates} exists`;
  if (unless && observed.commands[`unless:${id}`] === 0) return 'its check says that it is done';
  if (onlyif && !hasLine(observed.texts[onlyif.file], onlyif.line)) return 'its condition does not hold';
  return undefined;
}

/** The pattern is ours, the text is the host's. */
const LONGEST_LINE = 4096;

function hasLine(text: string | undefined, pattern: string): boolean {
  const wanted = new RegExp(pattern);
  for (const line of linesOf(text ?? '')) if (line.length <= LONGEST_LINE && wanted.test(line)) return true;
  return false;
}
