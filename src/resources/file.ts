import { Secret } from '../core/secret.ts';
import { blockRemoval, readBlock, writeBlock } from './block.ts';
import { differences, rests, sha256, weakHash } from './identity.ts';
import { impliedByPath } from './implied.ts';
import type { Change, FileResource, Observed, Op, ResourceKind } from './types.ts';

export const file: ResourceKind<FileResource> = {
  // The file is not ours, only the block in it: what leaves is the block.
  id: fileId,
  paths: (resource) => [resource.path],
  reads(resource, into) {
    into.paths.push(resource.path);
    if (resource.block !== undefined) into.texts.push(resource.path);
    else if (!(resource.content instanceof Secret))
      into.differing.push({ path: resource.path, sha256: sha256(resource.content) });
  },

  compare(resource, observed, context) {
    const seen = observed.paths[resource.path];
    const hash = publicHash(resource);
    const readAs = resource.readOnce === undefined ? {} : { readAs: readHash(resource) };
    const before = resource.block === undefined ? observed.texts[resource.path] : blockOf(resource, observed);
    const reasons =
      seen === undefined ? ['absent'] : differences(seen, { ...ownership(resource, observed), type: 'file' });
    const differs = seen?.type === 'file' && !sameContent(resource, observed);
    if (differs)
      reasons.unshift(resource.block !== undefined && before === undefined ? 'its block is absent' : 'content differs');
    if (reasons.length === 0)
      return { result: 'unchanged', reason: 'content, mode and owner are as wanted', hash, ...readAs };
    const unread = differs && before !== undefined && isUnread(resource, before);
    if (unread) reasons.splice(0, 1, 'content differs in what is read only once: nothing restarts for it');
    const change: Change = {
      result: 'change',
      verb: seen === undefined ? 'create' : 'update',
      reasons,
      hash,
      ...readAs,
      ...(unread ? { unread } : {}),
      rests: rests(resource.content instanceof Secret ? { ...seen, sha256: undefined, differs } : seen),
    };
    if (seen?.type === 'file' && !differs) return { ...change, accessOnly: true };
    // What was a secret until now is shown no more than what becomes one.
    const wasSecret = context.owned.get(`file:${fileId(resource)}`)?.startsWith(SECRET_HASH) ?? false;
    if (resource.content instanceof Secret || wasSecret) return change;
    // A file too large or not a text has no old side.
    return { ...change, diff: { before: withoutVariables(before ?? '', resource.content), after: resource.content } };
  },

  converge(resource, change, _materials, observed) {
    const { path, validate } = resource;
    if (change.accessOnly) return Promise.resolve([{ op: 'access', path, ...ownership(resource, observed) }]);
    const content = wantedContent(resource, observed);
    const write: Op = {
      op: 'write',
      path,
      ...ownership(resource, observed),
      content,
      ...(validate ? { validate } : {}),
    };
    return Promise.resolve([write]);
  },

  remove(id) {
    const block = /^(\/.*)#([\w.-]+)$/.exec(id);
    if (!block) return [{ op: 'remove', path: id }];
    const path = block[1]!;
    return [{ op: 'run', argv: ['sed', '-i', '-e', blockRemoval(block[2]!), path], keeps: [path] }];
  },

  implied: (resource) => impliedByPath(resource.path, resource.owner),
  title: (resource) => (resource.block === undefined ? resource.path : `${resource.path} (block ${resource.block})`),
};

function fileId({ path, block }: FileResource): string {
  return block === undefined ? path : `${path}#${block}`;
}

/** A variable of a unit may have been a secret: of one that goes or changes, the name is shown. */
function withoutVariables(before: string, after: string): string {
  const stay = new Set(after.split('\n'));
  return before.replace(/^(Environment="?[A-Za-z_]\w*=).*$/gm, (line, name: string) =>
    stay.has(line) ? line : `${name}…`,
  );
}

const SECRET_HASH = 'secret:';

function publicHash({ path, content }: FileResource): string {
  return content instanceof Secret ? `${SECRET_HASH}${weakHash(`${path}\n${content.reveal()}`)}` : sha256(content);
}

/** What it counts as to who has read it. */
function readHash(resource: FileResource): string {
  const text = asRead(resource, textOf(resource.content));
  return publicHash({
    ...resource,
    content: resource.content instanceof Secret ? new Secret(text, resource.path) : text,
  });
}

function sameContent(resource: FileResource, observed: Observed): boolean {
  const { path, content, block } = resource;
  if (block === undefined) return observed.paths[path]?.sha256 === sha256(content);
  return writeBlock(observed.texts[path] ?? '', block, textOf(content)) === observed.texts[path];
}

/** Of a text with lines that are read only once: what it means to who has read those. */
function asRead({ readOnce }: FileResource, text: string): string {
  return readOnce === undefined ? text : text.replace(new RegExp(readOnce, 'gm'), '');
}

function isUnread(resource: FileResource, before: string): boolean {
  return resource.readOnce !== undefined && asRead(resource, before) === asRead(resource, textOf(resource.content));
}

function blockOf({ path, block }: FileResource, observed: Observed): string | undefined {
  const text = observed.texts[path];
  return text === undefined || block === undefined ? undefined : readBlock(text, block);
}

function wantedContent({ path, content, block }: FileResource, observed: Observed): string | Secret {
  if (block === undefined) return content;
  const text = writeBlock(observed.texts[path] ?? '', block, textOf(content));
  return content instanceof Secret ? new Secret(text, content.label) : text;
}

/** A file of which only a block is ours keeps its mode and owner. */
function ownership(resource: FileResource, observed: Observed): { mode: string; owner: string; group: string } {
  const seen = observed.paths[resource.path];
  const { mode, owner, group } = resource.block !== undefined && seen?.type === 'file' ? seen : resource;
  return { mode, owner, group };
}

function textOf(content: string | Secret): string {
  return content instanceof Secret ? content.reveal() : content;
}
