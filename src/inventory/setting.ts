import { McpkError } from '../core/errors.ts';
import { toFlow, typeInWords } from './describe.ts';
import { nearest } from './nearest.ts';
import { resolve, type JsonSchema } from './schema.ts';

/** What the schema says of a setting. */
export interface Setting {
  /** `hosts.ssh.port`: entries of lists have no place of their own. */
  name: string;
  meaning: string;
  /** `number, 1 to 65535` */
  type: string;
  /** As YAML on one line, or in words where it is computed; absent where there is none. */
  default?: string;
  /** An inventory without it is refused. */
  needed: boolean;
  /** As YAML on one line. */
  example?: string;
  /** What there is below it. */
  settings: { name: string; meaning: string }[];
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
}

function add(settings: Map<string, Setting>, { name, schema, needed }: Named, root: JsonSchema): void {
  const items = schema.items === undefined ? undefined : resolve(schema.items, root);
  const { properties, required } = items?.properties === undefined ? schema : items;
  const below = Object.entries(properties ?? {}).map(([key, child]) => ({
    name: name === WHOLE ? key : `${name}.${key}`,
    schema: resolve(child, root),
    needed: required?.includes(key) ?? false,
  }));
  const fixed = schema.default === undefined || properties !== undefined ? undefined : toFlow(schema.default);
  const byDefault = schema['x-default'] ?? fixed;
  settings.set(name, {
    name,
    meaning: schema.description ?? '',
    type: typeInWords(schema, root),
    ...(byDefault === undefined ? {} : { default: byDefault }),
    needed,
    ...(schema.examples?.[0] === undefined ? {} : { example: toFlow(schema.examples[0]) }),
    settings: below.map((child) => ({ name: child.name, meaning: child.schema.description ?? '' })),
  });
  for (const child of below) add(settings, child, root);
}

/**
 * The setting that somebody names: `network.podCidr`, `hosts[].address` as docs/inventory.md has it, or `podCidr` alone
 * where there is only one. Throws `usage`.
 */
export function settingNamed(settings: ReadonlyMap<string, Setting>, asked: string): Setting {
  const word = asked.replaceAll(/\[[^\]]*\]/g, '');
  const exact = settings.get(word);
  if (exact) return exact;
  const same = [...settings.keys()].filter((name) => name.toLowerCase().endsWith(`.${word.toLowerCase()}`));
  const only = same.length === 1 ? settings.get(same[0] ?? '') : undefined;
  if (only) return only;
  const close = same.length > 0 ? same : [nearest(word, settings.keys()) ?? nearestEnd(word, settings) ?? []].flat();
  const told = close.toSorted((a, b) => a.length - b.length).slice(0, MOST_TOLD);
  throw new McpkError(
    'usage',
    `there is no setting ${JSON.stringify(asked)}${told.length === 0 ? '' : `; did you mean ${told.join(', ')}?`}`,
    { hint: 'mcpk explain lists the sections, mcpk explain SECTION what is in one.' },
  );
}

/** `podCidrs` is near network.podCidr, although their lengths differ much. */
function nearestEnd(word: string, settings: ReadonlyMap<string, Setting>): string[] | undefined {
  const end = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
  const close = nearest(end(word), new Set([...settings.keys()].map(end)));
  return close === undefined ? undefined : [...settings.keys()].filter((name) => end(name) === close);
}
