/** `npm run generate`: everything in the repository that is made from something else. A test checks for drift. */
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from './process.ts';

let failed = 0;
for await (const path of glob('scripts/generate-*.ts', { cwd: ROOT })) {
  const { code } = await run([process.execPath, join(ROOT, path), ...process.argv.slice(2)], { inherit: true });
  if (code !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
