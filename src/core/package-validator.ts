import { packageText } from './package-files.ts';
import { compileValidator, type Validator } from './validate.ts';

/** The published schemas, by what they describe. */
export const SCHEMAS = { cluster: 'schema/cluster.v1.schema.json', plan: 'schema/plan.v1.schema.json' } as const;

// A memo of the package's own files, which never change while the program runs: it can't be told apart from none.
const compiled = new Map<keyof typeof SCHEMAS, Promise<Validator>>();

/** Checks against a published schema, compiled once. The build replaces this module by one that holds ajv's code ready-made. */
export function packageValidator(name: keyof typeof SCHEMAS): Promise<Validator> {
  const known = compiled.get(name) ?? compileValidator(JSON.parse(packageText(SCHEMAS[name])) as object);
  compiled.set(name, known);
  return known;
}
