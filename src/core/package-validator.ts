import { packageText } from './package-files.ts';
import { compileValidator, type Validator } from './validate.ts';

/** The published schemas, by what they describe. */
export const SCHEMAS = { cluster: 'schema/cluster.v1.schema.json', plan: 'schema/plan.v1.schema.json' } as const;

/** Checks against a published schema. The build replaces this module by one that holds ajv's code ready-made. */
export function packageValidator(name: keyof typeof SCHEMAS): Promise<Validator> {
  return compileValidator(JSON.parse(packageText(SCHEMAS[name])) as object);
}
