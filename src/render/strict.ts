import Handlebars from 'handlebars';

/**
 * Handlebars' own strict mode checks `{{name}}` but neither `{{#if name}}` nor `{{join name}}`: a name that
 * stands as an argument and is missing renders as if it were false. This marks every path of the tree strict.
 * And `{{name}}` becomes `{{put name}}`, a helper that refuses what is no scalar.
 */
export function makeStrict(tree: hbs.AST.Program, helpers: readonly string[]): hbs.AST.Program {
  new StrictPaths(helpers).accept(tree);
  return tree;
}

/** The compiler reads `strict` from the node; the types don't tell. */
type Path = hbs.AST.PathExpression & { strict?: boolean };

class StrictPaths extends Handlebars.Visitor {
  readonly #helpers: readonly string[];

  constructor(helpers: readonly string[]) {
    super();
    this.#helpers = helpers;
  }

  override MustacheStatement(mustache: hbs.AST.MustacheStatement): void {
    const { path } = mustache;
    const isValue = path.type !== 'PathExpression' || !this.#helpers.includes((path as Path).original);
    if (isValue && mustache.params.length === 0 && (mustache.hash as hbs.AST.Hash | undefined) === undefined) {
      const name = { type: 'StringLiteral', value: nameOf(path), original: nameOf(path), loc: path.loc };
      mustache.params = [path, name];
      mustache.path = {
        type: 'PathExpression',
        data: false,
        depth: 0,
        parts: ['put'],
        original: 'put',
        loc: path.loc,
      };
    }
    this.#strict(mustache);
    super.MustacheStatement(mustache);
  }

  override BlockStatement(block: hbs.AST.BlockStatement): void {
    this.#strict(block);
    super.BlockStatement(block);
  }

  override SubExpression(expression: hbs.AST.SubExpression): void {
    this.#strict(expression);
    super.SubExpression(expression);
  }

  #strict(call: { params: hbs.AST.Expression[]; hash?: hbs.AST.Hash }): void {
    const values = [...call.params, ...(call.hash?.pairs ?? []).map((pair) => pair.value)];
    for (const value of values) {
      if (value.type === 'PathExpression' && (value as Path).parts.length > 0) (value as Path).strict = true;
    }
  }
}

function nameOf(path: hbs.AST.PathExpression | hbs.AST.Literal): string {
  return String((path as { original?: unknown }).original);
}
