#!/usr/bin/env node
// Runs the sources as they are: Node strips the types. No build, no manifest, the same commands as bin/run.js.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execute } from '@oclif/core';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pjson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const toSources = (text) => text.replaceAll('./dist/', './src/').replaceAll('.js"', '.ts"');
pjson.oclif = JSON.parse(toSources(JSON.stringify(pjson.oclif)));
await execute({ dir: import.meta.url, loadOptions: { root, pjson, ignoreManifest: true } });
