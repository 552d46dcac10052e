import { span } from '../core/duration.ts';
import { BUNDLE_SUFFIX } from '../core/etcd-bundle.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import type { Answer, Ask, GateCheck } from './gate.ts';

/** What `etcd.backup` lays on a member. */
export const BACKUP_UNITS = { service: 'mcpk-etcd-backup.service', timer: 'mcpk-etcd-backup.timer' } as const;

/** What a member has of its backups. Times are seconds of the host's clock. */
export interface BackupState {
  now: number;
  /** The newest bundle. */
  newest?: { name: string; bytes: number; at: number };
  /** systemd's word for how the last one ended: `success`, `exit-code` …; and whether one is being made. */
  result: string;
  running: boolean;
  /** The timer waits for its next time. */
  waits: boolean;
  /** When its time had come last; absent = never yet. */
  triggered?: number;
  /** When the timer was laid. */
  laid: number;
}

/**
 * $1 = folder, $2 = cluster, $3 = service, $4 = timer. Words on lines of their own, a fixed number of them.
 * systemd knows a timer's last time as text only.
 */
const LOOK = `set -- "$3" "$4" "$1/$2"-????????T??????Z${BUNDLE_SUFFIX}
service=$1 timer=$2
for newest; do :; done
date +%s
systemctl show --property=Result --value "$service"
systemctl show --property=ActiveState --value "$service"
systemctl show --property=ActiveState --value "$timer"
date --date="$(systemctl show --property=LastTriggerUSec --value "$timer" | sed 's/^n.a$//; s/^$/@0/')" +%s
stat --format=%Y "/etc/systemd/system/$timer" || echo 0
[ ! -f "$newest" ] || stat --format='%Y %s %n' "$newest"
`;

export function askBackup(host: string, { name, etcd }: Cluster): Ask | undefined {
  if (etcd.backup === undefined) return undefined;
  const { service, timer } = BACKUP_UNITS;
  return { host, argv: ['sh', '-c', LOOK, 'sh', etcd.backup.directory, name, service, timer] };
}

/** Undefined for what is not the answer to {@link askBackup}. */
export function parseBackup(answer: Answer | undefined): BackupState | undefined {
  const [now, result, service, timer, triggered, laid, newest = ''] = (answer?.stdout ?? '').split('\n');
  const seconds = [now, triggered, laid].map((text) => (/^\d{1,12}$/.test(text ?? '') ? Number(text) : undefined));
  const [at, last, since] = seconds;
  if (at === undefined || last === undefined || since === undefined || result === undefined) return undefined;
  const [, modified, bytes, path] = /^(\d{1,12}) (\d{1,15}) (\/[ -~]{1,4096})$/.exec(newest) ?? [];
  return {
    now: at,
    result,
    running: service === 'activating' || service === 'active',
    waits: timer === 'active',
    laid: since,
    ...(last === 0 ? {} : { triggered: last }),
    ...(path === undefined
      ? {}
      : { newest: { name: path.split('/').at(-1) ?? '', bytes: Number(bytes), at: Number(modified) } }),
  };
}

/** Of the newest bundle, in seconds; undefined where there is none. */
export function ageOf({ now, newest }: BackupState): number | undefined {
  return newest && Math.max(0, now - newest.at);
}

/** A bundle is there a while after its time has come. */
const SLACK_S = 60;

/** One for each member: each time of the timer has left a bundle. None where the inventory wants no backups. */
export function backupGates(cluster: Cluster, hosts: readonly Host[]): GateCheck[] {
  return hosts.flatMap(({ name: host }) => {
    const ask = askBackup(host, cluster);
    if (ask === undefined) return [];
    return [
      {
        title: `etcd ${host} has a backup of the last time that one was due`,
        asks: [ask],
        check: ([answer]) => backupProblem(parseBackup(answer)),
        host,
        unit: { host, name: BACKUP_UNITS.service },
        deadline: 10,
      },
    ];
  });
}

/** What is wrong with them, for a reader; undefined = nothing. */
export function backupProblem(state: BackupState | undefined): string | undefined {
  if (state === undefined) return 'what is there cannot be read';
  const { newest, result, running, waits, triggered, laid, now } = state;
  if (!waits) return `${BACKUP_UNITS.timer} does not run`;
  const age = newest === undefined ? 'there is none' : `the newest is ${span((now - newest.at) * 1000)} old`;
  if (running) return undefined;
  if (result !== 'success') return `the last one failed (${result}); ${age}`;
  // systemd takes the timer's first start for a time that has come, once the host has booted again.
  if (triggered === undefined || triggered <= laid + SLACK_S) return undefined;
  return newest === undefined || newest.at < triggered
    ? `one was due ${span((now - triggered) * 1000)} ago; ${age}`
    : undefined;
}
