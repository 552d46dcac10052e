import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** What a renderer may use: no color, no symbol beyond ASCII and no width is taken for granted. */
export interface Theme {
  readonly color: boolean;
  readonly unicode: boolean;
  /** Columns of the terminal; undefined = the reader wraps (a file, a pipe). */
  readonly columns: number | undefined;
}

export const PLAIN: Theme = { color: false, unicode: true, columns: undefined };

const SYMBOLS = {
  ok: ['✔', 'v'],
  failed: ['✖', 'x'],
  restart: ['↻', '@'],
  arrow: ['→', '->'],
  dot: ['·', '-'],
  more: ['…', '...'],
  skipped: ['-', '-'],
  warning: ['!', '!'],
} as const satisfies Record<string, readonly [string, string]>;

export function symbol(theme: Theme, name: keyof typeof SYMBOLS): string {
  return SYMBOLS[name][theme.unicode ? 0 : 1];
}

export function paint(theme: Theme, style: Style | readonly Style[], text: string): string {
  return theme.color && text !== '' ? styleText([...[style].flat()], text, { validateStream: false }) : text;
}

/** A theme for an output stream, by the conventions of terminals: NO_COLOR, FORCE_COLOR, TERM=dumb, the locale. */
export function themeFor(
  stream: { isTTY?: boolean; columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Theme {
  const tty = stream.isTTY === true;
  const forced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== '';
  const refused = Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb';
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return {
    color: !refused && (tty || forced),
    unicode: (locale === '' || /utf-?8/i.test(locale)) && env['TERM'] !== 'linux',
    columns: tty ? stream.columns || 80 : undefined,
  };
}

/**
 * Escape sequences: those that begin with `ESC [`, texts for the terminal (title, link, clipboard) with their end, and
 * those of one letter. What may repeat never holds what ends it or begins the next one: each character is seen once.
 */
const SEQUENCES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0080-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;
/** Control characters, and what shows nothing but moves or turns the text around it. */
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const LINE_BREAKS = /[\n\u2028\u2029]+/g;
/** Much more than one reads in a line. */
const LONGEST_LINE = 8192;

/** Text that came from a host or a file, made harmless for a terminal: one line, no escape sequences, cut. */
export function clean(text: string): string {
  return cleanUpTo(LONGEST_LINE, text);
}

/** Cut first: what is looked for in a text of any length takes any time. */
export function cleanUpTo(most: number, text: string): string {
  const kept = text.length > most ? `${text.slice(0, most)}…` : text;
  return kept.replace(SEQUENCES, '').replace(UNSEEN, '').replace(LINE_BREAKS, ' ').replaceAll('\t', '    ');
}

/** The lines of such a text, each by itself. */
export function cleanLines(text: string, most = 100): string[] {
  return text
    .slice(0, most * LONGEST_LINE)
    .trimEnd()
    .split('\n', most)
    .map((line) => clean(line));
}

/** Columns that a text takes, escape sequences aside. */
export function width(text: string): number {
  // ASCII, as nearly all texts are, has a column a character.
  const seen = text.includes('\u001b') ? text.replace(SEQUENCES, '') : text;
  return /^[ -~]*$/.test(seen) ? seen.length : [...seen].length;
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}
