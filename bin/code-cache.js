// Loads a CommonJS file with V8's code cache: what an earlier run compiled is not compiled again. Node's own
// module.enableCompileCache() keeps only what is compiled while a module loads, not the functions that the run
// then called.
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Module, createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/**
 * `{exports, keep}`. `keep()` writes the cache when there was none that fits: best called when the work is done,
 * as each command compiles functions of its own. A cache that can be neither read nor written is none.
 */
export function load(file, name) {
  const caches = openCaches(file);
  const cachedData = caches.read(name);
  // latin1: it is all ASCII, and that is read without a look at each character.
  const script = new Script(Module.wrap(readFileSync(file, 'latin1')), { filename: file, cachedData });
  const fits = cachedData !== undefined && !script.cachedDataRejected;
  // Otherwise a long run forgets the code of its start, and so would its cache.
  if (!fits) setFlag('--no-flush-bytecode');
  const require = createRequire(file);
  // The bundle has require() for import(), which oclif calls with URLs.
  const requireUrl = (id) => require(id.startsWith('file:') ? fileURLToPath(id) : id);
  const module = new Module(file);
  module.filename = file;
  // Whoever requires the file from now on, as oclif does for commands, gets this one.
  require.cache[file] = module;
  script.runInThisContext()(module.exports, Object.assign(requireUrl, require), module, file, dirname(file));
  module.loaded = true;
  return {
    exports: module.exports,
    keep() {
      if (fits) return;
      // The flags are part of what a cache must fit to.
      setFlag('--flush-bytecode');
      caches.write(name, script.createCachedData());
    },
  };
}

/** Loaded only here: every start would pay for it. */
function setFlag(flag) {
  process.getBuiltinModule('node:v8').setFlagsFromString(flag);
}

/** In a folder of the user's own, one for each installation, one file a name. */
function openCaches(bundle) {
  const all = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mcpk', 'code');
  const folder = join(all, dirname(bundle).replaceAll(sep, '%'));
  // Nobody can set a ctime, so another build has another name. V8 checks its own version and flags besides.
  const { ctimeMs, ino } = statSync(bundle);
  const fileOf = (name) => join(folder, `${name}.${process.version}-${process.arch}-${ino}-${ctimeMs}`);
  return {
    read: (name) => attempt(() => (isOwn(folder) ? readFileSync(fileOf(name)) : undefined)),
    write: (name, data) =>
      attempt(() => {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        if (!isOwn(folder)) return;
        const file = fileOf(name);
        writeFileSync(`${file}.${process.pid}`, data, { mode: 0o600 });
        renameSync(`${file}.${process.pid}`, file);
        const earlier = readdirSync(folder).filter((other) => other.startsWith(`${name}.`) && other !== basename(file));
        for (const other of earlier) rmSync(join(folder, other), { force: true });
      }),
  };
}

/** Cached code is run: nobody else may have written it. */
function isOwn(folder) {
  const { uid, mode } = statSync(folder);
  return uid === process.getuid?.() && (mode & 0o022) === 0;
}

function attempt(work) {
  try {
    return work();
  } catch {
    return undefined;
  }
}
