import { isMap } from '../core/merge.ts';
import { resolve, typesOf, type JsonSchema } from './schema.ts';

/** A value as YAML on one line. */
export function toFlow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toFlow).join(', ')}]`;
  if (isMap(value)) {
    const entries = Object.entries(value).map(([key, child]) => `${toFlow(key)}: ${toFlow(child)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  return typeof value === 'string' ? toScalar(value) : JSON.stringify(value);
}

/** The type in words: `true or false`, `number, 1 to 65535`, `calico, bridge or none`. */
export function typeInWords(schema: JsonSchema, root: JsonSchema): string {
  if (schema.enum !== undefined) return oneOf(schema.enum.map(String));
  if (schema.const !== undefined) return toFlow(schema.const);
  return oneOf(typesOf(schema).map((type) => oneTypeInWords(type, schema, root)));
}

export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}

function oneTypeInWords(type: string, schema: JsonSchema, root: JsonSchema): string {
  const { minimum, maximum } = schema;
  switch (type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
    case 'number':
      return minimum === undefined || maximum === undefined
        ? 'number'
        : `number, ${String(minimum)} to ${String(maximum)}`;
    case 'string':
      return schema['x-path'] === true ? 'file' : (schema['x-expected'] ?? 'text');
    case 'array': {
      const items = schema.items === undefined ? {} : resolve(schema.items, root);
      return schema['x-path'] === true
        ? 'list of files'
        : items.enum === undefined
          ? 'list'
          : `list of ${oneOf(items.enum.map(String))}`;
    }
    default:
      return type === 'object' ? 'map' : type;
  }
}

function toScalar(text: string): string {
  const plain =
    /^([A-Za-z~/]|\.\/)[\w./@~-]*$/.test(text) ||
    /^\d+(\.\d+){2,3}(\/\d+)?$/.test(text) ||
    /^\d+[a-z]$/.test(text) ||
    /^https?:\/\/[\w./-]+$/.test(text);
  return plain && !/^(true|false|null|yes|no|on|off|y|n|~)$/i.test(text) ? text : `'${text.replaceAll("'", "''")}'`;
}
