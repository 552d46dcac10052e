import { readSchema } from './schema.ts';
import { compileValidator, type Validator } from './validate.ts';

/** Checks against the published schema. The build replaces this module by one that holds ajv's code ready-made. */
export function packageValidator(): Promise<Validator> {
  return compileValidator(readSchema());
}
