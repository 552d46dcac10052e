import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';
import { HELPERS } from './helpers.ts';
import { makeStrict } from './strict.ts';

const KNOWN = Object.fromEntries(Object.keys(HELPERS).map((name) => [name, true]));

/** The names that a template may call: ours and those of Handlebars. */
const CALLABLE = [...Object.keys(HELPERS), ...Object.keys(Handlebars.helpers)];

/** A template's specification as JavaScript; Handlebars' own error when it cannot be parsed. */
export function precompile(file: string): string {
  const tree = makeStrict(Handlebars.parse(readFileSync(file, 'utf8')), CALLABLE);
  // Declared as the specification itself, it is its text.
  const text: unknown = Handlebars.precompile(tree, { strict: true, noEscape: true, knownHelpers: KNOWN });
  return text as string;
}
