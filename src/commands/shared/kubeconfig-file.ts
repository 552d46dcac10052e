import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { McpkError } from '../../core/errors.ts';
import { checkPlace, unwritable, writePrivate } from '../../core/private-file.ts';
import type { KubeconfigSettings } from '../../render/kubeconfig.ts';
import { mergeKubeconfig, parseKubeconfig, UnfitKubeconfig } from '../../render/merge-kubeconfig.ts';

/**
 * The file that kubectl writes to: the first of KUBECONFIG that is there, the last of them where none is, and
 * ~/.kube/config without KUBECONFIG.
 */
export async function kubectlsFile(env: NodeJS.ProcessEnv, home: string): Promise<string> {
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  for (const file of listed) if (await stat(file).then(Boolean, () => false)) return file;
  return listed.at(-1) ?? join(home, '.kube', 'config');
}

/** Before hosts are asked: makes the folder, as kubectl does, and reads what is to be kept. Throws `usage`. */
export async function checkMerge(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw unwritable(file, cause);
  });
  await checkPlace(file);
  await change(file, parseKubeconfig);
}

/** Adds a cluster to a kubeconfig: all of it or nothing, and never beside a kubectl that writes to it. Throws `usage`. */
export async function mergeInto(file: string, settings: KubeconfigSettings): Promise<void> {
  // Made and looked for by kubectl as well.
  const lock = `${file}.lock`;
  const held = await open(lock, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw unwritable(file, cause);
    throw new McpkError('usage', `${file} is being written by another program, or one ended without removing ${lock}`, {
      hint: 'Run it again; remove the lock where no kubectl runs.',
      cause,
    });
  });
  try {
    await writePrivate(file, await change(file, (text) => mergeKubeconfig(text, settings)));
  } finally {
    await held.close();
    await rm(lock, { force: true });
  }
}

/** What comes of the file's text, or why it is left alone. */
async function change<T>(file: string, by: (text: string) => T): Promise<T> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '';
    throw new McpkError('usage', `${file} cannot be read (${cause.code ?? ''})`, { cause });
  });
  try {
    return by(text);
  } catch (error) {
    if (!(error instanceof UnfitKubeconfig)) throw error;
    throw new McpkError('usage', `${file} ${error.message}`, {
      hint: 'It is left as it is. Mend it, or rename in it what is in the way; or name another file: --output FILE.',
    });
  }
}
