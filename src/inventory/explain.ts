import type { ErrorObject } from 'ajv';
import { besideAddress } from '../core/address.ts';
import { IPV4_ONLY, namesIpv6 } from '../core/ipv4.ts';
import { elsewhere, neverSet, settingBelow } from './elsewhere.ts';
import { mistakeAt, nodeAt, type ListNode, type MapNode, type Node, type Path, type ScalarNode } from './node.ts';
import { formatPath, printable, type Mistake } from './mistake.ts';
import { meant, meantSetting } from './nearest.ts';
import { schemaAt, typesOf, type JsonSchema } from './schema.ts';

/** As many names are read; a format of upstream's has more than a hundred. */
const MOST_NAMED = 40;

/** A mistake and the path of the value that cannot be used. */
export interface SchemaMistake extends Mistake {
  readonly at: Path;
  /** Of a name that nobody knows: the settings that it may have stood for. What else there is can be used. */
  readonly meant?: readonly Path[];
}

/** Words for ajv's errors, each placed in its file. */
export function explain(errors: readonly ErrorObject[], root: Node, schema: JsonSchema): SchemaMistake[] {
  const mistakes = errors.flatMap((error) => explainOne(error, root, schema) ?? []);
  const seen = new Set<string>();
  return mistakes.filter((mistake) => {
    // One value that breaks two rules (pattern, then length) is one mistake to correct.
    const key = JSON.stringify(mistake.at);
    return !seen.has(key) && seen.add(key);
  });
}

function explainOne(error: ErrorObject, root: Node, schema: JsonSchema): SchemaMistake | undefined {
  const path = toPath(error.instancePath, root);
  const params = error.params as Readonly<Record<string, unknown>>;
  const rule = schemaAt(schema, path) ?? {};
  if (error.keyword === 'propertyNames') return undefined;
  if (error.propertyName !== undefined) return badName(error.propertyName, path, rule.propertyNames ?? {}, root);
  if (error.keyword === 'additionalProperties')
    return unknownSetting(String(params['additionalProperty']), path, root, schema);
  if (error.keyword === 'required') {
    const name = String(params['missingProperty']);
    return {
      ...mistakeAt(
        root,
        path,
        `${name} is missing: ${lowerFirst(schemaAt(schema, [...path, name])?.description ?? '')}`,
      ),
      at: [...path, name],
    };
  }
  const node = nodeAt(root, path);
  const { message, suggestion } = wrongValue(error.keyword, params, node, rule);
  return { ...mistakeAt(root, path, message, { suggestion }), at: path };
}

function badName(name: string, path: Path, rule: JsonSchema, root: Node): SchemaMistake {
  const at = [...path, name];
  const dashless = name.replace(/^-+/, '');
  const suggestion = dashless !== name && /^\w/.test(dashless) ? dashless : undefined;
  return {
    ...mistakeAt(root, at, `${shown(name)} is not ${rule['x-expected'] ?? 'a name that can be used'}`, {
      suggestion,
      key: true,
    }),
    at,
  };
}

function unknownSetting(name: string, path: Path, root: Node, schema: JsonSchema): SchemaMistake {
  const known = Object.keys(schemaAt(schema, path)?.properties ?? {});
  const at = [...path, name];
  const never = neverSet(at);
  if (never !== undefined) return { ...mistakeAt(root, at, `is not a setting: ${never}`, { key: true }), at };
  const near = meantSetting(name, known);
  const other = near === undefined ? settingElsewhere(name, path, schema) : undefined;
  const suggestion = near ?? (other && formatPath(other));
  const here =
    known.length > MOST_NAMED ? `mcpk explain ${formatPath(path)} lists them` : `here are: ${known.join(', ')}`;
  const message = suggestion === undefined ? `is not a setting; ${here}` : 'is not a setting';
  const meant = near === undefined ? other : [...path, near];
  return { ...mistakeAt(root, at, message, { suggestion, key: true }), at, meant: meant ? [meant] : [] };
}

/** Below the section where it stands, else by what it is called elsewhere, else in another section. */
function settingElsewhere(name: string, path: Path, schema: JsonSchema): Path | undefined {
  const below = settingBelow(schemaAt(schema, path) ?? {}, name, schema);
  if (below !== undefined) return [...path, ...below];
  const [first] = elsewhere([...path, name], (each) => schemaAt(schema, each.split('.')) !== undefined);
  return first?.split('.') ?? settingBelow(schema, name, schema);
}

function wrongValue(
  keyword: string,
  params: Readonly<Record<string, unknown>>,
  node: Node | undefined,
  rule: JsonSchema,
): { message: string; suggestion?: string | undefined } {
  const value = describe(node, rule);
  const limit = String(params['limit']);
  switch (keyword) {
    case 'type':
      return wrongType(node, rule, value);
    case 'enum':
    case 'const': {
      const allowed = (rule.enum ?? [rule.const]).map(String);
      const word =
        node?.kind === 'scalar' && node.substituted !== true ? meant(String(node.value), allowed) : undefined;
      return {
        message: `${value} is not ${allowed.length > 1 ? 'one of ' : ''}${allowed.join(', ')}`,
        suggestion: word,
      };
    }
    case 'pattern':
      return {
        message: `${value} is not ${rule['x-expected'] ?? 'of the right form'}${ipv6Word(node, rule)}${addressWord(node, rule)}`,
        suggestion: asFits(node, rule),
      };
    case 'minimum':
    case 'maximum':
      return { message: `${value} is not between ${String(rule.minimum ?? '-∞')} and ${String(rule.maximum ?? '∞')}` };
    case 'minLength':
    case 'minItems':
      return {
        message: keyword === 'minItems' && limit !== '1' ? `needs at least ${limit} entries` : 'must not be empty',
      };
    case 'maxLength':
      if (!fits(node, rule)) return wrongValue('pattern', params, node, rule);
      return { message: `${value} is longer than ${limit} characters` };
    case 'maxItems':
      return { message: `has more than ${limit} entries` };
    case 'uniqueItems':
      return { message: `entries ${String(params['j'])} and ${String(params['i'])} (counted from 0) are the same` };
    default:
      return { message: `${value} breaks the rule ${keyword}` };
  }
}

function fits(node: Node | undefined, { pattern }: JsonSchema): boolean {
  return pattern === undefined || node?.kind !== 'scalar' || new RegExp(pattern, 'u').test(String(node.value));
}

/** The value for a message; never one of the environment, never a secret. */
function describe(node: Node | undefined, rule: JsonSchema): string {
  if (node === undefined) return 'nothing';
  if (node.kind !== 'scalar') return `a ${node.kind}`;
  if (node.substituted === true || rule.writeOnly === true || rule['x-contents'] === true) return 'what it holds now';
  return shown(node.value);
}

function shown(value: string | number | boolean | null): string {
  // A URL may hold a password: scheme://user:password@host.
  return typeof value === 'string' ? `"${printable(value.replace(/:[^:@/\s][^@\s]*@/g, ':…@'))}"` : String(value);
}

function typeName(type: string): string {
  const names: Readonly<Record<string, string>> = {
    object: 'a map',
    array: 'a list',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    string: 'text',
  };
  return names[type] ?? type;
}

function wrongType(
  node: Node | undefined,
  rule: JsonSchema,
  value: string,
): { message: string; suggestion?: string | undefined } {
  if (rule.writeOnly === true) return { message: 'must be text: put it in quotes' };
  // Quotes would make none of them of it.
  if (rule.enum && node?.kind === 'scalar' && !rule.enum.map(String).includes(node.text))
    return wrongValue('enum', {}, node, rule);
  const types = typesOf(rule);
  const wanted = types.includes('string') && rule['x-expected'] !== undefined ? ` (${rule['x-expected']})` : '';
  const message = `must be ${types.map(typeName).join(' or ')}${wanted}, not ${value}`;
  if (node?.kind === 'list') return { message, suggestion: withCommas(node, rule, types) };
  if (node?.kind === 'map') return { message, suggestion: asTaint(node, rule) ?? asItem(node, rule) };
  if (node?.kind !== 'scalar' || node.substituted === true) return { message };
  return { message, suggestion: retyped(node, rule, types) };
}

/** Values of flags are text: `[a, b]` → `'a,b'`. */
function withCommas({ items }: ListNode, rule: JsonSchema, types: readonly string[]): string | undefined {
  if (!types.includes('string') || (rule['x-open'] !== true && items.length !== 1)) return undefined;
  const words = items.flatMap((item) => (item.kind === 'scalar' && item.substituted !== true ? [item.text] : []));
  const text = printable(words.join(','));
  const isWhole = words.length === items.length && words.length > 0;
  return isWhole && (rule.pattern === undefined || new RegExp(rule.pattern).test(text)) ? `'${text}'` : undefined;
}

/** `{ key: a, value: b, effect: NoSchedule }`, as the Node itself has it → `'a=b:NoSchedule'`. */
function asTaint({ entries }: MapNode, rule: JsonSchema): string | undefined {
  if (rule['x-expected']?.startsWith('a taint') !== true) return undefined;
  const [key, value, effect] = ['key', 'value', 'effect'].map((name) => {
    const part = entries.get(name)?.node;
    return part?.kind === 'scalar' && part.substituted !== true ? printable(part.text) : undefined;
  });
  if (key === undefined || effect === undefined) return undefined;
  return `'${key}${value === undefined ? '' : `=${value}`}:${effect}'`;
}

/** `m1: { address: … }`, as inventories of other tools have it → `- { name: m1, … }`. */
function asItem({ entries }: MapNode, { examples }: JsonSchema): string | undefined {
  const [name] = entries.keys();
  const [example] = (examples?.[0] ?? []) as readonly unknown[];
  const isNamed = typeof example === 'object' && example !== null && 'name' in example;
  return name !== undefined && isNamed ? `- { name: ${printable(name)}, … }` : undefined;
}

/** What a value of the wrong type was likely meant to be: YAML reads 3.10 as a number, and yes as text. */
function retyped(node: ScalarNode, rule: JsonSchema, types: readonly string[]): string | undefined {
  const text = printable(node.text);
  if (types.includes('string') && typeof node.value !== 'string')
    return rule.pattern === undefined || new RegExp(rule.pattern).test(text) ? `'${text}'` : undefined;
  if (types.includes('array') && typeof node.value === 'string') return `[${text}]`;
  const words: Readonly<Record<string, string>> = { yes: 'true', on: 'true', no: 'false', off: 'false' };
  if (types.includes('boolean')) return words[text.toLowerCase()];
  return (types.includes('integer') || types.includes('number')) && !node.plain && /^\d{1,15}$/.test(text)
    ? text
    : undefined;
}

/** What people write in the place of a text of the right form, mended. */
const MENDED: readonly ((text: string, rule: JsonSchema) => string)[] = [
  (text) => text.replace(/^v(?=\d)/, ''),
  (text) => text.toLowerCase().replaceAll('_', '-'),
  (text) => text.replace(/^https?:\/\//i, '').replace(/\/+$/, ''),
  (text, rule) => `${String(rule.examples?.[0]).startsWith('http:') ? 'http' : 'https'}://${text.replace(/^\/+/, '')}`,
];

function asFits(node: Node | undefined, rule: JsonSchema): string | undefined {
  if (node?.kind !== 'scalar' || typeof node.value !== 'string' || node.substituted === true) return undefined;
  const text = node.value;
  // A password may stand before an @.
  if (rule.writeOnly === true || rule['x-contents'] === true || text.includes('@')) return undefined;
  const schemes = (each: string): number => each.split('://').length - 1;
  return MENDED.map((mend) => mend(text, rule)).find((each) => each !== text && schemes(each) < 2 && fits({ ...node, value: each }, rule)); // prettier-ignore
}

function ipv6Word(node: Node | undefined, rule: JsonSchema): string {
  if (node?.kind !== 'scalar' || rule['x-expected']?.includes('IPv4') !== true) return '';
  return namesIpv6(String(node.value)) ? `; ${IPV4_ONLY}` : '';
}

function addressWord(node: Node | undefined, rule: JsonSchema): string {
  const isText = node?.kind === 'scalar' && node.substituted !== true;
  return isText && rule['x-expected'] === 'an address or a name' ? besideAddress(String(node.value)) : '';
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
}

/** A JSON pointer as a path; a part is an index where the tree has a list. */
function toPath(pointer: string, root: Node): Path {
  const path: (string | number)[] = [];
  for (const raw of pointer.split('/').slice(1)) {
    const part = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(nodeAt(root, path)?.kind === 'list' ? Number(part) : part);
  }
  return path;
}
