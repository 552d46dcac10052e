/**
 * `npm run reliability`: writes what the last run of the fault suite saw (.cache/faults.jsonl) into the table of
 * docs/reliability.md. Of a fault that was proved several times the last one counts.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceBetween } from './marked.ts';
import { ROOT } from './process.ts';

interface Row {
  fault: string;
  code: number | string;
  message: string;
  recoveredMs: number;
  /** Where a witness looked on. */
  apiGapMs?: number;
  writeGapMs?: number;
}

const MARKS = ['<!-- table: npm run reliability -->', '<!-- end of the table -->'] as const;

const seconds = (ms: number | undefined): string => (ms === undefined ? '–' : (ms / 1000).toFixed(1));
const cell = (text: string): string => text.replaceAll('|', '\\|');

const lines = (await readFile(join(ROOT, '.cache/faults.jsonl'), 'utf8')).trim().split('\n');
const rows = new Map(lines.map((line) => JSON.parse(line) as Row).map((row) => [row.fault, row]));
const table = [
  '| fault | exit | what mcpk said | next apply, s | API silent, s | etcd without a write, s |',
  '| --- | --- | --- | --- | --- | --- |',
  ...[...rows.values()].map((row) => {
    const said = row.message === '' ? '' : cell(row.message);
    const figures = [row.recoveredMs, row.apiGapMs, row.writeGapMs].map(seconds);
    return `| ${cell(row.fault)} | ${String(row.code)} | ${said} | ${figures.join(' | ')} |`;
  }),
];
const path = join(ROOT, 'docs/reliability.md');
await writeFile(path, replaceBetween(await readFile(path, 'utf8'), MARKS, `${table.join('\n')}\n`));
