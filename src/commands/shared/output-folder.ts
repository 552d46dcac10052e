import { lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { McpkError } from '../../core/errors.ts';
import type { RenderedFile } from './rendered-files.ts';

/** Marks a folder as one that a later run may empty. */
const MARK = '.mcpk-render';

/** Writes files into a folder of their own; what an earlier run left there goes. Refuses a folder that holds other things. */
export async function writeInto(folder: string, files: readonly RenderedFile[]): Promise<void> {
  await write(folder, files).catch((cause: unknown) => {
    if (cause instanceof McpkError) throw cause;
    throw new McpkError(
      'usage',
      `${folder} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        hint: 'Name an empty folder, or one that mcpk render wrote before.',
      },
    );
  });
}

async function write(folder: string, files: readonly RenderedFile[]): Promise<void> {
  const root = resolve(folder);
  if ((await lstat(root).catch(() => undefined))?.isSymbolicLink() === true)
    throw new McpkError('usage', `${folder} is a link: nothing is emptied or written where it leads`, {
      hint: 'Name the folder itself.',
    });
  const present = await readdir(root).catch((): string[] => []);
  if (present.length > 0 && !present.includes(MARK)) {
    throw new McpkError('usage', `${folder} holds other things`, {
      hint: 'Name an empty folder, or one that mcpk render wrote before.',
    });
  }
  await Promise.all(present.map((name) => rm(join(root, name), { recursive: true, force: true })));
  await mkdir(root, { recursive: true });
  await writeFile(join(root, MARK), '');
  for (const { path, text } of files) {
    const target = resolve(root, path);
    if (!target.startsWith(root + sep)) throw new McpkError('invalid', `${path} leads out of ${folder}`);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
  }
}
