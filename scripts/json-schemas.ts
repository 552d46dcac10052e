/** JSON Schemas of what commands print with --json, made of the types of what they return. */
import { join } from 'node:path';
import ts from 'typescript';
import { COMMANDS } from '../src/commands/main.ts';
import { ROOT } from './process.ts';

type Schema = Record<string, unknown>;

/** In the package, below schema/json/: by name of the file, as text. */
export function jsonSchemas(): Map<string, string> {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(ROOT, 'tsconfig.json'),
    { noEmit: true },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (problem) => {
        throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
      },
    },
  );
  const printing = Object.entries(COMMANDS).filter(([, { enableJsonFlag }]) => enableJsonFlag === true);
  const files = printing.map(([id]) => [id, join(ROOT, 'src/commands', `${id.replace(':', '/')}.ts`)] as const);
  const failure = join(ROOT, 'src/commands/shared/failure-json.ts');
  const program = ts.createProgram([...files.map(([, file]) => file), failure], config?.options ?? {});
  const checker = program.getTypeChecker();
  const exported = (file: string, name: string): ts.Type => {
    const source = program.getSourceFile(file);
    const symbols = source && checker.getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol);
    const symbol = symbols?.find((each) => each.name === name);
    if (symbol === undefined) throw new Error(`${file} has no ${name}`);
    return checker.getDeclaredTypeOfSymbol(symbol);
  };
  const results = files.map(([id, file]) => {
    const command = id.replace(':', ' ');
    const returned = returnOf(checker, exported(file, 'default'), 'run');
    const what = `What mcpk ${command} --json prints when it did what it should; a later version may add properties.`;
    return [
      `${id.replace(':', '-')}.schema.json`,
      document(checker, returned, { title: `mcpk ${command} --json`, description: what }),
    ] as const;
  });
  const what = 'What any command prints with --json when it ends with an error; a later version may add properties.';
  const error = document(checker, exported(failure, 'FailureJson'), {
    title: 'mcpk --json, an error',
    description: what,
  });
  return new Map([...results, ['error.schema.json', error]]);
}

function returnOf(checker: ts.TypeChecker, type: ts.Type, method: string): ts.Type {
  const symbol = type.getProperty(method);
  const signature = symbol && checker.getTypeOfSymbol(symbol).getCallSignatures()[0];
  const returned = signature && checker.getAwaitedType(signature.getReturnType());
  if (returned === undefined) throw new Error(`there is no method ${method}`);
  return returned;
}

function document(checker: ts.TypeChecker, type: ts.Type, head: Schema): string {
  const definitions = new Map<string, { type: ts.Type; schema: Schema }>();
  const root = schemaOf({ checker, definitions }, type, false);
  const named = Object.fromEntries(
    [...definitions].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, { schema }]) => [name, schema]),
  );
  const all = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...head,
    ...root,
    ...(definitions.size === 0 ? {} : { definitions: named }),
  };
  return `${JSON.stringify(all, undefined, 2)}\n`;
}

interface Making {
  checker: ts.TypeChecker;
  /** Of types that have a name. */
  definitions: Map<string, { type: ts.Type; schema: Schema }>;
}

/** As `toJson` prints values of that type. */
function schemaOf(making: Making, type: ts.Type, byName = true): Schema {
  const { checker } = making;
  if (type.isUnion()) return unionOf(making, type.types);
  if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
  if (type.flags & ts.TypeFlags.BooleanLiteral) return { const: checker.typeToString(type) === 'true' };
  if (type.flags & ts.TypeFlags.StringLike) return { type: 'string' };
  if (type.flags & ts.TypeFlags.NumberLike) return { type: 'number' };
  if (type.flags & ts.TypeFlags.Null) return { type: 'null' };
  if (type.flags & (ts.TypeFlags.Unknown | ts.TypeFlags.Any)) return {};
  if (type.flags & ts.TypeFlags.NonPrimitive) return { type: 'object' };
  if (checker.isArrayLikeType(type)) return { type: 'array', items: unionOf(making, argumentsOf(checker, type)) };
  const name = type.symbol?.name ?? '';
  const args = argumentsOf(checker, type);
  if (name === 'Map' || name === 'ReadonlyMap')
    return { type: 'object', additionalProperties: schemaOf(making, args[1] as ts.Type) };
  if (name === 'Set' || name === 'ReadonlySet') return { type: 'array', items: schemaOf(making, args[0] as ts.Type) };
  if (name === 'Date') return { type: 'string', format: 'date-time' };
  if (type.getProperty('toJSON')) return schemaOf(making, returnOf(checker, type, 'toJSON'));
  return byName ? definitionOf(making, type) : objectOf(making, type);
}

function argumentsOf(checker: ts.TypeChecker, type: ts.Type): readonly ts.Type[] {
  return type.flags & ts.TypeFlags.Object && (type as ts.ObjectType).objectFlags & ts.ObjectFlags.Reference
    ? checker.getTypeArguments(type as ts.TypeReference)
    : [];
}

/** Of words one list of them. */
function unionOf(making: Making, types: readonly ts.Type[]): Schema {
  const schemas = types
    .filter(({ flags }) => !(flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)))
    .map((type) => schemaOf(making, type));
  const words = schemas.flatMap((each) => ('const' in each ? [each['const']] : []));
  const others = schemas.filter((each) => !('const' in each));
  const isBoolean = words.length === 2 && words.includes(true) && words.includes(false);
  const listed =
    words.length === 0
      ? []
      : words.length === 1
        ? [{ const: words[0] }]
        : [isBoolean ? { type: 'boolean' } : { enum: words.toSorted() }];
  const all = new Map([...others, ...listed].map((each) => [JSON.stringify(each), each]));
  // The compiler's own order changes with what else it has seen.
  const sorted = [...all].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  return sorted.length === 1 ? (sorted[0] as Schema) : { anyOf: sorted };
}

/** What has a name in our sources stands once, by that name. */
function definitionOf(making: Making, type: ts.Type): Schema {
  const symbol = type.aliasSymbol ?? type.symbol;
  const isNamed = symbol !== undefined && !symbol.name.startsWith('__') && (type.aliasTypeArguments ?? []).length === 0;
  const isOurs =
    symbol?.declarations?.some((each) => each.getSourceFile().fileName.startsWith(join(ROOT, 'src'))) ?? false;
  if (!isNamed || !isOurs) return objectOf(making, type);
  const { definitions } = making;
  let name = symbol.name;
  while (definitions.has(name) && definitions.get(name)?.type !== type) name += '_';
  if (!definitions.has(name)) {
    const made = { type, schema: {} };
    definitions.set(name, made);
    Object.assign(made.schema, told(making, symbol), objectOf(making, type));
  }
  return { $ref: `#/definitions/${name}` };
}

function objectOf(making: Making, type: ts.Type): Schema {
  const { checker } = making;
  const properties = checker.getPropertiesOfType(type).flatMap((symbol) => {
    const own = checker.getTypeOfSymbol(symbol);
    if (own.getCallSignatures().length > 0) return [];
    const parts = own.isUnion() ? own.types : [own];
    const isOptional =
      Boolean(symbol.flags & ts.SymbolFlags.Optional) || parts.some(({ flags }) => flags & ts.TypeFlags.Undefined);
    const schema = schemaOf(making, own);
    return [
      { name: symbol.name, isOptional, schema: '$ref' in schema ? schema : { ...told(making, symbol), ...schema } },
    ];
  });
  const required = properties.flatMap(({ name, isOptional }) => (isOptional ? [] : [name]));
  const index = checker.getIndexTypeOfType(type, ts.IndexKind.String);
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    ...(properties.length === 0
      ? {}
      : { properties: Object.fromEntries(properties.map(({ name, schema }) => [name, schema])) }),
    ...(index === undefined ? {} : { additionalProperties: schemaOf(making, index) }),
  };
}

function told({ checker }: Making, symbol: ts.Symbol): Schema {
  const text = ts
    .displayPartsToString(symbol.getDocumentationComment(checker))
    .replaceAll(/\{@link (\w+)\}/g, '$1')
    .replaceAll(/\s*\n\s*/g, ' ');
  return text === '' ? {} : { description: text };
}
