import { statSync } from 'node:fs';

/**
 * What `read` makes of a file, made anew only when it is another file, or was written to, since the last time: of
 * hundreds of hosts each asks for the same few files. A pipe is read each time. Throws what `read` throws.
 */
export function untilChanged<T>(read: (path: string) => T): (path: string) => T {
  const known = new Map<string, { mark: string; value: T }>();
  return (path) => {
    const mark = markOf(path);
    if (mark === undefined) return read(path);
    const last = known.get(path);
    if (last?.mark === mark) return last.value;
    // The mark is from before: what is written meanwhile is read the next time.
    const value = read(path);
    known.set(path, { mark, value });
    return value;
  };
}

function markOf(path: string): string | undefined {
  try {
    const about = statSync(path, { bigint: true });
    return about.isFile() ? [about.dev, about.ino, about.size, about.mtimeNs, about.ctimeNs].join(' ') : undefined;
  } catch {
    return undefined;
  }
}
