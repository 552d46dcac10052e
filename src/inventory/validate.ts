import type { ErrorObject } from 'ajv';
import type { JsonSchema } from './schema.ts';

/** Errors of one value against the schema; empty when it fits. Compiled once, used for any number of inventories. */
export type Validator = (value: unknown) => readonly ErrorObject[];

/**
 * Compiles the schema. ajv is loaded only here, and most of the time is its own: keep the result.
 * Optimizing the generated code costs more than the one check that it serves.
 */
export async function compileValidator(schema: JsonSchema): Promise<Validator> {
  const { Ajv } = await import('ajv');
  const ajv = new Ajv({
    allErrors: true,
    strict: false,
    messages: false,
    validateSchema: false,
    addUsedSchema: false,
    code: { optimize: false },
  });
  const check = ajv.compile(schema);
  return (value) => (check(value) ? [] : [...(check.errors ?? [])]);
}
