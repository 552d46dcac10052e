import { Errors, Flags } from '@oclif/core';
import { ARCHITECTURES } from '../../core/architectures.ts';
import { parseDuration } from '../../core/duration.ts';
import { VARIABLE } from '../../core/variable.ts';

/** Node's timers end at 24 days, and fire at once beyond. */
const LONGEST_MS = 14 * 86_400_000;

/** ms, from so many seconds on. */
function time(text: string, least: number): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= least * 1000 && ms <= LONGEST_MS) return ms;
  throw new Errors.CLIError(
    `a time such as 300 (seconds), 30s, 5m or 1h, ${least > 0 ? `at least ${least}s, ` : ''}at most 14 days, not ${JSON.stringify(text)}`,
  );
}

/** A flag of so many seconds at least; its value is in ms. `says` ends with forms that it takes. */
const timeFlag = (says: string, { least, helpGroup }: { least: number; helpGroup?: string }) =>
  Flags.custom<number>({
    summary: says,
    helpValue: 'TIME',
    ...(helpGroup === undefined ? {} : { helpGroup }),
    parse: async (text) => time(text, least),
  })();

/** A machine's firmware may take minutes. */
export const BOOT_MS = 600_000;

/** For what has hosts boot. */
export const bootFlags = {
  'boot-timeout': timeFlag('Wait so long for a host that boots: 300 (seconds), 30s, 10m, 1h. [default: 10m]', {
    least: 1,
  }),
};

/** Where a command finds its cluster. */
export const inventoryFlags = {
  inventory: Flags.string({
    char: 'i',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'FILE',
    summary:
      'Inventory file; several are merged, later over earlier. [default: $MCPK_INVENTORY, several with : between, or ./mcpk.yaml]',
  }),
  env: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    helpValue: 'NAME',
    summary: 'Environment variable that the inventory may use, beside MCPK_…; give it once for each. [also: $MCPK_ENV]',
    parse: async (text) => {
      if (VARIABLE.test(text)) return text;
      throw new Errors.CLIError(`the name of an environment variable, not ${JSON.stringify(text)}`);
    },
  }),
};

/** How hosts are reached. */
export const connectionFlags = {
  'ask-become-pass': Flags.boolean({
    char: 'K',
    summary: "Ask for sudo's password on the terminal, for all hosts of which the inventory has none.",
    helpGroup: 'CONNECTION',
  }),
  'accept-new-host-keys': Flags.boolean({
    summary: 'Record host keys that are not known yet; changed ones are refused still.',
    helpGroup: 'CONNECTION',
  }),
  timeout: timeFlag('End the whole run after so long: 300 (seconds), 30s, 5m, 1h.', {
    least: 1,
    helpGroup: 'CONNECTION',
  }),
  concurrency: Flags.integer({
    summary: 'Hosts that are connected to, read or changed at the same time.',
    helpValue: 'N',
    min: 1,
    max: 1000,
    default: 32,
    helpGroup: 'CONNECTION',
  }),
  'skip-unreachable': Flags.string({
    summary: 'Go on without so many workers that do not answer: a number or a percentage.',
    helpValue: 'N|N%',
    helpGroup: 'CONNECTION',
    parse: async (text) => {
      if (/^(\d{1,4}|\d{1,2}%|100%)$/.test(text)) return text;
      throw new Errors.CLIError(`a number or a percentage, not ${JSON.stringify(text)}`);
    },
  }),
};

/** Which hosts a command means. */
export const limitFlags = {
  limit: Flags.string({
    char: 'l',
    summary:
      'Only these hosts: names, globs, all, role:worker, label:zone=a, fact:os.id=debian, joined by and, or, not.',
    helpValue: 'EXPR',
    helpGroup: 'SCOPE',
  }),
};

/** Which stages a command means. */
export const stageFlags = {
  only: Flags.string({
    summary: 'Only these stages, separated by commas; the gates that they need are checked still.',
    helpValue: 'STAGES',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    helpGroup: 'SCOPE',
  }),
  skip: Flags.string({
    summary: 'Without these stages, separated by commas; without preflight, what it finds in the facts is a warning.',
    helpValue: 'STAGES',
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    helpGroup: 'SCOPE',
  }),
};

/** For what takes the lock. */
export const lockFlags = {
  'wait-lock': timeFlag(
    'Wait so long for another run to end, instead of giving up at once: 300 (seconds), 30s, 5m, 1h.',
    { least: 0, helpGroup: 'CONNECTION' },
  ),
};

/** For what may come to hosts that are being installed. */
export const waitFlags = {
  'wait-for-hosts': timeFlag('Wait so long for hosts that boot or are being installed: 300 (seconds), 30s, 5m, 1h.', {
    least: 0,
    helpGroup: 'CONNECTION',
  }),
  'host-keys-from': Flags.string({
    summary: "Host keys to trust and record: a file as known_hosts, or a program that prints one ('!./keys.sh').",
    helpValue: 'FILE|!CMD',
    helpGroup: 'CONNECTION',
  }),
};

/** For what changes hosts. */
export const changeFlags = {
  'force-unsafe': Flags.boolean({
    summary: 'Take down what should stay up: a member of the quorum, the last API server. What comes of it is said.',
  }),
  yes: Flags.boolean({
    char: 'y',
    summary: 'Do not ask. Where standard input is no terminal nobody is asked, and it goes on as with it.',
  }),
};

/** What kubectl takes behind -o, none of them a name that somebody gives to a file. */
const FORMATS = ['json', 'yaml', 'wide', 'name'];

/** A file that is written, with -o. */
export function outFile(text: string): string {
  if (!FORMATS.includes(text)) return text;
  throw new Errors.CLIError(`a file, not a format: --json prints JSON; a file of that name is ./${text}`);
}

/** For what plans something else than `plan` does. */
export const planOnlyFlags = {
  'plan-only': Flags.boolean({
    summary: 'Show what would be done, and do nothing: exit 2 where there is something, 18 where it is refused.',
  }),
  out: Flags.string({
    char: 'o',
    summary: 'Write that plan here, for show --plan.',
    helpValue: 'FILE',
    parse: async (text) => outFile(text),
    dependsOn: ['plan-only'],
  }),
};

/** For what can't be taken back: the cluster's name is typed, or given. */
export const nameFlags = {
  yes: Flags.boolean({
    char: 'y',
    summary: 'Do not ask; needs --cluster. Where there is no terminal nothing is done (64) without both.',
  }),
  cluster: Flags.string({ summary: "The cluster's name, in place of typing it.", helpValue: 'NAME' }),
};

/** For what may bring another version of etcd or Kubernetes. */
export const snapshotFlags = {
  snapshot: Flags.string({
    summary:
      'Folder or file for the bundle of etcd that is taken before another version of etcd, or another minor one of Kubernetes. [default: the working directory]',
    helpValue: 'PATH',
  }),
  'no-snapshot': Flags.boolean({
    summary: 'Take no bundle of etcd before an upgrade.',
    exclusive: ['snapshot'],
  }),
};

/** For what may fetch binaries or manifests. */
export const fetchFlags = {
  'update-lock': Flags.boolean({
    summary: 'Write the sums of what is used now into the lock file beside the inventory, in place of those it holds.',
  }),
  locked: Flags.boolean({
    summary: 'Use nothing whose sum is neither in the lock file nor in the inventory.',
    exclusive: ['update-lock'],
  }),
};

/** For what has to do with binaries and asks no host which it wants. */
export const archFlags = {
  arch: Flags.string({
    summary: 'Processors of the hosts; give it once for each.',
    options: [...ARCHITECTURES],
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    default: ['amd64'],
  }),
};

/** For what CI runs. */
export const reportFlags = {
  junit: Flags.string({
    summary: 'Write the result here as JUnit XML, a case for each host and gate; also when the run fails.',
    helpValue: 'FILE',
  }),
};

/** For what shows a plan. */
export const summaryFlags = {
  summary: Flags.boolean({
    summary: 'Sum each stage up; without it only what is new on new hosts is, with --verbose nothing.',
    exclusive: ['verbose'],
  }),
};

/** All that a command that talks to hosts takes. */
export const runFlags = { ...inventoryFlags, ...limitFlags, ...stageFlags, ...connectionFlags };
/** For what asks hosts for their keys alone: it logs in nowhere but on jump hosts. */
export const scanFlags = {
  ...inventoryFlags,
  ...limitFlags,
  timeout: connectionFlags.timeout,
  concurrency: connectionFlags.concurrency,
};
/** The same without a choice of stages. */
export const hostFlags = { ...inventoryFlags, ...limitFlags, ...connectionFlags };
