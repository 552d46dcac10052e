#!/usr/bin/env node
// Runs the sources as they are: Node strips the types. No build, no manifest, the same commands as bin/run.js.
import { fromSources } from '../scripts/from-sources.ts';
import { main } from '../src/commands/main.ts';

await main(fromSources());
