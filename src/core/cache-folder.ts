import { join } from 'node:path';

/** Where binaries lie unless `artifacts.directory` names another place. */
export function defaultArtifactsFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const cache = env['XDG_CACHE_HOME'];
  // The XDG specification: a relative path there is to be ignored.
  return join(cache?.startsWith('/') === true ? cache : join(home, '.cache'), 'mcpk', 'artifacts');
}
