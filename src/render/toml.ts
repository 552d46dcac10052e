import { McpkError } from '../core/errors.ts';
import { isMap } from '../core/merge.ts';

/**
 * A tree as TOML 1.0, for containerd's config.toml and hosts.toml: plain keys first, then tables, both in the
 * order given; lists of maps as arrays of tables. `null` and `undefined` are left out, as TOML has neither.
 */
export function toToml(tree: Readonly<Record<string, unknown>>): string {
  const lines: string[] = [];
  writeTable(tree, [], lines);
  return `${lines.join('\n')}\n`;
}

function writeTable(table: Readonly<Record<string, unknown>>, path: readonly string[], lines: string[]): void {
  const entries = Object.entries(table).filter(([, value]) => value !== null && value !== undefined);
  for (const [key, value] of entries) {
    if (!isMap(value) && !isTableList(value)) lines.push(`${tomlKey(key)} = ${tomlValue(value, [...path, key])}`);
  }
  for (const [key, value] of entries) {
    const below = [...path, key];
    const name = below.map(tomlKey).join('.');
    if (isMap(value)) {
      // A table that only holds tables needs no header of its own, unless it is empty.
      if (hasOwnLines(value)) lines.push(...(lines.length > 0 ? [''] : []), `[${name}]`);
      writeTable(value, below, lines);
    } else if (isTableList(value)) {
      for (const item of value) {
        lines.push(...(lines.length > 0 ? [''] : []), `[[${name}]]`);
        writeTable(item, below, lines);
      }
    }
  }
}

function hasOwnLines(table: Readonly<Record<string, unknown>>): boolean {
  const values = Object.values(table).filter((value) => value !== null && value !== undefined);
  return values.length === 0 || values.some((value) => !isMap(value) && !isTableList(value));
}

function isTableList(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.length > 0 && value.every(isMap);
}

function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : tomlString(key);
}

function tomlValue(value: unknown, path: readonly string[]): string {
  if (typeof value === 'string') return tomlString(value);
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => tomlValue(item, path)).join(', ')}]`;
  if (isMap(value)) {
    const pairs = Object.entries(value).filter(([, below]) => below !== null && below !== undefined);
    return `{ ${pairs.map(([key, below]) => `${tomlKey(key)} = ${tomlValue(below, [...path, key])}`).join(', ')} }`;
  }
  throw new McpkError('invalid', `${path.join('.')}: TOML has no way to write ${describe(value)}`);
}

function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? `a ${value.constructor.name}` : String(value);
}

/** JSON's escapes are a subset of TOML's, but for DEL, which TOML wants escaped too. */
function tomlString(value: string): string {
  return JSON.stringify(value).replaceAll('\u007f', '\\u007f');
}
