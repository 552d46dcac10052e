import { hash } from 'node:crypto';

import { Secret } from '../core/secret.ts';
import type { PathState } from './types.ts';

/** sha256 in hex: how contents are identified everywhere. */
export function sha256(content: string | Secret): string {
  return hash('sha256', content instanceof Secret ? content.reveal() : content);
}

/** 16 bits of what may hold a password: enough to see that it changed, too few to guess it from. */
export function weakHash(content: string): string {
  return sha256(content).slice(0, 4);
}

/** Identity of what is laid down as several files, over lines `PATH SHA256`; the engine makes the same from what it writes. */
export function identityOfFiles(hashes: ReadonlyMap<string, string>): string {
  return sha256(
    [...hashes]
      .map(([path, hash]) => `${path} ${hash}`)
      .sort()
      .join('\n'),
  );
}

/** What a change rests on: any observed value, as it was seen. Times are left out: a touch is no difference. */
export function rests(observed: unknown): string {
  return sha256(JSON.stringify(observed ?? null, (key, value: unknown) => (key === 'ctime' ? undefined : value)));
}

/** Differences of type, mode, owner and group, one line each; `type` is what a resource wants there. */
export function differences(
  seen: PathState,
  wanted: { type: PathState['type']; mode?: string; owner?: string; group?: string },
): string[] {
  if (seen.type !== wanted.type) return [`a ${seen.type} is there, not a ${wanted.type}`];
  const parts = (['mode', 'owner', 'group'] as const).map((part) => [part, seen[part], wanted[part]] as const);
  return parts.flatMap(([part, now, then]) => (then === undefined || now === then ? [] : [`${part} ${now} → ${then}`]));
}

/** `/etc/etcd/pki` → `/etc/etcd`, `/etc`. */
export function parents(path: string): string[] {
  const steps = path.split('/').slice(1, -1);
  return steps.map((_, index) => `/${steps.slice(0, steps.length - index).join('/')}`);
}
