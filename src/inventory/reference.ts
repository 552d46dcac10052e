import { isMap } from '../core/merge.ts';
import { toFlow, typeInWords } from './describe.ts';
import { describedItems, describedSettings, likeSection, resolve, type JsonSchema } from './schema.ts';

const HEAD = `# yaml-language-server: $schema=../schema/cluster.v1.schema.json
#
# Every setting of an inventory, with what it means and its default. Made from the schema: do not edit.
# A line such as \`#name: value\`, without a blank behind the #, is a setting that has no fixed default; the value
# there is an example. To see how little is needed, read three-masters.yaml.
`;

interface Where {
  indent: string;
  /** The setting, and all below it, is only an example. */
  example: boolean;
}

/** inventories/reference.yaml, from the schema. */
export function renderReference(root: JsonSchema): string {
  const sections = Object.entries(root.properties ?? {}).map(([key, property]) =>
    renderSetting(key, resolve(property, root), { indent: '', example: false }, root).join('\n'),
  );
  return `${HEAD}\n${sections.join('\n\n')}\n`;
}

function renderSetting(key: string, schema: JsonSchema, where: Where, root: JsonSchema): string[] {
  const like = where.indent === '' ? undefined : likeSection(key, schema, root);
  if (like !== undefined) {
    const parts = like.of === undefined ? '' : `: ${like.of.join(', ')}`;
    const comment = `${where.indent}# As the section ${key}, for these hosts alone${parts}.`;
    return [comment, ...line(key, schema.examples?.[0], { ...where, example: true })];
  }
  const above = comment(schema, where, root);
  const items = describedItems(schema, root);
  const settings = describedSettings(schema);
  if (items?.properties !== undefined && !typeIncludes(items, 'string')) {
    // `hosts` is needed, so its entries are real; other lists of maps are empty by default.
    const real = key === 'hosts';
    return [
      ...above,
      ...line(key, undefined, { ...where, example: !real }),
      ...renderItems(schema, items, { indent: `${where.indent}  `, example: !real }, root),
    ];
  }
  if (settings !== undefined) {
    const example = where.example || schema.default === undefined;
    const below = Object.entries(settings).flatMap(([name, child]) =>
      renderSetting(name, resolve(child, root), { indent: `${where.indent}  `, example }, root),
    );
    return [...above, ...line(key, undefined, { ...where, example }), ...below];
  }
  const computed = schema['x-default'] !== undefined || schema.default === undefined;
  const needed = where.example || !computed || NEEDED.includes(key);
  return [
    ...above,
    ...line(key, schema.default ?? schema.examples?.[0], { ...where, example: where.example || !needed }),
  ];
}

const NEEDED = ['name', 'address', 'roles'];

/** The first entry with every setting explained, the others on one line each. */
function renderItems(list: JsonSchema, item: JsonSchema, where: Where, root: JsonSchema): string[] {
  const examples = list.examples?.[0];
  const [first, ...others] = Array.isArray(examples) ? (examples as unknown[]) : [];
  const inner = { indent: `${where.indent}  `, example: where.example };
  const settings = Object.entries(item.properties ?? {}).flatMap(([name, child], index) => {
    const resolved = resolve(child, root);
    const value = isMap(first) && Object.hasOwn(first, name) ? { ...resolved, default: first[name] } : resolved;
    const inherited =
      value.default === undefined || (!Object.hasOwn(isMap(first) ? first : {}, name) && list.default === undefined);
    const lines = renderSetting(name, value, { ...inner, example: where.example || inherited }, root);
    return index === 0 ? asFirst(lines, where) : lines;
  });
  const prefix = `${where.indent}${where.example ? '#' : ''}- `;
  return [...settings, ...others.map((other) => `${prefix}${toFlow(other)}`)];
}

/** The dash of an entry stands before its first setting. */
function asFirst(lines: readonly string[], { indent, example }: Where): string[] {
  const dash = `${indent}${example ? '#' : ''}- `;
  return lines.map((text, at) =>
    at === lines.length - 1 ? `${dash}${text.trim().replace(/^#/, '')}` : text.replace('  ', ''),
  );
}

function line(key: string, value: unknown, { indent, example }: Where): string[] {
  return [`${indent}${example ? '#' : ''}${key}:${value === undefined ? '' : ` ${toFlow(value)}`}`];
}

function comment(schema: JsonSchema, { indent }: Where, root: JsonSchema): string[] {
  const type = schema.enum !== undefined ? ` One of: ${typeInWords(schema, root)}.` : '';
  const range =
    schema.minimum === undefined || schema.maximum === undefined
      ? ''
      : ` From ${String(schema.minimum)} to ${String(schema.maximum)}.`;
  const computed = schema['x-default'] === undefined ? '' : ` Default: ${schema['x-default']}.`;
  return wrap(`${schema.description ?? ''}${type}${range}${computed}`, 116 - indent.length).map(
    (text) => `${indent}# ${text}`,
  );
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

function typeIncludes(schema: JsonSchema, type: string): boolean {
  return Array.isArray(schema.type) && (schema.type as readonly string[]).includes(type);
}
