import { Secret, secretly } from '../core/secret.ts';
import type { FreeText } from '../inventory/types.ts';
import { environmentFile } from '../render/formats.ts';
import type { FileResource } from '../resources/types.ts';
import { file, PRIVATE } from './build.ts';

export interface ServiceEnvironment {
  /** What the unit's template wants. */
  readonly data: { environment: Record<string, string>; hasEnvironment: boolean; environmentFile: string };
  /** What the unit reads beside itself; a change of it calls for a restart. */
  readonly files: FileResource[];
}

/**
 * Variables of a service. systemd tells every user of a host what `Environment=` says (over D-Bus, `systemctl show`), so
 * those that are secrets go into a file that only root may read, at `path`.
 */
export function serviceEnvironment(all: Readonly<Record<string, FreeText>>, path: string): ServiceEnvironment {
  const entries = Object.entries(all);
  const open = entries.flatMap(([name, value]) => (value instanceof Secret ? [] : [[name, value] as const]));
  const secret = entries.filter(([, value]) => value instanceof Secret);
  const data = { environment: Object.fromEntries(open), hasEnvironment: open.length > 0 };
  if (secret.length === 0) return { data: { ...data, environmentFile: '' }, files: [] };
  const text = secretly(Object.fromEntries(secret), environmentFile);
  return { data: { ...data, environmentFile: path }, files: [file(path, text, PRIVATE)] };
}
