import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { capture, run } from './run.ts';

/** Mount points as the kernel lists them, newest last, with its escapes for blanks undone. */
function mountPoints(): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1])
    .filter((point) => point !== undefined)
    .map((point) => point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))));
}

export function isMounted(path: string): boolean {
  return mountPoints().includes(path);
}

export async function unmount(path: string): Promise<void> {
  if (!isMounted(path)) return;
  // Something on the machine may still look into the folder: let the mount go as soon as it does not.
  if ((await capture(['umount', path])).code !== 0) await run(['umount', '-l', path]);
}

/** Removes a folder in which an interrupted program may have left mounts: they are never walked into. */
export async function removeFolder(path: string): Promise<void> {
  const below = mountPoints().filter((point) => point === path || point.startsWith(`${path}/`));
  for (const point of below.reverse()) await unmount(point);
  await rm(path, { recursive: true, force: true });
}
