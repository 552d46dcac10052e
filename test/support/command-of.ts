import { COMMANDS } from '../../src/commands/main.ts';

/** The command that these words call, as it is listed: `etcd:status`. */
export function commandOf(words: readonly string[]): string | undefined {
  const ids = [words.slice(0, 2).join(':'), words[0] ?? ''];
  return ids.find((id) => Object.hasOwn(COMMANDS, id));
}
