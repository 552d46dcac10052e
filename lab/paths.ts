import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = homedir();
const cacheHome = process.env['XDG_CACHE_HOME'] || join(home, '.cache');
const stateHome = process.env['XDG_STATE_HOME'] || join(home, '.local', 'state');

/** The clone that this lab belongs to. */
export const CLONE = dirname(dirname(fileURLToPath(import.meta.url)));

/** What can be made again but costs time: images, binaries, packages. Survives `down`. */
export const CACHE = join(cacheHome, 'mcpk');
export const ARTIFACTS = join(CACHE, 'artifacts');

/** What one running lab consists of; `down` removes it. */
export const STATE = join(stateHome, 'mcpk-lab');

/** Labs that were saved, on the file system of the running one, which shares their layers. Survives `down`. */
const SAVED = join(stateHome, 'mcpk-lab-saved');
export const SAVED_LABS = join(SAVED, 'labs');
export const LAYERS = join(SAVED, 'layers');

/**
 * Folders of one running lab in the machine's memory, for what is written through to the disk at each step: etcd's three
 * databases share one disk here, which no masters do, and a moment in which it is slow would be a cluster that is down.
 * The machine's own tmpfs, which outlives a host's power loss as a disk does.
 */
export const MEMORY = '/dev/shm/mcpk-lab';

const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The processor as Debian, Go and Kubernetes call it. */
export const ARCH = ARCHITECTURES[process.arch] ?? process.arch;

export function artifactDirectory(component: string, version: string): string {
  return join(ARTIFACTS, component, version, `linux-${ARCH}`);
}
