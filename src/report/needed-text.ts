import type { Needed } from '../artifacts/types.ts';
import { counted, size } from './figures.ts';
import { clean, padEnd, width, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

/** What comes from outside, a line each, and how much of it is there. */
export function renderNeeded({ binaries, manifests }: Needed, theme: Theme): string {
  const files = [
    ...binaries.map((each) => ({ ...each, from: each.url })),
    ...manifests.map((each) => ({ ...each, name: `manifest ${each.name}`, from: each.url ?? each.file ?? '' })),
  ];
  const rows = files.map(({ name, size: bytes, file, sha256, from }) => ({
    name: clean(name),
    state: file === undefined ? 'to fetch' : size(bytes ?? 0),
    sum: sha256 === undefined ? 'no sum yet' : sha256.slice(0, 10),
    from: clean(from),
  }));
  const widest = (of: 'name' | 'state'): number => Math.max(0, ...rows.map((row) => width(row[of])));
  const lines = rows.flatMap(({ name, state, sum, from }) =>
    wrap(theme, `${padEnd(name, widest('name'))}  ${padEnd(state, widest('state'))}  ${padEnd(sum, 10)}  ${from}`, 4),
  );
  const lacking = files.filter(({ file }) => file === undefined).length;
  const bytes = files.reduce((sum, each) => sum + (each.size ?? 0), 0);
  const end = `${counted(files.length, 'file')}, ${size(bytes)} there, ${lacking === 0 ? 'nothing to fetch' : `${lacking} to fetch`}.`;
  return `${[...lines, end].join('\n')}\n`;
}
