import { basename } from 'node:path';
import { packageText } from '../core/package-files.ts';

/** What mcpk uses of JSON Schema (draft 7), and its own annotations. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
  /** A secret: becomes a `Secret`. */
  readonly writeOnly?: boolean;
  /** What a pattern stands for: "an IPv4 address". */
  readonly 'x-expected'?: string;
  /** The default in words, where it is computed or there is none. */
  readonly 'x-default'?: string;
  /** A file: `~` is expanded, a relative one is taken from the folder of the inventory that names it. */
  readonly 'x-path'?: boolean;
  /** Always text, whatever it looks like: `1.10` stays `1.10`. */
  readonly 'x-text'?: boolean;
  /** Free text: with a value of the environment in it, it is a secret. */
  readonly 'x-secret'?: boolean;
  /** Ends where every user of a host can read it: of the environment it takes numbers and addresses only. */
  readonly 'x-open'?: boolean;
  /** A text of several lines, or the file that holds it. */
  readonly 'x-contents'?: boolean;
  /** A format of upstream's own: checked in all its parts, described there. */
  readonly 'x-upstream'?: boolean;
  /** The first Kubernetes that knows a field of an upstream format, where mcpk takes older ones: `1.36`. */
  readonly 'x-since'?: string;
}

/** Annotations that a validator in strict mode must know. */
export const ANNOTATIONS = [
  'x-expected',
  'x-default',
  'x-path',
  'x-text',
  'x-secret',
  'x-open',
  'x-contents',
  'x-upstream',
  'x-since',
] as const;

const SCHEMA = 'schema/cluster.v1.schema.json';

/** Its name, also where it lies beside an inventory, for editors. */
export const SCHEMA_NAME = basename(SCHEMA);

/** As it is published, byte by byte. */
export function schemaText(): string {
  return packageText(SCHEMA);
}

/** The published schema, the one source of settings, defaults and descriptions. */
export function readSchema(): JsonSchema {
  return JSON.parse(schemaText()) as JsonSchema;
}

/** Follows `$ref` into the definitions; what stands beside the reference wins. */
export function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  if (schema.$ref === undefined) return schema;
  const { $ref, ...beside } = schema;
  const target = root.definitions?.[$ref.replace('#/definitions/', '')];
  if (target === undefined) throw new TypeError(`the schema has no ${$ref}`);
  return { ...resolve(target, root), ...beside };
}

/** The schema of a child; undefined where anything may stand. */
export function childSchema(
  schema: JsonSchema | undefined,
  key: string | number,
  root: JsonSchema,
): JsonSchema | undefined {
  if (schema === undefined) return undefined;
  if (typeof key === 'number') return schema.items === undefined ? undefined : resolve(schema.items, root);
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  const own =
    schema.properties !== undefined && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
  const child = own ?? more;
  return child === undefined ? undefined : resolve(child, root);
}

/** Entries of a list that are described one by one: maps, not in a format of upstream's own. */
export function describedItems(schema: JsonSchema, root: JsonSchema): JsonSchema | undefined {
  return schema.items === undefined || schema['x-upstream'] === true ? undefined : resolve(schema.items, root);
}

/** Settings below one that are described one by one. */
export function describedSettings(schema: JsonSchema): JsonSchema['properties'] {
  return schema['x-upstream'] === true ? undefined : schema.properties;
}

/**
 * Of a setting of a host or a group that is a section too (`ssh`): it is named there, not described anew. `of` are the
 * parts that it has of the section where those are not all.
 */
export function likeSection(
  key: string,
  setting: JsonSchema,
  root: JsonSchema,
): { of: readonly string[] | undefined } | undefined {
  const section = root.properties?.[key];
  const all = section === undefined ? undefined : resolve(section, root).properties;
  if (all === undefined || setting.properties === undefined) return undefined;
  const own = Object.keys(setting.properties);
  if (!own.every((part) => Object.hasOwn(all, part))) return undefined;
  return { of: own.length === Object.keys(all).length ? undefined : own };
}

export function schemaAt(root: JsonSchema, path: readonly (string | number)[]): JsonSchema | undefined {
  return path.reduce<JsonSchema | undefined>((schema, key) => childSchema(schema, key, root), root);
}

export function typesOf(schema: JsonSchema): readonly string[] {
  return schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;
}
