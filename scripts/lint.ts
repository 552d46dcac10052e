/** `npm run lint`: everything that reads the code without running it, except the types. */
import { LINT, perform } from './checks.ts';
import { ensureShellcheck } from './debian.ts';

await ensureShellcheck();
let failed = 0;
for (const check of LINT) if (!(await perform(check))) failed += 1;
process.exitCode = failed === 0 ? 0 : 1;
