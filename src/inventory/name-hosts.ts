import type { Host } from './types.ts';

type Named = Pick<Host, 'name' | 'roles' | 'labels'>;

/** A part of an expression, and the hosts that it selects, by their place in the inventory. */
interface Term {
  text: string;
  hosts: readonly number[];
}

/** More exceptions than this are no help to a reader. */
const MOST_EXCEPTIONS = 3;

/** So few hosts, or a list of so few letters, is read at once as it is. */
const FEW = { hosts: 5, letters: 40 };

/**
 * Few words that `--limit` takes for just these hosts: `all`, `role:worker`, `w*`, `label:zone=a`,
 * `role:worker and not w2`, names; several with commas between. Where one term does not say them all, a short list of
 * names stays one. Names that the inventory does not have stand as they are, and are all that is said then.
 */
export function hostsNamer(hosts: readonly Named[]): (names: readonly string[]) => string {
  // Hundreds of texts name the same hosts.
  const said = new Map<string, string>();
  let terms: Term[] | undefined;
  return (names) => {
    const list = names.join('\0');
    const words = said.get(list) ?? wordsFor(hosts, names, () => (terms ??= termsOf(hosts)));
    said.set(list, words);
    return words;
  };
}

function wordsFor(hosts: readonly Named[], names: readonly string[], allTerms: () => readonly Term[]): string {
  const wanted = new Set(names);
  const indexes = hosts.flatMap(({ name }, index) => (wanted.has(name) ? [index] : []));
  if (indexes.length < wanted.size) return [...wanted].join(', ');
  if (indexes.length === hosts.length && indexes.length > 1) return 'all';
  const plain = indexes.map((index) => ({ text: nameOf(hosts[index]), hosts: [index] }));
  const terms = allTerms();
  const inside = terms.filter((term) => term.hosts.every((index) => wanted.has(hosts[index]?.name ?? '')));
  const telling = inside.filter(({ text }) => !text.startsWith('*'));
  const isWhole = (term: Term): boolean => term.hosts.length === indexes.length;
  const whole = telling.filter(isWhole).map((term) => [term]);
  if (indexes.length <= FEW.hosts || inOrder(plain).length <= FEW.letters) return shortest([...whole, plain]);
  const exceptions = terms.flatMap((term) => excepting(hosts, term, wanted));
  // Greed finds few words, not always the fewest: what one term says alone is tried as well.
  const ways = (within: Term[]): Term[][] => [
    ...[...within, ...exceptions].filter(isWhole).map((term) => [term]),
    cover([...within, ...exceptions], indexes),
    plain,
  ];
  // `*1` tells a reader little of which hosts they are.
  const words = shortest(ways(telling));
  return words.length <= FEW.letters ? words : shortest(ways(inside));
}

function shortest(ways: readonly (readonly Term[])[]): string {
  return ways.map(inOrder).reduce((best, text) => (text.length < best.length ? text : best));
}

/** Words of the language are names only behind `name:`. */
function nameOf(host: Named | undefined): string {
  const name = host?.name ?? '';
  return ['and', 'or', 'not', 'all'].includes(name) ? `name:${name}` : name;
}

/** All there is to say about several hosts at once, each set by its shortest words. */
function termsOf(hosts: readonly Named[]): Term[] {
  const selected = new Map<string, number[]>();
  const add = (text: string, index: number): void =>
    void (selected.get(text)?.push(index) ?? selected.set(text, [index]));
  for (const [index, host] of hosts.entries()) {
    add('all', index);
    for (const role of host.roles) add(`role:${role}`, index);
    for (const [key, value] of Object.entries(host.labels)) {
      add(`label:${key}`, index);
      if (/^[\w./-]+$/.test(value)) add(`label:${key}=${value}`, index);
    }
    add(nameOf(host), index);
    for (const glob of globsOf(host.name)) add(glob, index);
  }
  const bySet = new Map<string, Term>();
  for (const [text, members] of selected) {
    const key = members.join(' ');
    const known = bySet.get(key);
    // One host is called by its name.
    if (members.length === 1 && text !== nameOf(hosts[members[0] ?? 0])) continue;
    if (known === undefined || text.length < known.text.length) bySet.set(key, { text, hosts: members });
  }
  return [...bySet.values()];
}

/** `w1` → `w*`, `w?`, `*1`; also what it matches as a whole: `w1*`, as `*` may be nothing. */
function globsOf(name: string): string[] {
  const places = Array.from({ length: name.length + 1 }, (_, at) => at);
  return places.flatMap((at) => {
    const [head, tail] = [name.slice(0, at), name.slice(at)];
    const digits = tail.length === 1 || tail.length === 2 ? [head + '?'.repeat(tail.length)] : [];
    const starts = head === '' ? [] : [`${head}*`, ...digits];
    return tail === '' ? starts : [...starts, `*${tail}`];
  });
}

/** `role:worker and not w2`, where more of its hosts are wanted than are not. */
function excepting(hosts: readonly Named[], { text, hosts: members }: Term, wanted: ReadonlySet<string>): Term[] {
  const groups = Map.groupBy(members, (index) => wanted.has(hosts[index]?.name ?? ''));
  const [kept = [], others = []] = [groups.get(true), groups.get(false)];
  if (others.length === 0 || others.length > MOST_EXCEPTIONS || others.length >= kept.length) return [];
  return [{ text: [text, ...others.map((index) => `not ${nameOf(hosts[index])}`)].join(' and '), hosts: kept }];
}

/** Terms that come to just these hosts: again and again the one with the fewest letters for each host that it adds. */
function cover(terms: readonly Term[], indexes: readonly number[]): Term[] {
  const open = new Set(indexes);
  const chosen: Term[] = [];
  while (open.size > 0) {
    let best: Term | undefined;
    let bestPrice = Infinity;
    for (const term of terms) {
      const added = term.hosts.reduce((sum, index) => sum + Number(open.has(index)), 0);
      const price = (term.text.length + 2) / added;
      if (added > 0 && (price < bestPrice || (price === bestPrice && term.hosts.length > (best?.hosts.length ?? 0))))
        [best, bestPrice] = [term, price];
    }
    if (best === undefined) break;
    chosen.push(best);
    for (const index of best.hosts) open.delete(index);
  }
  return withoutNeedless(chosen);
}

/** What was taken early may be in what came later. */
function withoutNeedless(terms: readonly Term[]): Term[] {
  return terms.reduce<Term[]>(
    (kept, term) => {
      const others = new Set(kept.filter((each) => each !== term).flatMap(({ hosts }) => hosts));
      return term.hosts.every((index) => others.has(index)) ? kept.filter((each) => each !== term) : kept;
    },
    [...terms],
  );
}

function inOrder(terms: readonly Term[]): string {
  return [...terms]
    .sort((a, b) => (a.hosts[0] ?? 0) - (b.hosts[0] ?? 0))
    .map(({ text }) => text)
    .join(', ');
}
