import {
  CORE_SCHEMA,
  EVENT_ID,
  YAMLException,
  constructFromEvents,
  getScalarValue,
  parseEvents,
  realMapTag,
  type Event,
} from 'js-yaml';
import { formatPath, printable, type Mistake } from './mistake.ts';
import { placeOf, type Entry, type ListNode, type MapNode, type Node, type Path, type Source } from './node.ts';

/** Nodes of one file with every alias counted in full: what an alias bomb would grow to. */
const MOST_NODES = 200_000;

/** In YAML 1.1 it takes over what another map has; read as a name it would be a setting that nobody knows. */
const MERGE_KEY =
  'is a merge key, and YAML 1.2 has none: write the settings out, or put what several hosts share into groups';

/** Core schema (no merge keys, no dates); real maps keep the order of keys, so that values and events agree. */
const SCHEMA = CORE_SCHEMA.withTags(realMapTag);

/** Reads one YAML document. Mistakes of YAML itself end the reading of this file: there is then no node. */
export function parseYaml(source: Source): { node?: Node; mistakes: Mistake[] } {
  try {
    const events = parseEvents(source.text, { filename: source.file });
    const starts = events.flatMap((event, index) => (event.type === EVENT_ID.DOCUMENT ? [index] : []));
    if (starts.length > 1)
      return {
        mistakes: [
          mistake(
            source,
            offsetOf(events[(starts[1] ?? 0) + 1]),
            [],
            'a second YAML document begins here; an inventory is one',
          ),
        ],
      };
    const [value] = constructFromEvents(events, { source: source.text, filename: source.file, schema: SCHEMA });
    if (value === undefined || value === null)
      return { mistakes: [{ file: source.file, line: 0, column: 0, path: '', message: 'is empty' }] };
    const reader = new Reader(source, events);
    const node = reader.read(value, []);
    if (node.kind !== 'map')
      reader.mistakes.push(mistake(source, node.offset, [], `must be a map of settings, not a ${node.kind}`));
    return { node, mistakes: reader.mistakes };
  } catch (error) {
    return { mistakes: [toMistake(error, source)] };
  }
}

/** Walks events and the values made of them side by side: the one has places, the other types. */
class Reader {
  readonly mistakes: Mistake[] = [];
  readonly #source: Source;
  readonly #events: readonly Event[];
  readonly #anchors = new Map<string, { node: Node; size: number } | 'open'>();
  #next = 1;
  #size = 0;

  constructor(source: Source, events: readonly Event[]) {
    this.#source = source;
    this.#events = events;
  }

  read(value: unknown, path: Path): Node {
    const event = this.#events[this.#next++];
    if (event === undefined || event.type === EVENT_ID.POP || event.type === EVENT_ID.DOCUMENT)
      throw new TypeError('YAML events out of step');
    if (event.type === EVENT_ID.ALIAS) return this.#alias(event, path);
    const anchor = event.anchorStart < 0 ? undefined : this.#source.text.slice(event.anchorStart, event.anchorEnd);
    const before = this.#size;
    this.#grow(1, offsetOf(event), path);
    if (anchor !== undefined) this.#anchors.set(anchor, 'open');
    const node = this.#node(event, value, path);
    if (anchor !== undefined) this.#anchors.set(anchor, { node, size: this.#size - before });
    return node;
  }

  #node(
    event: Exclude<Event, { type: typeof EVENT_ID.POP | typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.ALIAS }>,
    value: unknown,
    path: Path,
  ): Node {
    const source = this.#source;
    if (event.type === EVENT_ID.SCALAR) {
      const text = getScalarValue(source.text, event);
      const scalar =
        typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
      // An empty value has no place of its own: the last byte read stands for it.
      return {
        kind: 'scalar',
        source,
        offset: offsetOf(event),
        value: scalar,
        text,
        plain: event.style === 1 && event.tagStart < 0,
      };
    }
    if (event.type === EVENT_ID.SEQUENCE && Array.isArray(value)) return this.#list(event.start, value, path);
    if (event.type === EVENT_ID.MAPPING && value instanceof Map) return this.#map(event.start, value, path);
    throw new Refused(mistake(source, event.start, path, 'has a YAML tag that an inventory does not know'));
  }

  #list(offset: number, value: readonly unknown[], path: Path): ListNode {
    const items = value.map((item, index) => this.read(item, [...path, index]));
    this.#next++;
    return { kind: 'list', source: this.#source, offset, items };
  }

  #map(offset: number, value: ReadonlyMap<unknown, unknown>, path: Path): MapNode {
    const entries = new Map<string, Entry>();
    for (const [rawKey, item] of value) {
      const keyNode = this.read(rawKey, path);
      if (keyNode.kind !== 'scalar')
        throw new Refused(mistake(this.#source, keyNode.offset, path, 'a key must be a word'));
      const key = keyNode.text;
      const node = this.read(item, [...path, key]);
      const wrong =
        key === '__proto__'
          ? 'is not a name that can be used'
          : key === '<<' && keyNode.plain
            ? MERGE_KEY
            : entries.has(key)
              ? 'is there twice'
              : undefined;
      if (wrong === undefined) entries.set(key, { key: keyNode, node: withPlace(node, keyNode.offset) });
      else this.mistakes.push(mistake(this.#source, keyNode.offset, [...path, key], wrong));
    }
    this.#next++;
    return { kind: 'map', source: this.#source, offset, entries };
  }

  #alias(event: Extract<Event, { type: typeof EVENT_ID.ALIAS }>, path: Path): Node {
    const anchor = this.#anchors.get(this.#source.text.slice(event.anchorStart, event.anchorEnd));
    const offset = event.anchorStart - 1;
    if (anchor === undefined || anchor === 'open')
      throw new Refused(mistake(this.#source, offset, path, 'an alias stands inside what it refers to'));
    this.#grow(anchor.size, offset, path);
    return anchor.node;
  }

  #grow(by: number, offset: number, path: Path): void {
    this.#size += by;
    if (this.#size <= MOST_NODES) return;
    throw new Refused(
      mistake(
        this.#source,
        offset,
        path,
        `with its aliases written out, the file has more than ${MOST_NODES.toLocaleString('en')} values`,
      ),
    );
  }
}

/** Ends the reading of a file. */
class Refused extends Error {
  readonly mistake: Mistake;

  constructor(found: Mistake) {
    super(found.message);
    this.mistake = found;
  }
}

/** `key:` with nothing after it is placed at its key. */
function withPlace(node: Node, offset: number): Node {
  return node.offset < 0 ? { ...node, offset } : node;
}

function offsetOf(event: Event | undefined): number {
  if (event === undefined) return 0;
  if (event.type === EVENT_ID.SCALAR)
    return event.valueStart < 0 ? -1 : event.style === 2 || event.style === 3 ? event.valueStart - 1 : event.valueStart;
  return event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.MAPPING ? event.start : 0;
}

function mistake(source: Source, offset: number, path: Path, message: string): Mistake {
  return { ...placeOf({ source, offset: Math.max(offset, 0) }), path: formatPath(path), message };
}

function toMistake(error: unknown, source: Source): Mistake {
  if (error instanceof Refused) return error.mistake;
  if (!(error instanceof YAMLException)) {
    const message =
      error instanceof RangeError ? 'is nested too deeply' : `could not be read as YAML: ${printable(String(error))}`;
    return { file: source.file, line: 0, column: 0, path: '', message };
  }
  if (error.mark === undefined)
    return { file: source.file, line: 0, column: 0, path: '', message: printable(error.reason, 200) };
  const { line, column } = error.mark;
  const text = (source.text.slice(source.lines[line], source.lines[line + 1]) ?? '').trimEnd();
  // A window of 100 characters around the place, so that a line of a megabyte stays readable.
  const from = Math.max(0, column - 60);
  const shown = printable(text.slice(from, from + 100), 101);
  const snippet = `    ${shown}\n    ${' '.repeat(Math.max(0, column - from))}^`;
  return {
    file: source.file,
    line: line + 1,
    column: column + 1,
    path: '',
    message: unquoted(text, column) ?? inOurWords(error.reason),
    snippet,
  };
}

function inOurWords(reason: string): string {
  return `${printable(reason, 200)}${/^tab characters/.test(reason) ? ': take blanks' : ''}`;
}

/** `{ password: ${NAME} }`: what YAML says of it is that a comma lacks, as the brace begins a map of its own. */
function unquoted(line: string, column: number): string | undefined {
  if (!line.startsWith('${', column - 1)) return undefined;
  const start = column - 1;
  const [before = ''] = /[^\s,[\]{}]*$/.exec(line.slice(Math.max(0, start - 60), start)) ?? [];
  const [reference = '${NAME}'] = /^\$\{[^\s{}[\]"']*\}[^\s,{}[\]]*/.exec(line.slice(start)) ?? [];
  return `between { } or [ ] a value with \${…} stands in quotes: "${printable(before + reference)}"`;
}
