import { McpkError } from '../core/errors.ts';
import { isMap } from '../core/merge.ts';
import { Secret } from '../core/secret.ts';
import type { FlagValue } from './formats.ts';
import { flagArguments, haproxyWord, systemdArgument, systemdEnvironment, toYaml } from './formats.ts';

export type Helper = (this: unknown, ...args: unknown[]) => unknown;

/** Handlebars hands its options over as a last argument; `{{join list ', '}}` calls (list, ', ', options). */
interface HelperOptions {
  hash: Record<string, unknown>;
}

/** What templates may call. All of them are pure; none of them knows a component. */
export const HELPERS: Readonly<Record<string, Helper>> = {
  /** Never written in a template: makeStrict turns every plain `{{name}}` into `{{put name 'name'}}`. */
  put: (value, name) => scalar(value, `"${String(name)}" is `),
  /** `{{yaml value indent=2}}`: block YAML, each line indented, no newline at the end; scalars stay on their line. */
  yaml: (value, options) => indentLines(toYaml(value).trimEnd(), hash(options, 'indent')),
  json: (value) => JSON.stringify(value),
  /** One argument of a systemd command line. */
  quote: (value) => systemdArgument(scalar(value)),
  /** `{{flags args indent=2}}`: sorted `--name=value` of a systemd command line, one a line, joined by ` \`. */
  flags: (value, options) =>
    flagArguments(map(value, 'flags') as Record<string, FlagValue>)
      .map(systemdArgument)
      .join(` \\\n${' '.repeat(hash(options, 'indent') || 2)}`),
  /** `{{environment vars}}`: one `Environment=` line a variable, sorted. */
  environment: (value) =>
    Object.entries(map(value, 'environment'))
      .sort(byName)
      .map(([name, one]) => `Environment=${systemdEnvironment(name, scalar(one))}`)
      .join('\n'),
  /** One word of haproxy.cfg. */
  haproxy: (value) => haproxyWord(scalar(value)),
  join: (value, separator) =>
    list(value, 'join')
      .map((one) => scalar(one))
      .join(typeof separator === 'string' ? separator : ','),
  indent: (value, width) => indentLines(scalar(value), Number(width)),
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  and: (...args) => args.slice(0, -1).every(truthy),
  or: (...args) => args.slice(0, -1).some(truthy),
  not: (value) => !truthy(value),
};

/** The text of a scalar; anything else in a file would read `[object Object]`, and a Secret has no place in text. */
function scalar(value: unknown, prefix = ''): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new McpkError('invalid', `${prefix}${kindOf(value)} where a text or number is wanted`);
}

/** As Handlebars' own `if`: an empty list is false. */
function truthy(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (value instanceof Secret) return 'a secret';
  return Array.isArray(value) ? 'a list' : `a ${typeof value === 'object' ? 'map' : typeof value}`;
}

function list(value: unknown, helper: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw new McpkError('invalid', `${helper} wants a list, not ${kindOf(value)}`);
}

function map(value: unknown, helper: string): Record<string, unknown> {
  if (isMap(value)) return value;
  throw new McpkError('invalid', `${helper} wants a map, not ${kindOf(value)}`);
}

function hash(options: unknown, name: string): number {
  return Number((options as HelperOptions).hash[name] ?? 0);
}

function indentLines(text: string, width: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(width));
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
