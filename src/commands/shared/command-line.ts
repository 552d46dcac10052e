const WORD = /^[\w@%+=:,./-]+$/;

type Given = Readonly<Record<string, unknown>>;

/** Flags without which a command would find another inventory, or none. */
export const FOUND_BY = ['inventory', 'env'];
/** And those without which it would not get onto the hosts. */
export const REACHED_BY = [...FOUND_BY, 'ask-become-pass'];
/** And those without which it would mean other hosts or stages, keep its snapshot elsewhere, or take other binaries. */
export const MEANT_BY = [
  ...REACHED_BY,
  'limit',
  'only',
  'skip',
  'skip-unreachable',
  'snapshot',
  'no-snapshot',
  'locked',
];

/** Those that are written in one letter. */
const SHORT: Readonly<Record<string, string>> = { inventory: '-i', 'ask-become-pass': '-K' };

/** `mcpk apply -i inventories/lab.yaml`: a command to copy, with the flags that it was called with. */
export function commandLine(command: string, flags: Given, names: readonly string[]): string {
  return ['mcpk', command, ...flagWords(flags, names)].join(' ');
}

/** Those of the flags that were given, as a shell reads them: `-i`, `inventories/lab.yaml`. */
export function flagWords(flags: Given, names: readonly string[]): string[] {
  const words = names.flatMap((name) => {
    const value = flags[name];
    const flag = SHORT[name] ?? `--${name}`;
    if (value === undefined || value === false) return [];
    if (value === true) return [flag];
    if (Array.isArray(value))
      return name === 'inventory' ? value.flatMap((each) => [flag, String(each)]) : [flag, value.join(',')];
    return typeof value === 'string' || typeof value === 'number' ? [flag, String(value)] : [];
  });
  return words.map((word) => (WORD.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`));
}
