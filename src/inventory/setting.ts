import { McpkError } from '../core/errors.ts';
import { toFlow, typeInWords } from './describe.ts';
import { elsewhere, neverSet } from './elsewhere.ts';
import { nearest } from './nearest.ts';
import { resolve, type JsonSchema } from './schema.ts';

/** What the schema says of a setting in short. */
export interface SettingInShort {
  /** `hosts.ssh.port`: entries of lists have no place of their own. */
  name: string;
  meaning: string;
  /** `number, 1 to 65535` */
  type: string;
  /** As YAML on one line, or in words where it is computed; absent where there is none. */
  default?: string;
  /** An inventory without it is refused. */
  needed: boolean;
}

/** All that it says of it. */
export interface Setting extends SettingInShort {
  /** As YAML on one line. */
  example?: string;
  /** A field of a format of upstream's. */
  upstream?: true;
  /** What there is below it. */
  settings: SettingInShort[];
}

/** The shortest names first: a port has each host, group and jump host. */
const MOST_TOLD = 5;

/** The inventory as a whole, and what stands at its top. */
export const WHOLE = '';

/** All settings by name, those below others too. */
export function settingsOf(root: JsonSchema): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  add(settings, { name: WHOLE, schema: root, needed: true }, root);
  return settings;
}

interface Named {
  name: string;
  schema: JsonSchema;
  needed: boolean;
  upstream?: boolean;
}

function add(settings: Map<string, Setting>, named: Named, root: JsonSchema): void {
  const { name, schema, upstream = false } = named;
  const items = schema.items === undefined ? undefined : resolve(schema.items, root);
  const { properties, required } = items?.properties === undefined ? schema : items;
  const below = Object.entries(properties ?? {}).map(([key, child]) => ({
    name: name === WHOLE ? key : `${name}.${key}`,
    schema: resolve(child, root),
    needed: required?.includes(key) ?? false,
    upstream: upstream || schema['x-upstream'] === true,
  }));
  settings.set(name, {
    ...inShort(named, root),
    ...(schema.examples?.[0] === undefined ? {} : { example: toFlow(schema.examples[0]) }),
    ...(upstream ? { upstream } : {}),
    settings: below.map((child) => inShort(child, root)),
  });
  for (const child of below) add(settings, child, root);
}

function inShort({ name, schema, needed }: Named, root: JsonSchema): SettingInShort {
  const hasParts = (schema.items === undefined ? schema : resolve(schema.items, root)).properties !== undefined;
  const fixed = schema.default === undefined || hasParts ? undefined : toFlow(schema.default);
  const byDefault = schema['x-default'] ?? fixed;
  return {
    name,
    meaning: schema.description ?? '',
    type: typeInWords(schema, root),
    ...(byDefault === undefined ? {} : { default: byDefault }),
    needed,
  };
}

/**
 * The setting that somebody names: `network.podCidr`, `hosts[].address` as docs/inventory.md has it, or `podCidr` alone
 * where there is only one; in any case of its letters. Throws `usage`.
 */
export function settingNamed(settings: ReadonlyMap<string, Setting>, asked: string): Setting {
  const word = asked.replaceAll(/\[[^\]]*\]/g, '');
  const exact =
    settings.get(word) ?? [...settings.values()].find(({ name }) => name.toLowerCase() === word.toLowerCase());
  if (exact) return exact;
  const groups = byKind(settings);
  const same = groups
    .map((names) => names.filter((name) => name.toLowerCase().endsWith(`.${word.toLowerCase()}`)))
    .find((names) => names.length > 0);
  const only = same?.length === 1 ? settings.get(same[0] ?? '') : undefined;
  const others = elsewhere(word.split('.'), (name) => settings.has(name));
  if (only && others.length === 0) return only;
  const map = mapAbove(settings, word);
  if (map)
    throw new McpkError('usage', `${map.name} is a map, whose entries are not described here: ${map.meaning}`, {
      hint: `mcpk explain ${map.name} says what mcpk knows of it.`,
    });
  const never = neverSet(word.split('.'));
  const told = others.length > 0 || never ? others : namesNear(word, { groups, same, settings });
  throw new McpkError(
    'usage',
    `there is no setting ${JSON.stringify(asked)}${told.length === 0 ? '' : `; did you mean ${told.join(', ')}?`}`,
    { hint: never ?? 'mcpk explain lists the sections, mcpk explain SECTION what is in one.' },
  );
}

interface Known {
  groups: string[][];
  same: string[] | undefined;
  settings: ReadonlyMap<string, Setting>;
}

function namesNear(word: string, { groups, same, settings }: Known): string[] {
  const near = nearest(word, groups.flat());
  const close = same ?? (near === undefined ? groups.map((names) => nearestEnd(word, names)).find(Boolean) : [near]) ?? []; // prettier-ignore
  const meant = same === undefined ? whoseMeaningHas(word, settings) : [];
  return [...new Set([...close, ...meant])].toSorted((a, b) => a.length - b.length).slice(0, MOST_TOLD);
}

/** The map in which a setting would stand, where mcpk takes what upstream, or the user, makes of it. */
function mapAbove(settings: ReadonlyMap<string, Setting>, word: string): Setting | undefined {
  const parts = word.split('.');
  const above = parts.map((_, index) => settings.get(parts.slice(0, index + 1).join('.'))).findLast(Boolean);
  return above?.type === 'map' && above.settings.length === 0 ? above : undefined;
}

/** In the order in which a bare word means them: those of mcpk, of upstream's formats, and of these again in hosts and groups. */
function byKind(settings: ReadonlyMap<string, Setting>): string[][] {
  const kindOf = ({ name, upstream }: Setting): number => (!upstream ? 0 : /^(hosts|groups)\./.test(name) ? 2 : 1);
  const all = [...settings.values()];
  return [0, 1, 2].map((kind) => all.filter((each) => kindOf(each) === kind).map(({ name }) => name));
}

/** `OIDC` is no setting's name, and what many call what one is for. */
function whoseMeaningHas(word: string, settings: ReadonlyMap<string, Setting>): string[] {
  const last = word.slice(word.lastIndexOf('.') + 1).toLowerCase();
  const words = (meaning: string): string[] => meaning.toLowerCase().match(/[\p{L}\p{N}-]+/gu) ?? [];
  const all = [...settings.values()].filter(({ name, upstream }) => name !== WHOLE && !upstream);
  return all.filter(({ meaning }) => words(meaning).some((each) => each === last || each === `${last}s`)).map(({ name }) => name); // prettier-ignore
}

/** `podCidrs` is near network.podCidr, although their lengths differ much. */
function nearestEnd(word: string, names: readonly string[]): string[] | undefined {
  const end = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
  const close = nearest(end(word), new Set(names.map(end)));
  return close === undefined ? undefined : names.filter((name) => end(name) === close);
}
