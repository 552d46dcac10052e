import { userInfo } from 'node:os';
import { globMatches } from '../core/glob.ts';
import { ConfigMistake } from './ssh-config-lines.ts';
import type { Block } from './ssh-config-lines.ts';
import { CONDITIONS } from './ssh-config-words.ts';

/** What blocks ask about, as far as the lines before have told. */
export interface Asked {
  /** As the inventory, or a ProxyJump, writes it. */
  readonly host: string;
  /** What HostName has made of it. */
  readonly hostName: string;
  readonly user: string;
}

type Condition = (typeof CONDITIONS)[number];

/** Whether the lines below `Host …` or `Match …` count. Throws {@link ConfigMistake} for a condition that is not heeded. */
export function holds(block: Block, asked: Asked): boolean {
  if (block.words.length === 0) throw new ConfigMistake(block, `${block.kind}: a value is missing`);
  if (block.kind === 'host') return oneOf(block.words, asked.host);
  const words = [...block.words];
  let all = true;
  // To the last one, though the first has decided: what can't be known is refused wherever it stands.
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const negated = word.startsWith('!');
    const condition = conditionOf(block, negated ? word.slice(1) : word);
    const is = condition === 'all' || oneOf((words.shift() ?? '').split(','), valueOf(condition, asked));
    all &&= is !== negated;
  }
  return all;
}

function conditionOf(block: Block, word: string): Condition {
  const name = word.toLowerCase();
  const known = CONDITIONS.find((condition) => condition === name);
  if (known !== undefined) return known;
  throw new ConfigMistake(
    block,
    name === 'exec'
      ? 'Match exec is refused: it runs a command that the file names, so mcpk can neither run it nor know what counts. Write Host, or Match host'
      : `Match knows ${CONDITIONS.join(', ')} here, nothing else`,
  );
}

function valueOf(condition: Exclude<Condition, 'all'>, { host, hostName, user }: Asked): string {
  return { host: hostName, originalhost: host, user, localuser: userInfo().username }[condition];
}

/** A negated pattern wins over every other one. */
function oneOf(patterns: readonly string[], value: string): boolean {
  const text = value.toLowerCase();
  const found = (negated: boolean): boolean =>
    patterns.some(
      (pattern) =>
        pattern.startsWith('!') === negated && globMatches((negated ? pattern.slice(1) : pattern).toLowerCase(), text),
    );
  return !found(true) && found(false);
}
