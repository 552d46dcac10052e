/**
 * `node scripts/bootstrap.mjs scripts/upstream-formats.ts`: writes the formats of upstream's component configurations
 * into the schema of the inventory, as the newest patch of each Kubernetes that mcpk takes has them. By hand, when
 * there is a new one: it needs Go and the module proxy.
 */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMap } from '../src/core/merge.ts';
import { KUBERNETES } from '../src/core/versions.ts';
import type { JsonSchema } from '../src/inventory/schema.ts';
import { ROOT, run } from './process.ts';

type Formats = Record<string, JsonSchema>;
type Mutable = { -readonly [K in keyof JsonSchema]: JsonSchema[K] };

const SCHEMA = join(ROOT, 'schema/cluster.v1.schema.json');
/** The formats are the last definitions, and those the last of the schema. */
const AT_END = /(,\n {4}"\w+Configuration": [\s\S]*)?\n {2}\}\n\}\n$/;
const PROGRAM = join(ROOT, 'scripts/upstream-formats.go');

/** `1.37` → what its modules say. */
async function formatsOf(series: string): Promise<Formats> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-formats-'));
  try {
    await writeFile(join(folder, 'go.mod'), 'module formats\n\ngo 1.26\n');
    await copyFile(PROGRAM, join(folder, 'main.go'));
    const version = `v0.${series.slice('1.'.length)}`;
    await go(folder, 'get', ...['kubelet', 'kube-proxy'].map((name) => `k8s.io/${name}@${version}`));
    return JSON.parse(await go(folder, 'run', '.')) as Formats;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function go(folder: string, command: string, ...args: string[]): Promise<string> {
  const { code, output } = await run(['go', '-C', folder, command, ...args], { env: { GOFLAGS: '-mod=mod' } });
  if (code !== 0) throw new Error(output);
  return output;
}

/** Newer fields with `x-since`. One that is gone is not foreseen: whoever sees that must say how it is told. */
function since(series: string, newer: JsonSchema, older: JsonSchema): JsonSchema {
  const known = older.properties ?? {};
  const gone = Object.keys(known).filter((name) => newer.properties?.[name] === undefined);
  if (gone.length > 0) throw new Error(`Kubernetes ${series} no longer has ${gone.join(', ')}`);
  const result: Mutable = { ...newer };
  if (newer.properties !== undefined)
    result.properties = Object.fromEntries(
      Object.entries(newer.properties).map(([name, field]) => {
        const before = known[name];
        return [name, before === undefined ? { ...field, 'x-since': series } : since(series, field, before)];
      }),
    );
  if (newer.items !== undefined) result.items = since(series, newer.items, older.items ?? {});
  // What was newer already then.
  return older['x-since'] === undefined ? result : { ...result, 'x-since': older['x-since'] };
}

/** A line for what has nothing below it. */
function printed(value: unknown, indent: string): string {
  if (!isMap(value) || !Object.values(value).some(isMap)) return JSON.stringify(value);
  const lines = Object.entries(value).map(([key, each]) => `${indent}  "${key}": ${printed(each, `${indent}  `)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

const [oldest = '', ...later] = Object.keys(KUBERNETES);
let formats = await formatsOf(oldest);
for (const series of later)
  formats = Object.fromEntries(
    Object.entries(await formatsOf(series)).map(([name, format]) => [name, since(series, format, formats[name] ?? {})]),
  );

const text = await readFile(SCHEMA, 'utf8');
const written = Object.entries(formats).map(
  ([name, format]) => `,\n    "${name}": ${printed({ ...format, 'x-upstream': true }, '    ')}`,
);
await writeFile(SCHEMA, `${text.replace(AT_END, '')}${written.join('')}\n  }\n}\n`);
