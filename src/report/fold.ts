import { quote } from '../core/quote.ts';
import type { Host } from '../inventory/types.ts';

/** The hosts of the inventory, and the words in which several of them are said. */
export interface Roster {
  readonly hosts: readonly Pick<Host, 'name' | 'address' | 'internalAddress' | 'source'>[];
  /** As `--limit` takes them: `role:worker and not w2`. */
  words: (names: readonly string[]) => string;
}

/** What is said of a host: an error, a warning. */
export interface Told {
  readonly host?: string | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly code?: string;
}

/** What has one cause. */
export interface Fold<T extends Told> {
  all: readonly [T, ...T[]];
  hosts: readonly string[];
  /** What is wrong, with all hosts in place of the one: they are in the text, or stand before it. */
  message: (hosts: string) => string;
  hint: string | undefined;
}

/** From so many on, hosts in a row are said in words. */
export const MANY = 4;

/** What is said of several hosts takes no more columns than this, whatever the terminal. */
export const LINE = 100;

// In the place of what each host has of its own; texts for readers have no such characters.
const NAME = '\ue000';
const ADDRESS = '\ue001';
const SOURCE = '\ue002';
const QUANTITY = '\ue003';
const INTERNAL = '\ue004';

/** More than a sentence of ours; what is longer a host said, and it stays as it is. */
const LONGEST = 16_384;

// Both begin only where a word does: a host may say a word of any length, which is then seen once.
/** Hosts that lack 1.2 and 1.3 GiB lack the same. */
const QUANTITIES = /(?<![\w.])\d+(?:\.\d+)?(?= (?:[KMG]iB|[kMG]B|bytes|ms|s|min)\b)/g;
/** Names or addresses, one after another. */
const ROWS = /((?<![\w.-])[\w.-]+(?:, [\w.-]+)+)/;

/** What is told, by its cause, in the order in which it came. */
export function foldByCause<T extends Told>(told: readonly T[], roster?: Roster): Fold<T>[] {
  const said = told.map((each) => ({ each, ...causeOf(each, roster) }));
  return [...Map.groupBy(said, ({ key }) => key).values()].map((group) => {
    const [{ each: first, message }] = group as [(typeof said)[number]];
    const all = group.map(({ each }) => each) as unknown as Fold<T>['all'];
    const hosts = [...new Set(all.flatMap(({ host }) => host ?? []))];
    if (hosts.length < 2) return { all, hosts, ...asItStands(first, roster) };
    const quantities = all.map((each) => each.message.match(QUANTITIES) ?? []);
    const source = known(roster).byName.get(first.host ?? '')?.source ?? '';
    return {
      all,
      hosts,
      message: (names) => unmasked(message, names, { quantities, source }),
      hint: first.hint && hintFor(first.hint, hosts, roster),
    };
  });
}

/** `key`: the same for all that have one cause; `message`: with marks for what is the host's own. */
export function causeOf({ host, message, hint = '', code }: Told, roster?: Roster): { key: string; message: string } {
  const self = selfOf(host, roster);
  const said = masked(message, self, roster);
  // No line that is shown has a NUL in it; escaping texts of megabytes would take longer than a sign of life.
  return { key: [code, said, masked(hint, self, roster)].join('\0'), message: said };
}

function asItStands<T extends Told>({ message, hint, host }: T, roster?: Roster): Pick<Fold<T>, 'message' | 'hint'> {
  const isNamed = host === undefined || message.search(wholeWord(host)) >= 0;
  const text = rowsInWords(message, roster);
  return {
    message: (names) => (isNamed || names === '' ? text : `${names}: ${text}`),
    // Of no host it is about what was asked: the names in it are the answer.
    hint: host === undefined ? hint : hint && rowsInWords(hint, roster),
  };
}

/** Words of this length are kept where there is too little room: they can be copied. */
const KEPT = LINE / 3;

/** Hosts in about so many columns: where their words take more, the first of them and how many there are. */
export function hostsWithin(most: number, hosts: readonly string[], roster?: Roster): string {
  const words = hosts.length > 1 && roster ? roster.words(hosts) : hosts.join(', ');
  if (words.length <= Math.max(most, KEPT)) return words;
  const end = `, … (${String(hosts.length)} hosts)`;
  let shown = hosts[0] ?? '';
  for (const host of hosts.slice(1)) {
    if (shown.length + 2 + host.length + end.length > most) break;
    shown += `, ${host}`;
  }
  return shown + end;
}

/** A text with each row of many hosts, or of their addresses, in words. */
function rowsInWords(text: string, roster: Roster | undefined, self?: Self): string {
  if (text.length > LONGEST) return text;
  return text
    .split(ROWS)
    .map((part, index) => (index % 2 === 0 ? part : rowInWords(part, roster, self)))
    .join('');
}

/**
 * A host is never in the list of those that miss it. Where the list takes fewer words with `self` in it, it is said to
 * be, so that such lists are the same for all of a group.
 */
function rowInWords(row: string, roster: Roster | undefined, self: Self | undefined): string {
  const items = row.split(', ');
  const { byName, byAddress } = known(roster);
  const isNames = items.every((item) => byName.has(item));
  const names = isNames ? items : items.flatMap((item) => byAddress.get(item) ?? []);
  if (names.length < items.length) return row;
  const before = isNames ? '' : 'the addresses of ';
  const lists = self && !names.includes(self.name) ? [names, [...names, self.name]] : [names];
  const [words, more] = lists.map((all) => hostsWithin(KEPT, all, roster));
  if (more !== undefined && words !== undefined && more.length < words.length) return before + more;
  return names.length < MANY ? row : `${before}${words ?? ''}`;
}

interface Known {
  byName: ReadonlyMap<string, Roster['hosts'][number]>;
  /** Name of the host with an address. */
  byAddress: ReadonlyMap<string, string>;
}

const KNOWN = new WeakMap<Roster, Known>();

/** The hosts of a roster by what a text may call them; made once, as it is asked for each line of each host. */
function known(roster: Roster | undefined): Known {
  const made = roster && KNOWN.get(roster);
  if (made) return made;
  const hosts = roster?.hosts ?? [];
  const fresh = {
    byName: new Map(hosts.map((host) => [host.name, host])),
    byAddress: new Map(
      hosts.flatMap(({ name, address, internalAddress }) =>
        [address, internalAddress].map((each) => [each, name] as const),
      ),
    ),
  };
  if (roster) KNOWN.set(roster, fresh);
  return fresh;
}

/** What a host calls its own. */
interface Self {
  name: string;
  marks: readonly (readonly [word: RegExp, mark: string])[];
}

function selfOf(name: string | undefined, roster: Roster | undefined): Self | undefined {
  if (name === undefined) return undefined;
  const host = known(roster).byName.get(name);
  const marks = new Map([
    [host?.source ?? '', SOURCE],
    // Where both are one, it is the address.
    [host?.internalAddress ?? '', INTERNAL],
    [host?.address ?? '', ADDRESS],
    [name, NAME],
  ]);
  marks.delete('');
  return { name, marks: [...marks].map(([word, mark]) => [wholeWord(word), mark] as const) };
}

/** `m1`, and neither m11 nor m1.example.org. */
function wholeWord(word: string): RegExp {
  return new RegExp(`(?<![\\w.-])${word.replaceAll(/\W/g, '\\$&')}(?![\\w-]|\\.\\w)`, 'g');
}

/** A text with marks for what is the host's own: the same for all hosts of which it says the same. */
function masked(text: string, self: Self | undefined, roster: Roster | undefined): string {
  if (text.length > LONGEST) return text;
  return text
    .split(ROWS)
    .map((part, index) => {
      const inWords = index % 2 === 0 ? part : rowInWords(part, roster, self);
      if (inWords !== part) return inWords;
      const own = self?.marks.reduce((shown, [word, mark]) => shown.replaceAll(word, mark), part) ?? part;
      return own.replaceAll(QUANTITIES, QUANTITY);
    })
    .join('');
}

function unmasked(
  text: string,
  hosts: string,
  { quantities, source }: { quantities: readonly (readonly string[])[]; source: string },
): string {
  let at = -1;
  const own = text
    .replaceAll(new RegExp(`\\[?[${ADDRESS}${INTERNAL}]\\]?:(\\d+)`, 'g'), 'port $1')
    .replaceAll(new RegExp(`@[${ADDRESS}${INTERNAL}]`, 'g'), ' at their addresses')
    // The setting was named before its value, which is another one on each host.
    .replaceAll(new RegExp(`\\b((?:internalA|a)ddress) [${ADDRESS}${INTERNAL}]`, 'g'), '$1')
    .replaceAll(INTERNAL, 'their internalAddresses')
    .replaceAll(ADDRESS, 'their addresses')
    .replaceAll(SOURCE, source)
    .replaceAll(QUANTITY, () => {
      at += 1;
      const all = quantities.map((each) => each[at] ?? '').toSorted((a, b) => Number(a) - Number(b));
      const [least = '', most = ''] = [all[0], all.at(-1)];
      return least === most ? least : `${least} to ${most}`;
    });
  // `w1: no answer` → `w*: no answer`; `system on w1: full` → `system on w*: full`; `is full` → `w*: is full`.
  return own.includes(NAME) ? own.replaceAll(NAME, () => hosts) : `${hosts}: ${own}`;
}

/** A command in it is for all of the hosts; what else it says of one is an example. */
function hintFor(hint: string, hosts: readonly string[], roster: Roster | undefined): string {
  const [first = ''] = hosts;
  const self = selfOf(first, roster);
  const limit = new RegExp(`--limit ${first.replaceAll(/\W/g, '\\$&')}(?![\\w-]|\\.\\w)`, 'g');
  const words = roster ? roster.words(hosts) : hosts.join(',');
  const forAll = rowsInWords(hint, roster, self).replaceAll(limit, () => `--limit ${quote([words])}`);
  const rest = self?.marks.some(([word]) => forAll.replaceAll(/--limit \S+/g, '').search(word) >= 0) ?? false;
  return rest ? `for ${first}: ${forAll}` : forAll;
}
