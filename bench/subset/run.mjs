// As bin/run.js: the bundle with V8's code cache.
import { join } from 'node:path';
import { load } from '../../bin/code-cache.js';

const { exports: program, keep } = load(join(import.meta.dirname, '../../.cache/bench/subset/subset.cjs'), 'subset');
await program.main(process.argv.slice(2));
keep();
setTimeout(() => process.exit(), 2000).unref();
