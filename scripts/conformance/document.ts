/** docs/conformance.md: what a whole run gave, between its marks. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { duration, renderReport } from '../../bench/report.ts';
import type { Table } from '../../bench/types.ts';
import { replaceBetween } from '../marked.ts';
import { ROOT } from '../process.ts';
import { once, type Results, type Said } from './read-report.ts';

export const DOCUMENT = 'docs/conformance.md';
const MARKS = ['<!-- table: npm run conformance -->', '<!-- end of the table -->'] as const;

/** One run of all specs. */
export interface Round extends Results {
  seconds: number;
  /** How often they moved while it ran; undefined where the hosts did not tell. */
  moves: { vip: number; etcdLeader: number } | undefined;
}

/** An image of upstream's list, and what it is made of here. */
export interface MadeImage {
  reference: string;
  of: string;
}

export function renderRounds(rounds: readonly Round[], images: readonly MadeImage[], note: string): string {
  const said = (title: string, of: (round: Round) => readonly Said[]): Table[] => {
    const rows = once(rounds.flatMap(of)).map(({ name, why }) => [cell(name), cell(why)]);
    return rows.length === 0 ? [] : [{ title, head: ['spec', 'why'], rows }];
  };
  return renderReport({
    tables: [
      roundsTable(rounds),
      ...said('Failed', ({ failed }) => failed),
      ...said('Lines that tell of a connection to the VIP that was cut or came late', ({ atVip }) => atVip),
      ...said('Left out', ({ leftOut }) => leftOut),
      {
        title: 'Images',
        head: ['image', 'made of'],
        rows: images.map(({ reference, of }) => [`\`${reference}\``, of]),
      },
    ],
    notes: [note],
  });
}

function roundsTable(rounds: readonly Round[]): Table {
  const rows = rounds.map(({ passed, failed, leftOut, atVip, seconds, moves }, index) => {
    const counts = [passed, failed, leftOut].map((all) => String(all.length));
    const moved = [moves?.vip, moves?.etcdLeader].map((count) => String(count ?? 'not known'));
    return [String(index + 1), ...counts, duration(seconds), String(atVip.length), ...moved];
  });
  const head = ['run', 'passed', 'failed', 'left out', 'took', 'cut or late at the VIP'];
  return { title: 'Runs', head: [...head, 'the VIP moved', "etcd's leader moved"], rows };
}

/** Of errors, which have pipes and marks of HTML in them. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

export async function writeDocument(body: string): Promise<void> {
  const path = join(ROOT, DOCUMENT);
  await writeFile(path, replaceBetween(await readFile(path, 'utf8'), MARKS, body));
}
