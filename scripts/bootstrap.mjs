#!/usr/bin/env node
// Plain JavaScript for Node 20: brings what the project's own tools need, then goes on with the
// Node of node_modules. `npm ci` on a fresh clone is all that it changes.
//
//   node scripts/bootstrap.mjs FILE.ts [ARGS…]   runs a file of this clone
//   node scripts/bootstrap.mjs TOOL [ARGS…]      runs a tool of node_modules/.bin
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const LEAST = [22, 18];

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Optional packages may be absent (other platforms), and the hidden lock has no root entry. */
function isInstalled() {
  const wanted = readLock('package-lock.json') ?? {};
  const present = readLock('node_modules/.package-lock.json');
  if (!present) return false;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version,
  );
}

function install() {
  process.stderr.write('Installing the npm packages of package-lock.json …\n');
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm ? [process.execPath, npm] : ['npm'];
  const { status } = spawnSync(command, [...first, 'ci', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    process.stderr.write('✖ npm ci failed: nothing else was tried. Its own message is above.\n');
    process.exit(1);
  }
}

/** The project's own Node, or the running one where it has no build for this platform. */
function findNode() {
  const own = join(bin, 'node');
  if (existsSync(own) && spawnSync(own, ['-v']).status === 0) return own;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return process.execPath;
  process.stderr.write(
    `✖ This clone needs Node ${LEAST.join('.')} or newer; this is ${process.versions.node}, and node_modules/.bin/node does not run.\n` +
      '  Its install script may have been blocked: npm rebuild node\n',
  );
  process.exit(1);
}

/** The lab runs dist/ where it is there; one that is older than the sources would show yesterday's program. */
function removeStaleBuild() {
  const built = modified('oclif.manifest.json');
  if (built === undefined) return;
  const sources = ['src', 'templates', 'schema'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => modified(join(folder, name)) ?? 0),
  );
  if (Math.max(...sources) <= built) return;
  rmSync(join(root, 'oclif.manifest.json'), { force: true });
  rmSync(join(root, 'dist'), { recursive: true, force: true });
}

function modified(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs;
}

if (!isInstalled()) install();
const node = findNode();
const [what, ...args] = process.argv.slice(2);
if (what === undefined) process.exit(0);
if (what === 'lab/main.ts' && args[0] === 'exec') removeStaleBuild();
const file = /\.[mc]?[jt]s$/.test(what) ? join(root, what) : join(bin, what);
const child = spawn(node, [file, ...args], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, MCPK_CLONE: root },
});
// A terminal sends SIGINT to the whole group: the child decides what it means.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
