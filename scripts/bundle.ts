/**
 * One CommonJS file of the sources and of all that they import. Modules that would read or compile at every start
 * are replaced by their results: texts, the schema's validator, the templates.
 */
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { rolldown, type Plugin } from 'rolldown';
import { SCHEMAS } from '../src/core/package-validator.ts';
import { AJV_OPTIONS } from '../src/core/validate.ts';
import { precompile } from '../src/render/precompile.ts';
import { ROOT } from './process.ts';

const PROGRAM = { input: 'src/commands/main.ts', name: 'mcpk' };

/** Writes FOLDER/NAME.cjs and its source map. */
export async function bundle(
  folder: string,
  { input, name }: { input: string; name: string } = PROGRAM,
): Promise<void> {
  const build = await rolldown({
    input: join(ROOT, input),
    cwd: ROOT,
    platform: 'node',
    // ssh2's native code is used where an installation built it; oclif wants the other only for plugins in TypeScript.
    external: [NATIVE, 'typescript'],
    resolve: { alias: { handlebars: 'handlebars/runtime.js' } },
    plugins: [ahead(), lazy()],
    // Otherwise V8 compiles the modules that a command does not need as well, and its cache is twice as large.
    optimization: { pifeForModuleWrappers: false },
    checks: { pluginTimings: false },
    logLevel: 'warn',
  });
  const { output } = await build.write({
    file: join(folder, `${name}.cjs`),
    format: 'cjs',
    // V8's code cache and import() do not go together without a warning of Node.
    dynamicImportInCjs: false,
    codeSplitting: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
    comments: false,
    // A byte a character: bin/code-cache.js reads it as that, which is faster, and V8 keeps it in half the memory.
    charset: 'ascii',
    // Names stay: they are what a stack trace tells.
    minify: { compress: false, mangle: false, codegen: true },
  });
  await build.close();
  if (/[^\0-\x7f]/.test(output[0].code)) throw new Error('the bundle is not all ASCII: see bin/code-cache.js');
}

const NATIVE = 'ssh2/lib/protocol/crypto/build/Release/sshcrypto.node';

/** Modules made here, by the path of the one that each replaces. */
const AHEAD: Readonly<Record<string, () => Promise<string>>> = {
  'src/core/package-files.ts': packageFiles,
  'src/core/package-validator.ts': packageValidator,
  'src/render/specs.ts': packageSpecs,
};

/**
 * Parts of packages that only cost time: they order ciphers, which mcpk names itself, tunnel HTTP (18 ms for TLS), and
 * find out whether this Linux is Windows' own.
 */
const UNUSED = ['cpu-features/', 'ssh2/lib/http-agents.js', 'wsl-utils/'];

function ahead(): Plugin {
  const made = new Map(Object.entries(AHEAD).map(([path, make]) => [join(ROOT, path), make]));
  return {
    name: 'mcpk-ahead',
    async load(id) {
      const make = made.get(id);
      if (make !== undefined) return { code: await make(), moduleType: 'js' };
      return UNUSED.some((path) => id.includes(`/node_modules/${path}`)) ? 'module.exports = {};' : rewritten(id);
    },
    resolveId(source) {
      return source.endsWith('/sshcrypto.node') ? { id: NATIVE, external: true } : undefined;
    },
  };
}

/** A line of a package that only costs time, by the end of its file's path, and what stands in its place. */
const REWRITTEN: readonly { file: string; line: string; by: string }[] = [
  // By the rules of a language, for which ICU's tables are loaded, a dozen command names are sorted in 10 ms.
  {
    file: '/@oclif/core/lib/config/plugin.js',
    line: 'a.id.localeCompare(b.id)',
    by: '(a.id < b.id ? -1 : 1)',
  },
  // ssh2 makes a cipher for each packet. Node 24 takes 6 us for that with a key object, and 38 with a key's bytes.
  ...['this._encKey = enc.cipherKey;', 'this._decipherKey = dec.decipherKey;'].map((line) => ({
    file: '/ssh2/lib/protocol/crypto.js',
    line,
    by: line.replace(/= (.*);/, "= require('crypto').createSecretKey($1);"),
  })),
];

/** Undefined where nothing of the module is rewritten. */
async function rewritten(id: string): Promise<string | undefined> {
  const rewrites = REWRITTEN.filter(({ file }) => id.endsWith(file));
  if (rewrites.length === 0) return undefined;
  return rewrites.reduce(
    (code, { file, line, by }) => {
      if (code.split(line).length !== 2)
        throw new Error(`${file} is written in another way now: see scripts/bundle.ts`);
      return code.replace(line, by);
    },
    await readFile(id, 'utf8'),
  );
}

async function packageFiles(): Promise<string> {
  const paths = ['schema/cluster.v1.schema.json', ...(await found('src/**/*.{sh,pl}'))];
  const texts = await Promise.all(paths.map(async (path) => [path, await readFile(join(ROOT, path), 'utf8')] as const));
  return `
    import { dirname } from 'node:path';
    const TEXTS = ${JSON.stringify(Object.fromEntries(texts))};
    export const PACKAGE_ROOT = dirname(__dirname);
    export const packageText = (path) => TEXTS[path];`;
}

async function packageValidator(): Promise<string> {
  const ajv = new Ajv({ ...AJV_OPTIONS, code: { source: true, esm: true } });
  for (const [name, path] of Object.entries(SCHEMAS))
    ajv.addSchema(JSON.parse(await readFile(join(ROOT, path), 'utf8')) as object, name);
  const names = Object.fromEntries(Object.keys(SCHEMAS).map((name) => [name, name]));
  return `
    import { validatorOf } from './validate.ts';
    ${standaloneCode.default(ajv, names)}
    const checks = { ${Object.keys(names).join(', ')} };
    export const packageValidator = async (name) => validatorOf(checks[name]);`;
}

async function packageSpecs(): Promise<string> {
  const folder = join(ROOT, 'templates');
  const specs = (await found('templates/**/*.hbs')).map((path) => {
    const name = path.slice('templates/'.length, -'.hbs'.length);
    return `${JSON.stringify(name)}: ${precompile(join(folder, `${name}.hbs`))}`;
  });
  return `
    const SPECS = {${specs.join(',\n')}};
    export const packageSpecs = (template) => SPECS[template];`;
}

/** Of Node itself: each costs 1 to 9 ms to load, and no start needs all of them. */
const LAZY =
  /^(?:node:)?(child_process|crypto|net|perf_hooks|readline(?:\/promises)?|stream\/promises|timers\/promises)$/;
const LAZY_ID = '\0lazy:';

/** The bundle would load whatever part of Node it names when it starts; these load when something of them is used. */
function lazy(): Plugin {
  return {
    name: 'mcpk-lazy',
    resolveId(source) {
      const name = LAZY.exec(source)?.[1];
      return name === undefined ? undefined : `${LAZY_ID}${name}`;
    },
    load(id) {
      if (!id.startsWith(LAZY_ID)) return undefined;
      // As a prototype, so that what wraps the module for `import` passes all names on.
      return `
        let loaded;
        const get = (_, name) =>
          name === '__esModule' ? undefined : (loaded ??= process.getBuiltinModule('${id.slice(LAZY_ID.length)}'))[name];
        module.exports = Object.create(new Proxy({}, { get }));`;
    },
  };
}

/** In one order on every machine, so that a build can be repeated. */
async function found(pattern: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of glob(pattern, { cwd: ROOT })) paths.push(path);
  return paths.sort();
}
