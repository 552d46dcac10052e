import { McpkError, type ErrorCode } from './errors.ts';

/** What went wrong with one thing, or with several. */
export interface Blow {
  /** The same for all that have one cause. */
  cause: string;
  /** URLs, folders. */
  things: readonly string[];
  /** The cause in the words of whoever told it. */
  reasons: readonly string[];
  /** What can be done in place of it. */
  ways?: readonly string[];
  /** `things`: the one, or how many they are. */
  message: (things: string, reason: string) => string;
  hint: (ways: string) => string;
  /** `file`: what several of them are called. */
  noun: string;
}

/** That something failed for a cause that may strike others as well: it is told once, with all that it struck. */
export class Struck extends McpkError {
  readonly #blow: Blow;

  constructor(code: ErrorCode, blow: Blow, cause?: unknown) {
    const { things, reasons, ways = [], noun } = blow;
    const isOne = things.length === 1;
    super(code, blow.message(isOne ? String(things[0]) : `${things.length} ${noun}s`, inOne(reasons)), {
      cause,
      hint: blow.hint(ways.join('; ')),
      details: isOne ? [] : [...things],
    });
    this.#blow = blow;
  }

  /** These with those of one cause in one, at the place of the first. */
  static together(errors: readonly McpkError[]): McpkError[] {
    const causeOf = (error: McpkError): unknown =>
      error instanceof Struck ? `${error.code} ${error.#blow.cause}` : error;
    return [...Map.groupBy(errors, causeOf).values()].flatMap((group) => {
      const struck = group.filter((error) => error instanceof Struck);
      const [first] = struck;
      if (first === undefined || struck.length === 1) return group;
      const all = (of: (blow: Blow) => readonly string[]): string[] => [
        ...new Set(struck.flatMap((error) => of(error.#blow))),
      ];
      const things = all((blow) => blow.things);
      const blow = {
        ...first.#blow,
        things,
        reasons: all(({ reasons }) => reasons),
        ways: all(({ ways = [] }) => ways),
      };
      return [new Struck(first.code, blow, first.cause)];
    });
  }
}

/** `no answer of a, b` of `no answer of a` and `no answer of b`. */
function inOne(reasons: readonly string[]): string {
  const [first = [], ...others] = reasons.map((reason) => reason.split(' '));
  if (others.some(({ length }) => length !== first.length)) return reasons.join('; ');
  return first.map((word, at) => [...new Set([word, ...others.map((words) => words[at])])].join(', ')).join(' ');
}
