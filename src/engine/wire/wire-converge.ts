import { linesOf } from '../../core/lines.ts';
import { PATHS } from '../../core/paths.ts';
import { Secret } from '../../core/secret.ts';
import { sysctlPath } from '../../core/sysctls.ts';
import type { Op, PathState } from '../../resources/types.ts';
import type { SessionRecord } from '../../transport/types.ts';
import { CONVERGE_TAGS as TAGS, type Operation, type Tag } from './wire-tags.ts';
import { argumentLines, list, relative, SEPARATOR, tagged } from './wire-text.ts';

/** The operations of one resource in a stream; the steps around a batch are another thing. */
export interface ConvergeStep {
  ref: string;
  ops: readonly Op[];
  /** Not put back by a rollback: what it writes is not kept. */
  irreversible?: boolean;
  /** Begun only with the dead-man armed. */
  guarded?: boolean;
}

/** What the plan saw at a path; undefined = nothing was there. */
export interface Precondition {
  ref: string;
  path: string;
  seen: PathState | undefined;
}

export interface ConvergeRequest {
  /** Names the generation and the journal lines: no blanks, no slashes. */
  run: string;
  stage: string;
  /** What the run's first line in the host's journal says of it, and lines to be added there. */
  caller: string;
  notes: readonly string[];
  steps: readonly ConvergeStep[];
  preconditions: readonly Precondition[];
  /**
   * Text of owned.json before the first operation (what was owned, and what this stream lays down), and after the last
   * one (without what it removed); '' leaves it alone.
   */
  ownedBefore: string;
  ownedAfter: string;
  /**
   * Armed before the first guarded step: unless mcpk confirms the change within so many seconds, the host runs this
   * body, which is one of converge like this one, by itself.
   */
  deadman?: { seconds: number; body: Buffer };
}

export type ConvergeEvent =
  | { type: 'resource'; number: number; ref: string; status: 'changed' | 'failed'; ms: number; message: string }
  /** What a rollback put back, one line each. */
  | { type: 'restored'; lines: string[] }
  /** Exit 17: these are not as the plan saw them. */
  | { type: 'stale'; refs: string[] }
  /** Exit 13: another run has taken the lock since. */
  | { type: 'fenced' };

/** The body of converge. Steps run in order; the first failure ends the stream (exit 15). */
export function encodeConverge(request: ConvergeRequest): Buffer {
  const blobs: Buffer[] = [];
  const text = (offset: number): string => {
    blobs.length = 0;
    return textOf(request, offset, new Lowering(offset, blobs).lines(request));
  };
  // Offsets of the blobs depend on the length of the operations, which name them padded to a fixed width.
  return Buffer.concat([Buffer.from(text(Buffer.byteLength(text(0)))), ...blobs]);
}

type Entries = Pick<ConvergeRequest, 'run' | 'caller' | 'notes'>;

/** Only adds to the host's journal; `close`: the run is over there, and what a killed one left is cleared away. */
export function encodeNotes(entries: Entries, close: boolean): Buffer {
  const text = (size: number): string =>
    textOf({ ...entries, stage: '-' }, size, [tagged(close ? TAGS.close : TAGS.notesOnly)]);
  return Buffer.from(text(Buffer.byteLength(text(0))));
}

function textOf({ run, stage, caller, notes }: Entries & { stage: string }, size: number, body: string[]): string {
  const head = `converge ${String(size).padStart(10)} ${SEPARATOR} ${run} ${stage}`;
  return [head, tagged(TAGS.caller, caller), ...notes.map((note) => tagged(TAGS.note, note)), ...body, ''].join('\n');
}

/** Undefined for records of other kinds. */
export function decodeConverge(request: ConvergeRequest, record: SessionRecord): ConvergeEvent | undefined {
  const [number, ref = '', status, ms] = record.args;
  if (record.kind === 'stale')
    return { type: 'stale', refs: staleRefs(request.preconditions, record.body.toString('utf8')) };
  if (record.kind === 'restored')
    return { type: 'restored', lines: record.body.toString('utf8').split('\n', MOST_RESTORED) };
  if (record.kind === 'fenced') return { type: 'fenced' };
  if (record.kind !== 'event') return undefined;
  if (number !== '0' && !request.steps.some((step) => step.ref === decodeURIComponent(ref)))
    throw new Error(`an answer about ${JSON.stringify(ref.slice(0, 100))}, which was not asked`);
  return {
    type: 'resource',
    number: Number(number),
    ref: decodeURIComponent(ref),
    status: status === 'changed' ? 'changed' : 'failed',
    ms: Number(ms),
    message: plainMessage(record.body.toString('utf8')),
  };
}

/** Lines of one record that are shown. */
const MOST_RESTORED = 10_000;

/** Without the shell's own prefix (`/run/mcpk/…/code.converge: 387: `), and with paths as people write them. */
function plainMessage(text: string): string {
  return text
    .replaceAll(/^\S*converge(?:\.sh)?: (?:line )?\d+: /gm, '')
    .replaceAll(/(^|[\s'"])\.\/(?=\S)/gm, '$1/')
    .trim();
}

/** Refs of which a path is not as the plan saw it. `seen` is converge's text of what is there now. */
function staleRefs(preconditions: readonly Precondition[], seen: string): string[] {
  const now = new Set<string>();
  for (const line of linesOf(seen)) {
    now.add(line);
    // A path has one line, and a file one more for its hash: an answer with more lines is believed in nothing.
    if (now.size > 2 * preconditions.length) return [...new Set(preconditions.map((condition) => condition.ref))];
  }
  const differs = (condition: Precondition): boolean => {
    const wanted = expectation(condition);
    const path = relative(condition.path);
    const present = [...now].filter((line) => line.startsWith(`${line[0]} ${path} `) || line.endsWith(`  ${path}`));
    return present.length !== wanted.length || wanted.some((line) => !now.has(line));
  };
  return [
    ...new Set(
      preconditions
        .filter(checkable)
        .filter(differs)
        .map((condition) => condition.ref),
    ),
  ];
}

function expectation({ path, seen }: Precondition): string[] {
  if (seen === undefined) return [];
  const lines = [`${TYPES[seen.type]} ${relative(path)} ${seen.target ?? ''}`];
  return seen.sha256 === undefined ? lines : [...lines, `${seen.sha256}  ${relative(path)}`];
}

const TYPES = { file: 'f', directory: 'd', link: 'l', other: '?' } as const;

/** Of devices and sockets nothing is expected, and a target with a line break would not stay on its line. */
function checkable({ seen }: Precondition): boolean {
  return seen?.type !== 'other' && !seen?.target?.includes('\n');
}

type Write = Extract<Op, { op: 'write' }>;
interface Numbered extends ConvergeStep {
  number: number;
}

/** Turns resources' operations into those of converge, where many files share one chown, chmod, sync and save. */
class Lowering {
  readonly #blobs: Buffer[];
  #offset: number;

  constructor(offset: number, blobs: Buffer[]) {
    this.#offset = offset;
    this.#blobs = blobs;
  }

  lines(request: ConvergeRequest): string[] {
    const lines = [...this.#preconditions(request.preconditions.filter(checkable)), tagged(TAGS.begin)];
    const units = request.steps.flatMap((step) => step.ops).flatMap((o) => (o.op === 'unit' ? [o.name] : []));
    if (units.length > 0) lines.push(tagged(TAGS.prepare, '0 units'), ...op('units', ...new Set(units)));
    // What will be ours is known on the disk before the first of it is laid, and so is that a run is under way: a host
    // that loses power in between knows both.
    if (request.ownedBefore !== '')
      lines.push(tagged(TAGS.prepare, '0 owned'), ...this.#owned(request.ownedBefore), tagged(TAGS.settle));
    let deadman = request.deadman;
    for (const group of groups(request.steps.map((step, index) => ({ ...step, number: index + 1 })))) {
      const [first] = group;
      if (deadman && first && group.some((step) => step.guarded)) {
        lines.push(tagged(TAGS.settle), stepLine(TAGS.prepare, first), ...this.#arm(deadman));
        deadman = undefined;
      }
      // Neighbours that only lay things down are synced, and done, together.
      if (group.every(laysDown)) lines.push(...this.#group(group));
      else lines.push(tagged(TAGS.settle), ...this.#group(group), tagged(TAGS.settle));
    }
    if (request.ownedAfter !== '') lines.push(tagged(TAGS.prepare, '0 owned'), ...this.#owned(request.ownedAfter));
    return [...lines, tagged(TAGS.settle), tagged(TAGS.stageEnd)];
  }

  #preconditions(conditions: readonly Precondition[]): string[] {
    const unique = [...new Map(conditions.map((condition) => [condition.path, condition])).values()];
    const expected = unique.map(expectation);
    const text = [...expected.flatMap((lines) => lines.slice(0, 1)), ...expected.flatMap((lines) => lines.slice(1))];
    return [
      ...list(
        TAGS.before,
        unique.map(({ path }) => relative(path)),
      ),
      ...text.map((line) => tagged(TAGS.expected, line)),
    ];
  }

  #owned(text: string): string[] {
    const temp = relative(`${PATHS.owned}.new`);
    const path = relative(PATHS.owned);
    return [...this.#cut(text, temp), ...op('save', path), ...op('sync', temp), ...op('rename', temp, path)];
  }

  #cut(content: string | Secret, temp: string): string[] {
    return op('cut', ...this.#blob(Buffer.from(content instanceof Secret ? content.reveal() : content)), temp);
  }

  #arm({ seconds, body }: { seconds: number; body: Buffer }): string[] {
    return op('arm', ...this.#blob(body), String(seconds));
  }

  /** Where these bytes will lie in the body, and how many they are. */
  #blob(bytes: Buffer): [string, string] {
    const offset = String(this.#offset).padStart(12);
    this.#blobs.push(bytes);
    this.#offset += bytes.length;
    return [offset, String(bytes.length)];
  }

  #group(group: readonly Numbered[]): string[] {
    const installs = group.flatMap((step) => step.ops).filter((o) => o.op === 'install');
    const writes = group.flatMap((step) => step.ops).filter((o) => o.op === 'write');
    const lines = writes.length > 0 && installs.length === 0 ? this.#stage(group) : [];
    group.forEach((step, index) => {
      lines.push(stepLine(TAGS.step, step));
      if (installs.length > 0) lines.push(...(index === 0 ? install(installs) : []));
      else step.ops.forEach((o, at) => lines.push(...this.#lower(o, step.ops.slice(0, at), step)));
      lines.push(tagged(TAGS.stepEnd));
    });
    return lines;
  }

  /** Bytes of all files of the group beside their targets, with final owner and mode, synced; the old ones saved. */
  #stage(group: readonly Numbered[]): string[] {
    const lines: string[] = [];
    const owners = new Map<string, string[]>();
    const modes = new Map<string, string[]>();
    const writes: Write[] = [];
    const kept: string[] = [];
    for (const step of group) {
      lines.push(stepLine(TAGS.prepare, step));
      for (const o of step.ops) {
        if (o.op !== 'write') continue;
        writes.push(o);
        if (!step.irreversible) kept.push(relative(o.path));
        lines.push(...this.#cut(o.content, tempOf(o.path)));
        append(owners, `${o.owner}:${o.group}`, tempOf(o.path));
        append(modes, o.mode, tempOf(o.path));
      }
    }
    for (const [owner, temps] of owners) if (owner !== 'root:root') lines.push(...op('chown', owner, ...temps));
    for (const [mode, temps] of modes) if (mode !== '0600') lines.push(...op('chmod', mode, ...temps));
    if (kept.length > 0) lines.push(...op('save', ...kept));
    return [...lines, ...op('sync', ...writes.map((o) => tempOf(o.path)))];
  }

  #lower(o: Op, earlier: readonly Op[], step: Numbered): string[] {
    switch (o.op) {
      case 'write':
        return [
          ...(o.validate ? op('check', tempOf(o.path), ...o.validate) : []),
          ...op('rename', tempOf(o.path), relative(o.path)),
        ];
      case 'access':
        return op('access', o.mode, `${o.owner}:${o.group}`, relative(o.path));
      case 'mkdir':
        return op('mkdir', o.mode, `${o.owner}:${o.group}`, relative(o.path));
      case 'link':
        return op('link', relative(o.path), o.target);
      case 'remove':
      case 'destroy':
      case 'rmdir':
        return op(o.op, relative(o.path));
      case 'install':
        return install([o]);
      case 'sysctl':
        return op('sysctl', sysctlPath(o.key), o.value);
      case 'modprobe':
        return op('modprobe', o.name);
      case 'user':
        return op('user', o.name, o.group, o.home);
      case 'run':
        return [...(o.keeps ? op('save', ...o.keeps.map(relative)) : []), ...op('run', ...o.argv)];
      case 'daemon-reload':
        return op('daemon-reload');
      case 'unit':
        return op('unit', o.action, o.name, o.noBlock ? '1' : '0', String(o.timeout));
      case 'stamp': {
        const start = earlier.findLast((other) => other.op === 'unit');
        return op(
          'stamp',
          o.unit,
          o.restart || '-',
          o.reload || '-',
          String(start?.op === 'unit' ? start.timeout : 90),
        );
      }
      case 'restore':
        return op('restore', o.run);
      default:
        throw new TypeError(`${step.ref}: unknown operation ${JSON.stringify(o satisfies never)}`);
    }
  }
}

/** Neighbours that only write files are laid down together; neighbours that only install become one install. */
function groups(steps: readonly Numbered[]): Numbered[][] {
  const result: Numbered[][] = [];
  let last = '';
  for (const step of steps) {
    const kinds = new Set(step.ops.map((o) => o.op));
    const kind = kinds.size === 1 ? [...kinds][0]! : '';
    if ((kind === 'write' || kind === 'install') && kind === last) result.at(-1)!.push(step);
    else result.push([step]);
    last = kind;
  }
  return result;
}

const LAID_DOWN: ReadonlySet<Op['op']> = new Set(['write', 'access', 'mkdir', 'link', 'remove', 'destroy', 'rmdir']);

function laysDown({ ops }: Numbered): boolean {
  return ops.every((o) => LAID_DOWN.has(o.op));
}

function install(ops: readonly Op[]): string[] {
  const of = (prefix: string, names: (o: Extract<Op, { op: 'install' }>) => string[]): string[] => [
    ...new Set(ops.flatMap((o) => (o.op === 'install' ? names(o) : [])).map((name) => `${prefix}:${name}`)),
  ];
  return op(
    'install',
    ...of('P', (o) => o.packages),
    ...of('M', (o) => o.mask),
    ...of('H', (o) => o.hold),
    ...of('R', (o) => o.replaced),
    ...of('V', (o) => o.moved ?? []),
  );
}

function op(name: Operation, ...args: string[]): string[] {
  return [tagged(TAGS.operation, name), ...args.flatMap(argumentLines), tagged(TAGS.end)];
}

function stepLine(tag: Tag, { number, ref }: Numbered): string {
  return tagged(tag, `${number} ${encodeURIComponent(ref)}`);
}

/** Beside its target, hidden, and with an ending that no daemon's `*.conf` matches. */
function tempOf(path: string): string {
  const at = path.lastIndexOf('/') + 1;
  return relative(`${path.slice(0, at)}.${path.slice(at)}.mcpk`);
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}
