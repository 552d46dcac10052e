import { readFileSync } from 'node:fs';

/** The fixed scripts that a host is given, by the name of their request. */
export function loadScripts(): Record<'probe' | 'converge', string> {
  const read = (name: string): string => readFileSync(new URL(`./scripts/${name}.sh`, import.meta.url), 'utf8');
  return { probe: read('probe'), converge: read('converge') };
}
