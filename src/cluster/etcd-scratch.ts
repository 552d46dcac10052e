import { lastLines } from '../core/answer.ts';
import { McpkError } from '../core/errors.ts';
import { packageText } from '../core/package-files.ts';
import { PATHS } from '../core/paths.ts';
import type { Ask } from './gate.ts';

export type ScratchMode = 'rehearse' | 'copy';

const UNIT = 'mcpk-etcd-scratch.service';

/** Where a member of its own works on a host, for one run alone; it leaves with what runs there. */
export function scratchFolder(run: string): string {
  return `${PATHS.state}/etcd-scratch-${run}`;
}

/** What {@link prepareScratch} ends with beside 0. */
const UNDER_WAY = 5;
/** What the script ends with beside 0. */
const NO_ROOM = 3;
const NOT_RESTORED = 4;

/** Minutes without a write after which nobody works in a folder any more: who sends a snapshot writes all the time. */
const ABANDONED = 5;

/**
 * One at a time, as there must be room for it: $1 = what mcpk keeps on a host, $2 = the folder, $3 = the unit. Others'
 * folders are looked at under a lock, so that of two that begin at once one is told of the other; what a host that was
 * lost left behind goes.
 */
const PREPARE = `set -eu
exec 9<"$1"
flock 9
! systemctl is-active --quiet "$3" || exit ${String(UNDER_WAY)}
for other in "$1"/etcd-scratch*; do
  [ -z "$(find "$other" -mmin -${String(ABANDONED)} 2>/dev/null | head -n 1)" ] || exit ${String(UNDER_WAY)}
  rm -rf -- "$other"
done
umask 077
mkdir -- "$2"
cat >"$2/run.sh"
`;

/** Makes its folder, with the script in it: the words of a unit are no place for what has dollars in it. */
export function prepareScratch(folder: string): { argv: string[]; stdin: string } {
  return {
    argv: ['sh', '-c', PREPARE, 'sh', PATHS.state, folder, UNIT],
    stdin: packageText('src/cluster/etcd-scratch.sh'),
  };
}

/** Runs src/cluster/etcd-scratch.sh as a unit, so that nothing of it is left when nobody waits for it any more. */
export function scratchCommand(mode: ScratchMode, folder: string, ...words: readonly string[]): string[] {
  const properties = [
    'PrivateNetwork=yes',
    // Beside the member of the host it is the one to go.
    'OOMScoreAdjust=500',
    'RuntimeMaxSec=1800',
    `ExecStopPost=/bin/rm -rf ${folder}`,
  ];
  return [
    'systemd-run',
    ...['--quiet', '--wait', '--pipe', '--collect', `--unit=${UNIT}`],
    ...properties.map((each) => `--property=${each}`),
    ...['sh', `${folder}/run.sh`, mode, folder, ...words],
  ];
}

/** Why it ended so. */
export function scratchFailure(host: string, ended: { exitCode: number; stderr: string } | undefined): McpkError {
  const { exitCode, stderr } = ended ?? { exitCode: 255, stderr: '' };
  const details = lastLines(stderr, 5);
  if (exitCode === UNDER_WAY)
    return new McpkError('refused', 'another rehearsal, or recovery, is at work there', {
      host,
      hint: `Run the same command again once it has ended, or on another host. What was cut off there is cleared away ${String(ABANDONED)} minutes later.`,
    });
  if (exitCode === NO_ROOM)
    return new McpkError('preflight', 'has no room for it', { host, details, hint: `Make room below ${PATHS.state}.` });
  if (exitCode === NOT_RESTORED)
    return new McpkError('gate', "the snapshot can't be restored", { host, details, hint: 'Take another bundle.' });
  return new McpkError('stage', `etcd did not run there (exit code ${String(exitCode)})`, { host, details });
}

/** From `etcdctl get --count-only --write-out=fields`. Undefined when it is no such answer. */
export function parseCount(text: string): { revision: number; keys: number } | undefined {
  const field = (name: string): number => Number(new RegExp(`^"${name}" : (\\d{1,16})$`, 'm').exec(text)?.[1] ?? NaN);
  const [revision, keys] = [field('Revision'), field('Count')];
  return Number.isSafeInteger(revision) && Number.isSafeInteger(keys) ? { revision, keys } : undefined;
}

export function askEtcdutl(host: string): Ask {
  return { host, argv: [`${PATHS.bin}/etcdutl`, 'version'] };
}

/** From the answer to {@link askEtcdutl}. */
export function etcdutlVersion(answer: { stdout: string } | undefined): string | undefined {
  return /^etcdutl version: (\d[\d.]*)/m.exec(answer?.stdout ?? '')?.[1];
}
