import { isMap } from './merge.ts';
import { Secret } from './secret.ts';

type Path = readonly (string | number)[];

/** A value of KubeletConfiguration with which no kubelet starts, and where it stands in it. */
export interface ValueProblem {
  path: Path;
  message: string;
  /** What was likely to be written: `word` is near one of `among`. */
  word: string;
  among: readonly string[];
}

/*
 * What upstream takes, from pkg/kubelet/apis/config/validation, and, of what it reads later, from pkg/kubelet/cm,
 * pkg/kubelet/eviction and cmd/kubelet/app (Kubernetes 1.35 to 1.37). An empty text is its default everywhere.
 */

const WORDS: readonly (readonly [path: readonly string[], words: readonly string[]])[] = [
  [['cpuManagerPolicy'], ['none', 'static']],
  [['memoryManagerPolicy'], ['None', 'Static']],
  [['topologyManagerPolicy'], ['none', 'best-effort', 'restricted', 'single-numa-node']],
  [['topologyManagerScope'], ['container', 'pod']],
  [['hairpinMode'], ['promiscuous-bridge', 'hairpin-veth', 'none']],
  [
    ['memorySwap', 'swapBehavior'],
    ['NoSwap', 'LimitedSwap'],
  ],
  [['memoryReservationPolicy'], ['None', 'TieredReservation']],
  [
    ['imagePullCredentialsVerificationPolicy'],
    ['NeverVerify', 'NeverVerifyPreloadedImages', 'NeverVerifyAllowlistedImages', 'AlwaysVerify'],
  ],
];

const RANGES: readonly (readonly [name: string, least: number, most: number])[] = [
  ['imageGCHighThresholdPercent', 0, 100],
  ['imageGCLowThresholdPercent', 0, 100],
  ['oomScoreAdj', -1000, 1000],
  ['healthzPort', 0, 65_535],
  ['readOnlyPort', 0, 65_535],
];

const ENFORCED = [
  ...['pods', 'system-reserved', 'system-reserved-compressible', 'kube-reserved', 'kube-reserved-compressible', 'none'],
];

const SIGNALS = [
  ...['memory.available', 'nodefs.available', 'nodefs.inodesFree', 'imagefs.available', 'imagefs.inodesFree'],
  ...['containerfs.available', 'containerfs.inodesFree', 'pid.available', 'allocatableMemory.available'],
];

const RESOURCES = ['cpu', 'memory', 'ephemeral-storage', 'pid'];

const QUANTITY = /^\+?(\d+(\.\d*)?|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/;
const PERCENTAGE = /^\+?(\d+(\.\d*)?|\.\d+)%$/;

interface MapRule {
  names: readonly string[];
  what: string;
  fits: (value: string) => boolean;
  form: string;
}

const THRESHOLDS: MapRule = {
  names: SIGNALS,
  what: 'a signal of eviction such as memory.available or nodefs.inodesFree',
  fits: (value) =>
    PERCENTAGE.test(value) ? Number(value.slice(0, -1)) <= 100 : QUANTITY.test(value) && /[1-9]/.test(value),
  form: 'a quantity above 0 such as 500Mi, or a percentage such as 10%',
};
const RESERVED: MapRule = {
  names: RESOURCES,
  what: `one of ${RESOURCES.join(', ')}`,
  fits: (value) => QUANTITY.test(value),
  form: 'a quantity such as 500Mi',
};
const MAPS: readonly (readonly [name: string, rule: MapRule])[] = [
  ['evictionHard', THRESHOLDS],
  ['evictionSoft', THRESHOLDS],
  ['kubeReserved', RESERVED],
  ['systemReserved', RESERVED],
];

/** Values of a kubelet's file that upstream's validation refuses, of those that these tables know. */
export function kubeletValues(config: Readonly<Record<string, unknown>>): ValueProblem[] {
  return [
    ...WORDS.flatMap(([path, words]) => wrongWord(path, valueAt(config, path), words)),
    ...[config['enforceNodeAllocatable']]
      .flat()
      .flatMap((value, index) => wrongWord(['enforceNodeAllocatable', index], value, ENFORCED)),
    ...RANGES.flatMap(([name, least, most]) => outOfRange(name, config[name], least, most)),
    ...MAPS.flatMap(([name, rule]) => wrongIn(name, config[name], rule)),
    ...withoutGrace(config),
    ...imageThresholds(config),
  ];
}

const REFUSES = 'the kubelet does not start with it';

function wrongWord(path: Path, value: unknown, words: readonly string[]): ValueProblem[] {
  if (typeof value !== 'string' || value === '' || words.includes(value)) return [];
  return [{ path, message: `"${value}" is none of ${words.join(', ')}: ${REFUSES}`, word: value, among: words }];
}

function outOfRange(name: string, value: unknown, least: number, most: number): ValueProblem[] {
  if (typeof value !== 'number' || (value >= least && value <= most)) return [];
  const message = `${String(value)} is not between ${String(least)} and ${String(most)}: ${REFUSES}`;
  return [{ path: [name], message, word: '', among: [] }];
}

function wrongIn(section: string, map: unknown, { names, what, fits, form }: MapRule): ValueProblem[] {
  return entriesOf(map).flatMap(([name, value]): ValueProblem[] => {
    const path = [section, name];
    if (!names.includes(name)) return [{ path, message: `is not ${what}: ${REFUSES}`, word: name, among: names }];
    if (value instanceof Secret || fits(String(value))) return [];
    return [{ path, message: `"${String(value)}" is not ${form}: ${REFUSES}`, word: '', among: [] }];
  });
}

/** A soft threshold wants to know for how long. */
function withoutGrace(config: Readonly<Record<string, unknown>>): ValueProblem[] {
  const periods = entriesOf(config['evictionSoftGracePeriod']).map(([signal]) => signal);
  return entriesOf(config['evictionSoft'])
    .filter(([signal]) => SIGNALS.includes(signal) && !periods.includes(signal))
    .map(([signal]) => ({
      path: ['evictionSoft', signal],
      message: `has no period beside it in evictionSoftGracePeriod, such as 1m30s: ${REFUSES}`,
      word: '',
      among: [],
    }));
}

/** Upstream's own where the file has none. */
const IMAGE_THRESHOLDS = { high: 85, low: 80 };

function imageThresholds(config: Readonly<Record<string, unknown>>): ValueProblem[] {
  const { imageGCLowThresholdPercent: givenLow, imageGCHighThresholdPercent: givenHigh } = config;
  const low = givenLow ?? IMAGE_THRESHOLDS.low;
  const high = givenHigh ?? IMAGE_THRESHOLDS.high;
  if (typeof low !== 'number' || typeof high !== 'number' || low < high || low > 100 || high < 0) return [];
  return [
    {
      path: [typeof givenLow === 'number' ? 'imageGCLowThresholdPercent' : 'imageGCHighThresholdPercent'],
      message: `imageGCLowThresholdPercent ${String(low)} is not below imageGCHighThresholdPercent ${String(high)}: ${REFUSES}`,
      word: '',
      among: [],
    },
  ];
}

/** Without those that are taken out. */
function entriesOf(map: unknown): [string, unknown][] {
  return isMap(map) ? Object.entries(map).filter(([, value]) => value !== null) : [];
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isMap(at) ? at[key] : undefined), value);
}
