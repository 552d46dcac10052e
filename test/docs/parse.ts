import { Flags, Parser, type Command } from '@oclif/core';
import { COMMANDS } from '../../src/commands/main.ts';
import { BaseCommand } from '../../src/commands/shared/base-command.ts';
import { parseExpression } from '../../src/inventory/expression.ts';
import { STAGES } from '../../src/states/index.ts';
import { commandOf } from '../support/command-of.ts';

interface Parsed {
  id: string;
  flags: Record<string, unknown>;
}

/** A command as mcpk reads it. Throws what mcpk would say. */
export async function parse(words: readonly string[]): Promise<Parsed> {
  const id = commandOf(words);
  if (id === undefined) throw new Error(`mcpk has no command ${String(words[0])}`);
  const command = COMMANDS[id] as Command.Class;
  const given = words.slice(id.split(':').length);
  const { flags } = await Parser.parse([...given], {
    flags: { ...BaseCommand.baseFlags, ...command.flags, json: Flags.boolean(), help: Flags.boolean() },
    args: command.args ?? {},
    strict: command.strict !== false,
    '--': true,
  });
  const { limit, only = [], skip = [] } = flags as { limit?: string; only?: string[]; skip?: string[] };
  if (limit !== undefined) parseExpression(limit);
  const stages = STAGES.map(({ name }) => name);
  const wrong = [...only, ...skip].find((name) => !stages.includes(name) && name !== name.toUpperCase());
  if (wrong !== undefined) throw new Error(`there is no stage ${wrong}`);
  return { id, flags };
}
