/** `*` any text, `?` one character; all else as it stands. Linear in practice: only the last `*` is ever taken back. */
export function globMatches(pattern: string, text: string): boolean {
  const want = [...pattern];
  const have = [...text];
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let i = 0; i < have.length;) {
    if (want[at] === '*') {
      star = at++;
      resume = i;
    } else if (at < want.length && (want[at] === '?' || want[at] === have[i])) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++resume;
    } else return false;
  }
  return want.slice(at).every((rest) => rest === '*');
}
