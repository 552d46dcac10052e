import type { Command, Config } from '@oclif/core';

/**
 * What may be typed for a value: a file, one of these words, several of them with commas between, what the inventory
 * has (`mcpk complete` tells), or anything.
 */
export type Values = 'file' | 'any' | { one: readonly string[] } | { list: readonly string[] } | { ask: Asked };

/** What of an inventory is asked for while somebody types: one host, or what a `--limit` is made of. */
export type Asked = 'host' | 'limit';

export interface CompletedFlag {
  name: string;
  char?: string;
  summary: string;
  /** Absent: it takes none. */
  value?: Values;
}

export interface CompletedCommand {
  /** `['host-key', 'pin']` */
  words: readonly string[];
  summary: string;
  flags: CompletedFlag[];
  /** Of what stands behind it; absent: nothing does. */
  value?: Values;
}

/** What a shell may offer, of the commands themselves. */
export interface Completion {
  bin: string;
  commands: CompletedCommand[];
  /** Words that lead to commands of two words, with what they are about. */
  topics: { name: string; summary: string }[];
}

/** Of commands that show themselves. `known`: what may be typed where help says STAGES or SETTING. */
export function completionOf(config: Config, known: Readonly<Record<string, Values>>): Completion {
  const shown = config.commands.filter((command) => !command.hidden).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const commands = shown.map((command) => completed(command, known));
  const first = new Set(commands.flatMap(({ words }) => (words.length > 1 ? [words[0] ?? ''] : [])));
  const summaryOf = (name: string): string => config.topics.find((topic) => topic.name === name)?.description ?? '';
  const topics = [...first].map((name) => ({ name, summary: summaryOf(name) }));
  return { bin: config.bin, commands: [...commands, ...topics.map((topic) => helpOf(topic, commands))], topics };
}

/** `help node` goes on with what `node` does. */
function helpOf(topic: { name: string; summary: string }, commands: readonly CompletedCommand[]): CompletedCommand {
  const below = commands.flatMap(({ words: [first, second] }) =>
    first === topic.name && second !== undefined ? [second] : [],
  );
  return { words: ['help', topic.name], summary: topic.summary, flags: [], value: { one: below } };
}

function completed(command: Command.Loadable, known: Readonly<Record<string, Values>>): CompletedCommand {
  const arg = Object.values(command.args)[0];
  const value =
    arg === undefined ? undefined : arg.options ? { one: arg.options } : (known[arg.name.toUpperCase()] ?? 'any');
  const help: CompletedFlag = { name: 'help', char: 'h', summary: 'Show what it takes.' };
  return {
    words: command.id.split(':'),
    summary: firstLine(command.summary ?? ''),
    flags: [...Object.values(command.flags).map((flag) => completedFlag(flag, known)), help],
    ...(value === undefined ? {} : { value }),
  };
}

function completedFlag(flag: Command.Flag.Cached, known: Readonly<Record<string, Values>>): CompletedFlag {
  const values = (): Values => (flag.type === 'option' ? (known[String(flag.helpValue)] ?? 'any') : 'any');
  return {
    name: flag.name,
    ...(flag.char === undefined ? {} : { char: flag.char }),
    summary: firstLine(flag.summary ?? flag.description ?? ''),
    ...(flag.type === 'option' ? { value: values() } : {}),
  };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
