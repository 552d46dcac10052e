import { open, readFile, rm, stat } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { McpkError } from '../../core/errors.ts';
import { makeFolders } from '../../core/make-folders.ts';
import { checkPlace, unwritable, writePrivate } from '../../core/private-file.ts';
import type { KubeconfigSettings } from '../../render/kubeconfig.ts';
import { lookInto, mergeKubeconfig, parseKubeconfig, UnfitKubeconfig } from '../../render/merge-kubeconfig.ts';

/** Files that kubectl reads as one: of what stands in several, the first counts. */
export interface KubeconfigFiles {
  /** Where kubectl writes what is in none of them. */
  readonly file: string;
  /** The others, in their order. */
  readonly others: readonly string[];
}

/**
 * kubectl writes to the first file of KUBECONFIG that is there, to the last of them where none is, and to
 * ~/.kube/config without KUBECONFIG.
 */
export async function kubectlsFiles(env: NodeJS.ProcessEnv, home: string): Promise<KubeconfigFiles> {
  const listed = [...new Set((env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== ''))];
  const there = await Promise.all(listed.map((file) => stat(file).then(Boolean, () => false)));
  const file = listed.find((_, index) => there[index]) ?? listed.at(-1) ?? join(home, '.kube', 'config');
  return { file, others: listed.filter((each) => each !== file) };
}

/** Before hosts are asked: makes the folder, as kubectl does, and reads what is to be kept. Throws `usage`. */
export async function checkMerge({ file, others }: KubeconfigFiles): Promise<void> {
  try {
    makeFolders(resolve(dirname(file)), 0o700);
  } catch (cause) {
    throw unwritable(file, cause);
  }
  await checkPlace(file);
  for (const each of [file, ...others]) await change(each, parseKubeconfig);
}

/**
 * Adds a cluster to the file that has its names already, else to kubectl's: all of it or nothing, and never beside a
 * kubectl that writes to it. Returns the file. Throws `usage`.
 */
export async function mergeInto({ file, others }: KubeconfigFiles, settings: KubeconfigSettings): Promise<string> {
  const looked = await Promise.all(
    [file, ...others].map(async (each) => ({ each, ...(await change(each, (text) => lookInto(text, settings))) })),
  );
  const [named, another] = looked.filter(({ isNamed }) => isNamed);
  if (named && another)
    throw new McpkError('usage', `${named.each} and ${another.each} both have entries of the name ${settings.name}`, {
      hint: 'kubectl takes the first of each name. Remove or rename them in one file; or name the file: --output FILE.',
    });
  const target = named?.each ?? file;
  const currentElsewhere = looked.some(({ each, hasCurrent }) => hasCurrent && each !== target);
  await locked(target, async () => {
    await writePrivate(target, await change(target, (text) => mergeKubeconfig(text, settings, currentElsewhere)));
  });
  return target;
}

async function locked(file: string, work: () => Promise<void>): Promise<void> {
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
    await work();
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
