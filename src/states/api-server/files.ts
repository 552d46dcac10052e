import { dirname } from 'node:path';
import { PATHS, USERS } from '../../core/paths.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Resource } from '../../resources/types.ts';
import { directory, file, folderOf } from '../build.ts';

const FOLDER = PATHS.apiServerFiles;

/** `apiServer.files`, with the folders in which they lie. */
export function extraFiles({ apiServer }: Cluster): Resource[] {
  const owner = { owner: USERS.apiServer, group: USERS.apiServer };
  const files = apiServer.files.map(({ path, content, mode }) =>
    file(`${FOLDER}/${path}`, content, { mode, ...owner }),
  );
  const folders = new Set(files.flatMap(({ path }) => foldersAbove(path)));
  return [...[...folders].sort().map((path) => directory(path, folderOf(USERS.apiServer))), ...files];
}

/** Those of ours: from {@link FOLDER} down. */
function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  return folder === PATHS.apiServer ? [] : [...foldersAbove(folder), folder];
}
