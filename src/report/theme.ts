import { stripVTControlCharacters, styleText } from 'node:util';

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

/** Text that came from a host or a file, made harmless for a terminal: one line, no escape sequences. */
export function clean(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
    .replaceAll('\t', '    ');
}

/** Columns that a text takes, escape sequences aside. */
export function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}
