import type { EtcdReport, MemberReport } from '../cluster/facts.ts';
import { span } from '../core/duration.ts';
import { size } from './figures.ts';
import { clean, padEnd, paint, symbol, width, type Theme } from './theme.ts';

const HEAD = ['member', 'role', 'version', 'size', 'in use', 'quota', 'lag', 'newest backup'];

/** One line a member, and what holds for all of them. */
export function renderEtcd(report: EtcdReport, theme: Theme): string {
  const rows = report.members.map(cells);
  const widths = HEAD.map((title, column) => Math.max(title.length, ...rows.map((row) => width(row[column] ?? ''))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => padEnd(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const members = report.members.flatMap((member, index) => [
    line(rows[index] ?? []),
    ...(member.problem === undefined
      ? []
      : [paint(theme, ['red'], `  ${symbol(theme, 'failed')} ${clean(member.problem)}`)]),
  ]);
  const alarms = report.alarms.map(({ member, alarm }) =>
    paint(theme, ['bold', 'red'], `${clean(alarm)} on ${clean(member)}${ADVICE[alarm] ?? ''}`),
  );
  const quorum = report.quorum ? [] : [paint(theme, ['bold', 'red'], 'no quorum of the members is healthy')];
  const leader = report.leader === undefined ? 'no leader' : `${clean(report.leader)} leads`;
  const head = `etcd of ${report.cluster} (${report.clusterId}): ${leader}, revision ${String(report.revision)}`;
  return `${[head, ...quorum, ...alarms, paint(theme, ['bold'], line(HEAD)), ...members].join('\n')}\n`;
}

const ADVICE: Readonly<Record<string, string>> = {
  NOSPACE: ': it takes no writes until mcpk etcd defrag has made room',
  CORRUPT: ': its data is not that of the others; it must be replaced',
};

function cells(member: MemberReport): string[] {
  const { name, id, role, version, storageVersion, databaseBytes, inUseBytes, quotaBytes, raftLag, backup } = member;
  const bytes = (count: number | undefined): string => (count === undefined ? '–' : size(count));
  const storage = storageVersion === undefined || storageVersion === '' ? '' : ` (data ${clean(storageVersion)})`;
  return [
    clean(name === '' ? id : name),
    role,
    version === undefined ? '–' : `${clean(version)}${storage}`,
    bytes(databaseBytes),
    bytes(inUseBytes),
    quotaBytes === 0 ? '–' : bytes(quotaBytes),
    raftLag === undefined ? '–' : String(raftLag),
    backup === undefined ? '–' : `${span(backup.ageSeconds * 1000)} old, ${size(backup.bytes)}`,
  ];
}
