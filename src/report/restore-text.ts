import { span } from '../core/duration.ts';
import { RAISED } from '../core/raised-revisions.ts';
import { clean, symbol, type Theme } from './theme.ts';

export interface RestoreTold {
  /** Of the bundle; undefined: the old data come back. */
  snapshot?: { keys: string; createdAt: string; revision: number; totalKeys: number; versions: { etcd: string } };
  /** The restore that it goes on with, or gives up. */
  begun?: string;
  /** Of etcd as it is; undefined: nobody tells. */
  revision?: number;
}

/** What to know before a restore of etcd is agreed to. */
export function renderRestore({ snapshot, begun = '', revision }: RestoreTold, theme: Theme, now: Date): string {
  if (!snapshot) return `Gives up the restore ${begun}: the old data come back.`;
  const words = [
    'sha256 right',
    `revision ${String(snapshot.revision)}`,
    `${String(snapshot.totalKeys)} keys`,
    `${span(now.getTime() - Date.parse(snapshot.createdAt))} old`,
    `etcd ${clean(snapshot.versions.etcd)}`,
  ];
  const head = `snapshot  ${words.join(` ${symbol(theme, 'dot')} `)}`;
  if (begun !== '') return `${head}\nGoes on with the restore ${begun}.`;
  return [
    head,
    `now       ${lost(snapshot.revision, revision)}`,
    ...(snapshot.keys === 'none'
      ? ['keys      none in the bundle: whether masters can read its Secrets is not known']
      : []),
    'The API is away until API servers serve again; pods run on. Until then: mcpk etcd restore --abandon',
  ].join('\n');
}

function lost(then: number, now: number | undefined): string {
  if (now === undefined) return 'no member tells its revision: what was written since the snapshot will be lost';
  const later = now - then;
  return `revision ${String(now)}: ${later >= 0 && later < RAISED ? `${String(later)} revisions` : 'what was written since the snapshot'} will be lost`;
}
