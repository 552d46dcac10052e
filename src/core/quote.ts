/** Words that a POSIX shell reads as they stand, also in first place (no `=`, no `~`). */
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/;

/**
 * The one way from an argument list to a line of POSIX shell: commands handed to ssh, and hints that a user
 * copies. `['echo', "it's"]` gives `echo 'it'\''s'`. NUL can't be passed to any program and is refused.
 */
export function quote(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
  if (word.includes('\0')) throw new TypeError('an argument contains a NUL character');
  if (PLAIN.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
