import { lastLines } from '../core/answer.ts';
import type { Explanation } from './gate.ts';

const LINES = 20;
/** Of one line, before it is looked at: a program may print a whole object on one. */
const LONGEST = 2000;

/** The last lines of a unit's journal, the one that says why first. */
export function unitJournal({ host, name }: { host: string; name: string }): Explanation {
  return {
    asks: [{ host, argv: ['journalctl', '-u', name, '-n', String(LINES), '-o', 'cat', '--no-pager'] }],
    tell: ([journal]) => {
      const lines = lastLines(journal?.stdout, LINES);
      const said = headline(lines);
      return {
        lines: [
          ...(said === undefined ? [] : [`${name} says  ${said}`]),
          `journal of ${name}:`,
          ...lines.map((line) => `  ${line}`),
        ],
      };
    },
  };
}

type Severity = 'fatal' | 'error';

/**
 * The last line that tells of the end of a program, else the last that tells of an error, in the words of its author:
 * without time, source and key of the log's format. Undefined when no line is of that kind.
 */
export function headline(lines: readonly string[]): string | undefined {
  const found = lines.flatMap((line) => troubleIn(line.slice(0, LONGEST)) ?? []);
  return (found.findLast(({ severity }) => severity === 'fatal') ?? found.at(-1))?.text;
}

function troubleIn(line: string): { severity: Severity; text: string } | undefined {
  return fromJson(line) ?? fromKlog(line) ?? fromLogfmt(line) ?? fromWords(line);
}

/** zap (etcd) and slog: `{"level":"fatal","msg":"…","error":"…"}`. */
function fromJson(line: string): { severity: Severity; text: string } | undefined {
  if (!line.startsWith('{')) return undefined;
  const fields = parsed(line);
  const severity = severityOf(text(fields['level']) ?? text(fields['severity']) ?? '');
  const words = [text(fields['msg']) ?? text(fields['message']), text(fields['error']) ?? text(fields['err'])];
  const told = words.filter((word) => word !== undefined && word !== '').join(': ');
  return severity === undefined || told === '' ? undefined : { severity, text: told };
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Kubernetes' klog: `E1128 20:31:02.123456    4711 server.go:155] "Failed to run" err="…"`. */
function fromKlog(line: string): { severity: Severity; text: string } | undefined {
  const [, letter, rest] = /^([EF])\d{4} [\d:.]+ +\d+ [^\]\s]+\] (.*)$/.exec(line) ?? [];
  if (rest === undefined) return undefined;
  return { severity: letter === 'F' ? 'fatal' : 'error', text: rest };
}

/** `key="a quoted \\" value"` or `key=word`. */
const LOGFMT = /(?<=^| )(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))/g;

/** containerd: `time="…" level=error msg="…" error="…"`. */
function fromLogfmt(line: string): { severity: Severity; text: string } | undefined {
  const severity = severityOf(/(?:^| )level=(\w+)/.exec(line)?.[1] ?? '');
  if (severity === undefined) return undefined;
  const values = new Map([...line.matchAll(LOGFMT)].map(([, key = '', quoted, plain = '']) => [key, quoted ?? plain]));
  const told = ['msg', 'error'].flatMap((key) => values.get(key) ?? []).join(': ');
  return told === '' ? undefined : { severity, text: told };
}

const FATAL = /^(panic:|fatal\b|F\w* error:)/i;
/** Of apt's `E: …` all but the one that only says that dpkg failed, as dpkg says why. */
const ERROR = /^(err(or)?\b|E: (?!Sub-process)|\[ALERT\]|\w+: (fatal|error)\b)/i;

/** Plain programs: `panic: …`, `Error: unknown flag: --x`, HAProxy's `[ALERT] (1) : …`. */
function fromWords(line: string): { severity: Severity; text: string } | undefined {
  if (FATAL.test(line)) return { severity: 'fatal', text: line };
  return ERROR.test(line) ? { severity: 'error', text: line } : undefined;
}

function severityOf(level: string): Severity | undefined {
  if (/^(fatal|panic|dpanic|critical|crit|emerg)$/i.test(level)) return 'fatal';
  return /^(error|err)$/i.test(level) ? 'error' : undefined;
}
