import Handlebars from 'handlebars';
import { McpkError } from '../core/errors.ts';
import { isMap } from '../core/merge.ts';
import type { Helper } from './helpers.ts';
import { HELPERS } from './helpers.ts';
import { packageSpecs, type Specs } from './specs.ts';

type Compiled = (data: object) => string;

/** Renders templates and keeps the functions that it made of them. */
export interface Renderer {
  /**
   * `render('etcd/etcd.service', data)` fills templates/etcd/etcd.service.hbs. Throws McpkError `invalid`
   * that names the template, the line and the name when the data lacks something that the template uses.
   */
  render(template: string, data: object): string;
}

export function createRenderer(specs: Specs = packageSpecs): Renderer {
  const handlebars = createHandlebars();
  const compiled = new Map<string, Compiled>();
  return {
    render(template, data) {
      try {
        let fill = compiled.get(template);
        if (fill === undefined) {
          fill = handlebars.template<object>(specs(template));
          compiled.set(template, fill);
        }
        return fill(data);
      } catch (error) {
        throw invalid(template, error);
      }
    },
  };
}

// A memo of the package's own files, which never change while the program runs: it can't be told apart from none.
let shared: Renderer | undefined;

/** {@link Renderer.render} on the package's templates. */
export function render(template: string, data: object): string {
  shared ??= createRenderer();
  return shared.render(template, data);
}

function createHandlebars(): typeof Handlebars {
  const handlebars = Handlebars.create();
  const each = handlebars.helpers['each'];
  if (each === undefined) throw new Error('this Handlebars has no each');
  handlebars.registerHelper({
    ...Object.fromEntries(Object.entries(HELPERS).map(([name, helper]) => [name, located(helper)])),
    /** Maps in the order of their names, so that the order of an inventory's keys changes no file. */
    each(this: unknown, value: unknown, options: Handlebars.HelperOptions): unknown {
      return each.call(this, isMap(value) ? sorted(value) : value, options);
    },
  });
  return handlebars;
}

/** A helper's failure says where it was called. */
function located(helper: Helper): Helper {
  return function (this: unknown, ...args) {
    try {
      return helper.apply(this, args);
    } catch (cause) {
      const { loc } = args.at(-1) as { loc?: hbs.AST.SourceLocation };
      throw Object.assign(new Error(cause instanceof Error ? cause.message : String(cause)), {
        lineNumber: loc?.start.line,
      });
    }
  };
}

function sorted(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What Handlebars says of a missing name: `"port" not defined in [object Object] - 3:5`. */
const MISSING = /^"(.*)" not defined in .* - (\d+):\d+$/s;

const PARSE = /^Parse error on line (\d+):\n(.*)$/s;

function invalid(template: string, error: unknown): McpkError {
  const file = `templates/${template}.hbs`;
  const message = error instanceof Error ? error.message : String(error);
  const missing = MISSING.exec(message);
  if (missing !== null) {
    return new McpkError('invalid', `${file}:${missing[2]}: "${missing[1]}" is not in the data that it was given`, {
      cause: error,
    });
  }
  const parse = PARSE.exec(message);
  if (parse !== null) {
    const details = (parse[2] ?? '').split('\n');
    return new McpkError('invalid', `${file}:${parse[1]}: this is no template`, { cause: error, details });
  }
  const line = (error as { lineNumber?: number }).lineNumber;
  return new McpkError('invalid', `${file}${line === undefined ? '' : `:${line}`}: ${message}`, { cause: error });
}
