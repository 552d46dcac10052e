const WORD = /^[\w@%+=:,./-]+$/;

/** `mcpk apply -i inventories/lab.yaml`: a command to copy, with the flags that it was called with. */
export function commandLine(
  command: string,
  flags: Readonly<Record<string, unknown>>,
  names: readonly string[],
): string {
  const words = names.flatMap((name) => {
    const value = flags[name];
    const flag = name === 'inventory' ? '-i' : `--${name}`;
    if (value === undefined || value === false) return [];
    if (value === true) return [flag];
    if (Array.isArray(value))
      return name === 'inventory' ? value.flatMap((each) => [flag, String(each)]) : [flag, value.join(',')];
    return typeof value === 'string' || typeof value === 'number' ? [flag, String(value)] : [];
  });
  return ['mcpk', command, ...words]
    .map((word) => (WORD.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
