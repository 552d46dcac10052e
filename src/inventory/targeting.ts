import { McpkError } from '../core/errors.ts';
import { globMatches } from '../core/glob.ts';
import { isMap } from '../core/merge.ts';
import { needsFacts, parseExpression, syntaxError, type Expression, type Match } from './expression.ts';
import { printable } from './mistake.ts';
import { meant } from './nearest.ts';
import { contactable, type Cluster, type Host } from './types.ts';

const ROLES = ['master', 'etcd', 'worker'];

/** Facts of each host that answered, by its name; a value is found by its path: `os.id`. */
export type FactsByHost = ReadonlyMap<string, object>;

/**
 * The hosts that an expression names, also of those that leave and can be asked, in the inventory's order. Throws `usage` for wrong syntax, `refused` for a host
 * that is not there, or when no host matches: a limit that names nothing is a slip, not an empty run.
 */
export function select(cluster: Pick<Cluster, 'hosts' | 'leaving'>, text: string, facts?: FactsByHost): Host[] {
  const hosts = matchHosts(cluster, text, facts);
  if (hosts.length > 0) return hosts;
  const all = contactable(cluster);
  throw new McpkError('refused', `no host matches "${printable(text)}"`, {
    hint: labelsAre(parseExpression(text), all) ?? hostsAre(all.map((host) => host.name)),
  });
}

function hostsAre(names: readonly string[]): string {
  return `Hosts are: ${listed(names)}`;
}

function listed(words: readonly string[]): string {
  return `${words.slice(0, 20).join(', ')}${words.length > 20 ? ', …' : ''}`;
}

/** Of the first label in an expression that no host has, or not with that value: what there is. */
function labelsAre(expression: Expression, hosts: readonly Host[]): string | undefined {
  if (expression.kind === 'not') return labelsAre(expression.operand, hosts);
  if (expression.kind !== 'match') return labelsAre(expression.left, hosts) ?? labelsAre(expression.right, hosts);
  const { field, key } = expression;
  if (field !== 'label' || hosts.some((host) => matchesOne(expression, host, undefined))) return undefined;
  const labels = [...new Set(hosts.flatMap((host) => Object.keys(host.labels)))];
  if (labels.length === 0) return 'No host of the inventory has labels: write them in hosts[].labels';
  if (!labels.includes(key)) return suggest(key, labels, 'label:') ?? `Labels are: ${listed(labels)}`;
  const values = hosts.flatMap((host) => (Object.hasOwn(host.labels, key) ? [String(host.labels[key])] : []));
  return `Values of ${printable(key)} are: ${listed([...new Set(values)].map((value) => printable(value)))}`;
}

/** As {@link select}, but no match is an empty list. */
export function matchHosts(cluster: Pick<Cluster, 'hosts' | 'leaving'>, text: string, facts?: FactsByHost): Host[] {
  const expression = parseExpression(text);
  if (facts === undefined && needsFacts(expression))
    throw new McpkError('usage', 'fact: cannot be used here: this command asks no host for its facts', {
      hint: 'Use names, role: or label:',
    });
  checkWords(expression, { ...cluster, facts }, text);
  return contactable(cluster).filter((host) => matches(expression, host, facts));
}

function matches(expression: Expression, host: Host, facts: FactsByHost | undefined): boolean {
  switch (expression.kind) {
    case 'and':
      return matches(expression.left, host, facts) && matches(expression.right, host, facts);
    case 'or':
      return matches(expression.left, host, facts) || matches(expression.right, host, facts);
    case 'not':
      return !matches(expression.operand, host, facts);
    case 'match':
      return matchesOne(expression, host, facts);
  }
}

function matchesOne({ field, key, value }: Match, host: Host, facts: FactsByHost | undefined): boolean {
  if (field === 'name') return globMatches(key, host.name);
  if (field === 'role') return host.roles.some((role) => role === key);
  const found =
    field === 'label'
      ? Object.hasOwn(host.labels, key)
        ? [host.labels[key]]
        : []
      : valuesAt(facts?.get(host.name), key.split('.'));
  if (value === undefined) return found.length > 0;
  return found.some(
    (one) =>
      (typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean') &&
      globMatches(value, String(one)),
  );
}

/** All values at a path; through a list, those of each entry: `interfaces.addresses.address`. */
function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item: unknown) => valuesAt(item, path));
  const [key, ...rest] = path;
  if (key === undefined) return [value];
  return isMap(value) && Object.hasOwn(value, key) ? valuesAt(value[key], rest) : [];
}

interface Known extends Pick<Cluster, 'hosts' | 'leaving'> {
  readonly facts: FactsByHost | undefined;
}

/** Only some hosts have these: that none has is no slip. */
const OPTIONAL = ['kept', 'ranges'];

/** Whether a fact is nowhere, of all that hosts told: the words there are in the place of the first one that is none. */
function missing(facts: FactsByHost, path: readonly string[]): { index: number; known: string[] } | undefined {
  if (OPTIONAL.includes(path[0] ?? '')) return undefined;
  for (const [index, word] of path.entries()) {
    const above = [...facts.values()].flatMap((host) => valuesAt(host, path.slice(0, index)));
    const known = [...new Set(above.filter(isMap).flatMap(Object.keys))];
    // Of a list without entries nobody knows what they would have.
    if (above.length === 0) return undefined;
    if (!known.includes(word)) return { index, known };
  }
  return undefined;
}

function checkFact({ key, offset }: Match, facts: FactsByHost, text: string): void {
  const path = key.split('.');
  const found = missing(facts, path);
  if (found === undefined) return;
  const { index, known } = found;
  throw syntaxError(
    text,
    offset,
    `has "fact:${printable(key, 40)}", which no host tells`,
    suggest(path[index] ?? '', known, ['fact:', ...path.slice(0, index).map((word) => `${word}.`)].join('')) ??
      (known.length > 0 ? `There are ${known.join(', ')}.` : 'mcpk facts --json shows all that there are.'),
  );
}

function checkWords(expression: Expression, cluster: Known, text: string): void {
  if (expression.kind === 'not') return checkWords(expression.operand, cluster, text);
  if (expression.kind !== 'match') {
    checkWords(expression.left, cluster, text);
    checkWords(expression.right, cluster, text);
    return;
  }
  const { field, key, offset } = expression;
  if (field === 'role' && !ROLES.includes(key))
    throw syntaxError(
      text,
      offset,
      `has "role:${printable(key, 40)}", which is none of ${ROLES.join(', ')}`,
      suggest(key, ROLES, 'role:'),
    );
  if (field === 'fact' && cluster.facts) checkFact(expression, cluster.facts, text);
  if (field !== 'name' || /[*?]/.test(key)) return;
  const hosts = contactable(cluster);
  if (hosts.some((host) => host.name === key)) return;
  const role = key.replace(/s$/, '');
  throw noHost(key, { cluster, hosts, hint: ROLES.includes(role) ? `For all of a role: role:${role}` : undefined });
}

interface Meant {
  readonly cluster: Pick<Cluster, 'hosts' | 'leaving'>;
  /** Those that could have been named. */
  readonly hosts: readonly Pick<Host, 'name'>[];
  /** Where none is near. */
  readonly hint?: string | undefined;
}

const LEAVES = {
  gone: 'A host that is gone is never contacted: take `state` out of its entry to work with it again.',
  absent: 'A host that is absent is taken out of the cluster by apply; only what clears it is done with it.',
} as const;

/** `refused`: a host was named that is none of those. */
export function noHost(name: string, { cluster, hosts, hint }: Meant): McpkError {
  const { state } = cluster.leaving.find((host) => host.name === name) ?? {};
  if (state === 'gone' || state === 'absent')
    return new McpkError('refused', `${name} is \`state: ${state}\``, { hint: LEAVES[state] });
  const names = hosts.map((host) => host.name);
  return new McpkError('refused', `there is no host "${printable(name)}"`, {
    hint: suggest(name, names) ?? hint ?? hostsAre(names),
  });
}

function suggest(word: string, candidates: readonly string[], before = ''): string | undefined {
  const near = meant(word, candidates);
  return near === undefined ? undefined : `Did you mean ${before}${near}?`;
}
