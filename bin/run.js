#!/usr/bin/env node
// Plain JavaScript that any Node can read: it must say which Node the rest needs.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `✖ mcpk needs Node 22.18 or newer; this is ${process.versions.node} (${process.execPath})\n` +
      '  hint  Take one from https://nodejs.org/en/download, in front of this one in PATH.\n',
  );
  process.exit(1);
}
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const command = /^[a-z][a-z-]*$/.exec(process.argv[2] ?? '')?.[0] ?? 'help';
// What arrives lies in buffers that V8 frees when its young generation is full: it stays as small as it begins.
if (command === 'artifacts') process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=1');
const { load } = await import('./code-cache.js');
const { exports: program, keep } = load(join(root, 'dist', 'mcpk.cjs'), command);
await program.main({ root });
// Not for every wrong word that somebody may type.
const words = new Set(['help', ...Object.keys(program.COMMANDS).map((id) => id.split(':')[0])]);
if (words.has(command)) keep();
// A connection that somebody forgot must not keep the command from ending.
setTimeout(() => process.exit(), 2000).unref();
