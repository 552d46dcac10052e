import { EXIT_CODES } from '../../core/errors.ts';

const WORD = /^[\w@%+=:,./-]+$/;

type Given = Readonly<Record<string, unknown>>;

/** `mcpk apply -i inventories/lab.yaml`: a command to copy, with the flags that it was called with. */
export function commandLine(command: string, flags: Given, names: readonly string[]): string {
  return ['mcpk', command, ...flagWords(flags, names)].join(' ');
}

/** Those of the flags that were given, as a shell reads them: `-i`, `inventories/lab.yaml`. */
export function flagWords(flags: Given, names: readonly string[]): string[] {
  const words = names.flatMap((name) => {
    const value = flags[name];
    const flag = name === 'inventory' ? '-i' : `--${name}`;
    if (value === undefined || value === false) return [];
    if (value === true) return [flag];
    if (Array.isArray(value))
      return name === 'inventory' ? value.flatMap((each) => [flag, String(each)]) : [flag, value.join(',')];
    return typeof value === 'string' || typeof value === 'number' ? [flag, String(value)] : [];
  });
  return words.map((word) => (WORD.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`));
}

/** The table of exit codes, as help shows it. */
export function exitCodeTable(): string {
  return Object.values(EXIT_CODES)
    .map(([code, meaning]) => `${String(code).padStart(3)}  ${meaning}`)
    .join('\n');
}
