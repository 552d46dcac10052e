import { linesOf } from '../core/lines.ts';
import type { Answer, Ask } from './gate.ts';

const WANTED = '/run/reboot-required';
const KERNEL = '/boot/vmlinuz-';

/** What tells whether a host should boot: the mark that packages leave, and the kernels that are installed. */
export function askRebootNeed(host: string): Ask {
  // One that is not there is no failure.
  return { host, argv: ['find', WANTED, '/boot', '-maxdepth', '1', '-path', `${WANTED}*`, '-o', '-name', 'vmlinuz-*'] };
}

/** Why the host should boot; undefined: it need not. `running` as `uname -r` has it. */
export function rebootNeed(answer: Answer | undefined, running: string): string | undefined {
  const seen = [...linesOf((answer?.stdout ?? '').slice(0, MOST_CHARACTERS))];
  const kernels = seen.flatMap((line) => (line.startsWith(KERNEL) ? [line.slice(KERNEL.length)] : []));
  const newer = kernels.filter((each) => isNewer(each, running)).toSorted((a, b) => (isNewer(a, b) ? -1 : 1))[0];
  const reasons = [
    ...(newer === undefined ? [] : [`kernel ${newer} is installed, ${running} runs`]),
    ...(seen.includes(WANTED) ? [`${WANTED} is there`] : []),
  ];
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

const MOST_CHARACTERS = 64 * 1024;

/** Of the same flavour, as `amd64`, `cloud-amd64`, `generic`: a host that has two boots one of them. */
function isNewer(release: string, other: string): boolean {
  const [a, b] = [partsOf(release), partsOf(other)];
  if (a.flavour !== b.flavour) return false;
  const at = a.numbers.findIndex((number, index) => number !== (b.numbers[index] ?? -1));
  return at !== -1 && (a.numbers[at] ?? 0) > (b.numbers[at] ?? -1);
}

/** `6.12.48+deb13-cloud-amd64`, `6.8.0-45-generic`: what begins with a digit is the version. */
function partsOf(release: string): { numbers: number[]; flavour: string } {
  const words = release.slice(0, 128).split('-');
  const flavour = words.findIndex((word) => !/^\d/.test(word));
  const version = words.slice(0, flavour === -1 ? undefined : flavour).join('-');
  return {
    numbers: [...version.matchAll(/\d+/g)].map(([digits]) => Number(digits)),
    flavour: flavour === -1 ? '' : words.slice(flavour).join('-'),
  };
}
