import type { ErrorObject, Options } from 'ajv';

/** Errors of one value against the schema; empty when it fits. Compiled once, used for any number of values. */
export type Validator = (value: unknown) => readonly ErrorObject[];

/** What ajv generates: true, or false and `errors`. */
export interface Check {
  (value: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/** Optimizing the generated code costs more than the one check that it serves. */
export const AJV_OPTIONS: Options = {
  allErrors: true,
  strict: false,
  messages: false,
  validateSchema: false,
  addUsedSchema: false,
  code: { optimize: false },
};

/** Compiles the schema. ajv is loaded only here, and most of the time is its own: keep the result. */
export async function compileValidator(schema: object): Promise<Validator> {
  const { Ajv } = await import('ajv');
  return validatorOf(new Ajv(AJV_OPTIONS).compile(schema) as Check);
}

export function validatorOf(check: Check): Validator {
  return (value) => (check(value) ? [] : [...(check.errors ?? [])]);
}
