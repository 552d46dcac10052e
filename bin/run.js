#!/usr/bin/env node
// Plain JavaScript that any Node can read: it must say which Node the rest needs.
import { join } from 'node:path';
import { homedir } from 'node:os';
import module from 'node:module';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`mcpk needs Node 22.18 or newer; this is ${process.versions.node} (${process.execPath}).\n`);
  process.exit(1);
}
// Compiled code is kept for the next start, in a folder that only this user writes.
module.enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mcpk', 'node'));

const { execute } = await import('@oclif/core');
await execute({ dir: import.meta.url });
// A connection that somebody forgot must not keep the command from ending.
setTimeout(() => process.exit(), 2000).unref();
