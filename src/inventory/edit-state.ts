import { isDeepStrictEqual } from 'node:util';
import { McpkError } from '../core/errors.ts';
import { isMap } from '../core/merge.ts';
import { printable } from './mistake.ts';
import { placeOf, toSource, toValue, type MapNode, type Node, type ScalarNode } from './node.ts';
import { parseYaml } from './parse.ts';
import type { HostState } from './types.ts';

export interface EditedFile {
  file: string;
  before: string;
  after: string;
  /** From 1. */
  line: number;
  /** What stands in that line now. */
  shown: string;
}

/**
 * Says in the text of an inventory what becomes of a host, and changes nothing else in it. Of several files it is the
 * last one that speaks of the host's state, as that one counts, else the first one that has the host. Undefined when it
 * is said already, or nothing is said of such a host.
 *
 * @throws McpkError `refused` where the text is written in a way that can't be changed in one place alone, which is
 * proved by reading it again
 */
export function withHostState(
  files: readonly { file: string; text: string }[],
  name: string,
  state: HostState,
): EditedFile | undefined {
  const parsed = files.map(({ file, text }) => ({ file, text, ...parseYaml(toSource(file, text)) }));
  if (parsed.some(({ mistakes }) => mistakes.length > 0)) return undefined;
  const found = parsed.flatMap(({ file, text, node }) => {
    const host = hostIn(node, name);
    return host ? [{ file, text, host }] : [];
  });
  const place = found.findLast(({ host }) => host.map.entries.has('state')) ?? found[0];
  if (!place) return undefined;
  const { file, text, host } = place;
  const present = host.map.entries.get('state')?.node;
  if (present?.kind === 'scalar' && present.value === state) return undefined;
  const edit = present === undefined ? added(host, state) : replaced(present, state);
  const after = edit && text.slice(0, edit.from) + edit.text + text.slice(edit.to);
  if (!edit || after === undefined || !isOnly({ file, text, after }, host.index, state))
    throw byHand(file, host, state);
  const { line } = placeOf({ source: toSource(file, after), offset: edit.from + edit.text.search(/\S/) });
  return { file, before: text, after, line, shown: (after.split('\n')[line - 1] ?? '').trim() };
}

interface HostNode {
  index: number;
  map: MapNode;
  name: ScalarNode;
}

function hostIn(root: Node | undefined, name: string): HostNode | undefined {
  const hosts = root?.kind === 'map' ? root.entries.get('hosts')?.node : undefined;
  const items: readonly Node[] = hosts?.kind === 'list' ? hosts.items : [];
  return items.flatMap((map, index): HostNode[] => {
    const own = map.kind === 'map' ? map.entries.get('name')?.node : undefined;
    return map.kind === 'map' && own?.kind === 'scalar' && own.value === name ? [{ index, map, name: own }] : [];
  })[0];
}

/** A part of the text, and what comes in its place. */
interface Edit {
  from: number;
  to: number;
  text: string;
}

/** Behind the name: in the same braces, or in a line of its own below it. */
function added({ map, name }: HostNode, state: HostState): Edit | undefined {
  const { text } = name.source;
  const end = endOf(name);
  if (end === undefined) return undefined;
  const key = map.entries.get('name')?.key.offset ?? 0;
  // A file of JSON stays one.
  const quote = text[key] === '"' ? '"' : '';
  if (text[map.offset] === '{')
    return { from: end, to: end, text: `, ${quote}state${quote}: ${quote}${state}${quote}` };
  const indent = ' '.repeat(key - (text.lastIndexOf('\n', key - 1) + 1));
  const next = text.indexOf('\n', end);
  const ending = text[(next < 0 ? text.indexOf('\n') : next) - 1] === '\r' ? '\r\n' : '\n';
  if (next < 0) return { from: text.length, to: text.length, text: `${ending}${indent}state: ${state}` };
  return { from: next + 1, to: next + 1, text: `${indent}state: ${state}${ending}` };
}

function replaced(present: Node, state: HostState): Edit | undefined {
  const end = present.kind === 'scalar' ? endOf(present) : undefined;
  const quote = present.source.text[present.offset] === '"' ? '"' : '';
  return end === undefined ? undefined : { from: present.offset, to: end, text: `${quote}${state}${quote}` };
}

/** Where a word of one line ends, as it stands there; undefined for what is written otherwise. */
function endOf({ source, offset, text }: ScalarNode): number | undefined {
  const ways = [text, `'${text}'`, `"${text}"`];
  const way = text === '' ? undefined : ways.find((each) => source.text.startsWith(each, offset));
  return way === undefined ? undefined : offset + way.length;
}

/** Read again, the text says the same of all else. */
function isOnly(
  { file, text, after }: { file: string; text: string; after: string },
  index: number,
  state: HostState,
): boolean {
  const [before, now] = [text, after].map((each) => {
    const { node, mistakes } = parseYaml(toSource(file, each));
    return node && mistakes.length === 0 ? toValue(node) : undefined;
  });
  if (!isMap(before) || !Array.isArray(before['hosts'])) return false;
  const hosts = (before['hosts'] as unknown[]).map((host, at) =>
    at === index && isMap(host) ? { ...host, state } : host,
  );
  return isDeepStrictEqual(now, { ...before, hosts });
}

function byHand(file: string, { map, name }: HostNode, state: HostState): McpkError {
  const { line } = placeOf(map);
  return new McpkError(
    'refused',
    `${printable(file, 300)}:${String(line)}: the entry of ${name.text} is written in a way that mcpk does not change`,
    {
      details: ['an anchor, an alias, or a name that is no plain word in one line'],
      hint: `Write "state: ${state}" into it, then run: mcpk apply`,
    },
  );
}
