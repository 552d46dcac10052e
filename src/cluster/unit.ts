import { linesOf } from '../core/lines.ts';
import type { UnitState } from '../resources/types.ts';
import type { Answer, Ask } from './gate.ts';

const PROPERTIES = ['ActiveState', 'SubState', 'ExecMainStartTimestamp'] as const;

/** What systemd tells of a unit now. */
export function askUnit(host: string, unit: string): Ask {
  return { host, argv: ['systemctl', 'show', '--timestamp=unix', `--property=${PROPERTIES.join()}`, unit], unit };
}

/** The answer to {@link askUnit} as a probe of the host has it; none of a unit that it did not see. */
export function unitAnswer(host: string, seen: UnitState | undefined): Answer {
  const lines =
    seen === undefined
      ? []
      : [
          `ActiveState=${seen.activeState}`,
          `SubState=${seen.subState}`,
          `ExecMainStartTimestamp=@${String(Math.floor(seen.startedAt))}`,
        ];
  return { host, exitCode: 0, stdout: lines.map((line) => `${line}\n`).join(''), stderr: '' };
}

/** Three properties have some 100. */
const MOST_CHARACTERS = 64 * 1024;

/** One property of the answer to {@link askUnit}. */
export function unitProperty(answer: Answer | undefined, name: (typeof PROPERTIES)[number]): string | undefined {
  for (const line of linesOf((answer?.stdout ?? '').slice(0, MOST_CHARACTERS)))
    if (line.startsWith(`${name}=`)) return line.slice(name.length + 1);
  return undefined;
}
