import { dump } from 'js-yaml';
import { McpkError } from '../core/errors.ts';
import { secretsIn } from '../core/secret.ts';
import { VARIABLE } from '../core/variable.ts';

/**
 * A value as a YAML document with the keys in the order given, two spaces a level, never folded.
 * Strings that a YAML 1.1 reader (kubelet, etcd, containerd) takes for something else come quoted.
 */
export function toYaml(value: unknown): string {
  if (secretsIn(value).length > 0) throw new TypeError('a secret has no place in text that is shown');
  return dump(value, { lineWidth: -1, noRefs: true });
}

const SYSTEMD_PLAIN = /^[A-Za-z0-9_@+=:,./[\]{}()*-]+$/;
const SYSTEMD_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\t': '\\t',
  '%': '%%',
};

/** One argument of ExecStart= (systemd.service(5), "Command lines"): specifiers and variables are literal. */
export function systemdArgument(value: string): string {
  if (SYSTEMD_PLAIN.test(value)) return value;
  return `"${escapeSystemd(value).replaceAll('$', '$$$$')}"`;
}

/** One assignment of Environment= (systemd.exec(5)); `$` has no meaning there. */
export function systemdEnvironment(name: string, value: string): string {
  const assigned = variable(name);
  return SYSTEMD_PLAIN.test(value) ? `${assigned}=${value}` : `"${assigned}=${escapeSystemd(value)}"`;
}

function variable(name: string): string {
  if (VARIABLE.test(name)) return name;
  throw new McpkError('invalid', `${JSON.stringify(name)} can't be the name of an environment variable`);
}

/** A file for EnvironmentFile= (systemd.exec(5)): quoted as for a shell, so that nothing in a value means anything. */
export function environmentFile(variables: Readonly<Record<string, string>>): string {
  const names = Object.keys(variables).sort();
  return names.map((name) => `${variable(name)}="${quoted(variables[name] ?? '')}"\n`).join('');
}

function quoted(value: string): string {
  refuseControl(value, 'an environment file', /\t/g);
  return value.replace(/["\\$`]/g, '\\$&');
}

function escapeSystemd(value: string): string {
  refuseControl(value, 'a systemd unit', /[\n\t]/g);
  return value.replace(/[\\"\n\t%]/g, (character) => SYSTEMD_ESCAPES[character] ?? character);
}

/** One word of haproxy.cfg (HAProxy's manual, 2.2 "Quoting and escaping"); variables are not expanded. */
export function haproxyWord(value: string): string {
  refuseControl(value, 'haproxy.cfg');
  if (/^[^\s"'\\#$]+$/.test(value)) return value;
  return `"${value.replace(/["\\$]/g, '\\$&')}"`;
}

export type FlagValue = string | number | boolean | readonly (string | number)[] | null | undefined;

/**
 * Flags in the order of their names: `['--a=1', '--b=x', '--b=y']`. A list repeats the flag, which Go's list
 * and map flags add up; `null` and `undefined` leave a flag out.
 */
export function flagArguments(flags: Readonly<Record<string, FlagValue>>): string[] {
  return Object.keys(flags)
    .sort()
    .flatMap((name) => {
      const value = flags[name];
      if (value === null || value === undefined) return [];
      const values: readonly unknown[] = Array.isArray(value) ? value : [value];
      return values.map((one) => `--${name}=${String(one)}`);
    });
}

/** Control characters end a line, and so would smuggle a setting into the file. */
function refuseControl(value: string, where: string, allowed?: RegExp): void {
  if (/[\u0000-\u001f\u007f]/.test(allowed ? value.replace(allowed, '') : value)) {
    throw new McpkError('invalid', `${JSON.stringify(value)} has a control character, which ${where} can't hold`);
  }
}
