import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { PACKAGE_ROOT } from '../core/package-files.ts';
import { precompile } from './precompile.ts';

/** What Handlebars makes a function of, by the name of the template. */
export type Specs = (template: string) => TemplateSpecification;

/** Templates of a folder. */
export function specsIn(directory: string): Specs {
  return (template) => runInThisContext(`(${precompile(join(directory, `${template}.hbs`))})`) as TemplateSpecification;
}

/** The package's own templates. The build replaces this module by one that holds them ready-made (scripts/bundle.ts). */
export const packageSpecs: Specs = specsIn(join(PACKAGE_ROOT, 'templates'));
