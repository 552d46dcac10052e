import type { Answer } from '../../cluster/gate.ts';

/** sshd answers long before the last unit is up. */
export const SYSTEM = ['systemctl', 'is-system-running'];
const STARTING: ReadonlySet<string> = new Set(['initializing', 'starting']);

/** Whether a host that answered {@link SYSTEM} so boots still. */
export function isStarting(answer: Pick<Answer, 'stdout'> | undefined): boolean {
  return STARTING.has(answer?.stdout.trim() ?? '');
}

export const STARTING_WHY = 'systemd has not started all of it';
