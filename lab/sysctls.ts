import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = '/proc/sys';

/**
 * Settings that hosts can change for the whole machine: kubelet, kube-proxy, systemd-sysctl and mcpk's
 * own system stage write here. Settings of a network namespace die with it.
 */
const MACHINE_WIDE = ['vm', 'kernel', 'fs', 'net/core', 'net/netfilter', 'net/nf_conntrack_max', 'net/bridge'];

/** Counters and one-shot triggers: they change by themselves, or writing them does something. */
const VOLATILE =
  /^(kernel\/(random|ns_last_pid|pty|tainted|sem_next_id|msg_next_id|shm_next_id|seccomp|cap_last_cap)|fs\/(.*-nr|.*-state|binfmt_misc|aio-nr|mqueue|quota)|vm\/(compact_memory|drop_caches|stat_refresh)|net\/netfilter\/nf_conntrack_count)/;

/** Hosts share the machine's inotify limits; five systemds and kubelets need more than its default. */
const NEEDED: Readonly<Record<string, number>> = {
  'fs/inotify/max_user_instances': 8192,
  'fs/inotify/max_user_watches': 524288,
};

type Settings = Record<string, string>;

/** Remembers the machine's settings, unless an earlier `up` did, and raises what five hosts need. */
export async function saveSysctls(file: string): Promise<void> {
  const settings: Settings = {};
  for (const top of MACHINE_WIDE) collect(top, settings);
  // `wx`: the first `up` saw the machine as it was; a later one sees what the hosts made of it.
  await writeFile(file, JSON.stringify(settings), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  for (const [name, least] of Object.entries(NEEDED)) {
    if (Number(settings[name] ?? least) < least) writeFileSync(join(ROOT, name), String(least));
  }
}

/** Puts back what differs, and gives the names of the settings that were put back. */
export async function restoreSysctls(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const restored: string[] = [];
  for (const [name, value] of Object.entries(JSON.parse(text) as Settings)) {
    if (read(name) !== value && write(name, value)) restored.push(name.replaceAll('/', '.'));
  }
  await rm(file, { force: true });
  return restored;
}

function collect(path: string, into: Settings): void {
  if (VOLATILE.test(path)) return;
  let entries;
  try {
    entries = readdirSync(join(ROOT, path), { withFileTypes: true });
  } catch {
    const value = read(path);
    if (value !== undefined) into[path] = value;
    return;
  }
  for (const entry of entries) collect(`${path}/${entry.name}`, into);
}

function read(name: string): string | undefined {
  try {
    return readFileSync(join(ROOT, name), 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

function write(name: string, value: string): boolean {
  try {
    writeFileSync(join(ROOT, name), value);
    return read(name) === value;
  } catch {
    return false;
  }
}
