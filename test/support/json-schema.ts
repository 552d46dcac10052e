import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { ROOT } from '../../scripts/process.ts';

const checks = new Map<string, ValidateFunction>();

/**
 * Holds what a command printed with `--json` against its schema in schema/json, and besides against having nothing that
 * the schema does not name. `id`: `etcd:status`. Throws what is wrong.
 */
export function checkJson(id: string, printed: unknown): void {
  const isError = typeof printed === 'object' && printed !== null && 'error' in printed;
  const name = isError ? 'error' : id.replace(':', '-');
  const check = checks.get(name) ?? compiled(name);
  checks.set(name, check);
  if (check(printed)) return;
  const wrong = (check.errors ?? []).map(({ instancePath, message, params }) =>
    [instancePath, message, JSON.stringify(params)].join(' '),
  );
  throw new Error(
    `what mcpk ${id} --json printed is not what schema/json/${name}.schema.json says:\n${wrong.join('\n')}`,
  );
}

function compiled(name: string): ValidateFunction {
  const text = readFileSync(join(ROOT, `schema/json/${name}.schema.json`), 'utf8');
  const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, formats: { 'date-time': true } });
  return ajv.compile(JSON.parse(text, withNothingElse) as object);
}

/** Users are told that a later version may add properties; what is there now is all in it. */
function withNothingElse(_key: string, value: unknown): unknown {
  const isOfObject = typeof value === 'object' && value !== null && 'type' in value && value.type === 'object';
  return isOfObject && 'properties' in value ? { additionalProperties: false, ...value } : value;
}
