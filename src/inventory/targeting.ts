import { McpkError } from '../core/errors.ts';
import { globMatches } from '../core/glob.ts';
import { isMap } from '../core/merge.ts';
import { needsFacts, parseExpression, syntaxError, type Expression, type Match } from './expression.ts';
import { printable } from './mistake.ts';
import { meant } from './nearest.ts';
import type { Cluster, Host } from './types.ts';

const ROLES = ['master', 'etcd', 'worker'];

/** Facts of each host that answered, by its name; a value is found by its path: `os.id`. */
export type FactsByHost = ReadonlyMap<string, object>;

/**
 * The hosts that an expression names, in the inventory's order. Throws `usage` for wrong syntax, `refused` for a host
 * that is not there, or when no host matches: a limit that names nothing is a slip, not an empty run.
 */
export function select(cluster: Pick<Cluster, 'hosts'>, text: string, facts?: FactsByHost): Host[] {
  const hosts = matchHosts(cluster, text, facts);
  if (hosts.length > 0) return hosts;
  const names = cluster.hosts.map((host) => host.name);
  throw new McpkError('refused', `no host matches "${printable(text)}"`, { hint: hostsAre(names) });
}

function hostsAre(names: readonly string[]): string {
  return `Hosts are: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`;
}

/** As {@link select}, but no match is an empty list. */
export function matchHosts(cluster: Pick<Cluster, 'hosts'>, text: string, facts?: FactsByHost): Host[] {
  const expression = parseExpression(text);
  if (facts === undefined && needsFacts(expression))
    throw new McpkError('usage', 'fact: cannot be used here: this command asks no host for its facts', {
      hint: 'Use names, role: or label:',
    });
  checkWords(expression, cluster, text);
  return cluster.hosts.filter((host) => matches(expression, host, facts));
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

function checkWords(expression: Expression, cluster: Pick<Cluster, 'hosts'>, text: string): void {
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
      suggest(key, ROLES),
    );
  if (field !== 'name' || /[*?]/.test(key)) return;
  const names = cluster.hosts.map((host) => host.name);
  if (names.includes(key)) return;
  const hint =
    suggest(key, names) ??
    (ROLES.includes(key.replace(/s$/, '')) ? `For all of a role: role:${key.replace(/s$/, '')}` : undefined);
  throw new McpkError('refused', `there is no host "${printable(key)}"`, { hint: hint ?? hostsAre(names) });
}

function suggest(word: string, candidates: readonly string[]): string | undefined {
  const near = meant(word, candidates);
  return near === undefined ? undefined : `Did you mean ${near}?`;
}
