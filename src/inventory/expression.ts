import { McpkError } from '../core/errors.ts';
import { printable } from './mistake.ts';

/** A targeting expression (`--limit`), read but not yet asked of any host. */
export type Expression =
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly operand: Expression }
  | Match;

/** `field` is `name`, `role`, `label` or `fact`; `key` is of a label or fact; no `value` asks whether it is there. */
export interface Match {
  readonly kind: 'match';
  readonly field: 'name' | 'role' | 'label' | 'fact';
  readonly key: string;
  readonly value: string | undefined;
  /** Where it stands in the expression. */
  readonly offset: number;
}

interface Token {
  readonly text: string;
  readonly offset: number;
}

/** Deeper nesting than any person writes; keeps a long row of `(` from ending in a stack trace. */
const MOST_TOKENS = 2_000;

/**
 * Reads `role:worker and not w2`, `m*,w1`, `label:rack=r1 or fact:os.id=debian`. From weak to strong: a comma, `or`,
 * `and`, `not`, parentheses; `all` is every host. Throws `usage` with a caret below the place.
 */
export function parseExpression(text: string): Expression {
  const tokens = [...text.matchAll(/[(),]|[^\s(),]+/g)].map((match): Token => ({
    text: match[0],
    offset: match.index,
  }));
  if (tokens.length === 0) throw syntaxError(text, 0, 'names no host');
  if (tokens.length > MOST_TOKENS) throw syntaxError(text, 0, 'is too long');
  return new Parser(text, tokens).parse();
}

/** Whether answering needs the hosts' facts, so that they must be gathered first. */
export function needsFacts(expression: Expression): boolean {
  if (expression.kind === 'match') return expression.field === 'fact';
  if (expression.kind === 'not') return needsFacts(expression.operand);
  return needsFacts(expression.left) || needsFacts(expression.right);
}

export function syntaxError(text: string, offset: number, message: string, hint?: string): McpkError {
  // A window, so that the caret stays below its place on any terminal.
  const from = Math.max(0, offset - 50);
  const shown = printable(text.slice(from, from + 75), 76);
  return new McpkError('usage', `the expression ${message}`, {
    details: [`  ${shown}`, `  ${' '.repeat(offset - from)}^`],
    hint: hint ?? "Such as: 'role:worker and not w2', 'm*,w1', 'label:rack=r1', 'fact:os.id=debian'",
  });
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  parse(): Expression {
    const expression = this.#chain(0);
    const rest = this.#tokens[this.#at];
    if (rest === undefined) return expression;
    throw this.#error(
      rest,
      rest.text === ')'
        ? 'closes a parenthesis that was not opened'
        : `has ${quoted(rest)} where and, or or a comma should stand`,
    );
  }

  /** Levels 0 comma, 1 or, 2 and; each chains what is one level stronger. */
  #chain(level: number): Expression {
    const words = [',', 'or', 'and'];
    const word = words[level];
    if (word === undefined) return this.#operand();
    let left = this.#chain(level + 1);
    while (this.#take(word)) left = { kind: word === 'and' ? 'and' : 'or', left, right: this.#chain(level + 1) };
    return left;
  }

  #operand(): Expression {
    let negated = false;
    while (this.#take('not')) negated = !negated;
    const operand = this.#primary();
    return negated ? { kind: 'not', operand } : operand;
  }

  #primary(): Expression {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw syntaxError(this.#text, this.#text.length, 'ends where a host should stand');
    if (this.#take('(')) {
      const inner = this.#chain(0);
      if (!this.#take(')')) throw syntaxError(this.#text, token.offset, 'opens a parenthesis that is not closed');
      return inner;
    }
    if ([')', ',', 'and', 'or'].includes(token.text))
      throw this.#error(token, `has ${quoted(token)} where a host should stand`);
    this.#at++;
    return this.#match(token);
  }

  #match({ text, offset }: Token): Match {
    const [, field, rest = ''] = /^([a-z]+):(.*)$/s.exec(text) ?? [];
    if (field === undefined) {
      const ours = inOurWords(text);
      if (ours !== undefined)
        throw syntaxError(this.#text, offset, `has ${quoted({ text, offset })}, which is no host`, ours);
      return { kind: 'match', field: 'name', key: text === 'all' ? '*' : text, value: undefined, offset };
    }
    if (rest === '') throw this.#error({ text, offset }, `has nothing behind ${field}:`);
    if (field === 'name' || field === 'role') return { kind: 'match', field, key: rest, value: undefined, offset };
    if (field !== 'label' && field !== 'fact')
      throw this.#error(
        { text, offset },
        `has ${quoted({ text: `${field}:`, offset })}, which is none of name:, role:, label:, fact:`,
      );
    const [, key = rest, value] = /^([^=]+)=(.*)$/s.exec(rest) ?? [];
    return { kind: 'match', field, key, value, offset };
  }

  #take(text: string): boolean {
    if (this.#tokens[this.#at]?.text !== text) return false;
    this.#at++;
    return true;
  }

  #error(token: Token, message: string): McpkError {
    return syntaxError(this.#text, token.offset, message);
  }
}

/** What other tools write in the place of a word of ours. */
function inOurWords(text: string): string | undefined {
  const meant = (words: string): string => `Did you mean '${printable(words, 60)}'?`;
  if (text.startsWith('!')) return text === '!' ? "It is written as a word: 'not w1'" : meant(`not ${text.slice(1)}`);
  const [, word = '', value = ''] = /^([^=]+)=+(.*)$/s.exec(text) ?? [];
  if (word === '') return undefined;
  return meant(word === 'role' || word === 'name' ? `${word}:${value}` : `label:${word}=${value}`);
}

function quoted(token: Token): string {
  return `"${printable(token.text, 40)}"`;
}
