/** Pages of docs/, and parts of pages, that are made from the sources; `npm run generate` writes them. */
import { COMMANDS } from '../src/commands/main.ts';
import { ANY_END, type Ending } from '../src/commands/shared/exit-codes.ts';
import { EXIT_CODES } from '../src/core/errors.ts';

/** How a command says that it may end. */
export function endingsOf(id: string): readonly Ending[] {
  return (COMMANDS[id] as { endings?: readonly Ending[] } | undefined)?.endings ?? ANY_END;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Commands of which something is so, or, where that is shorter, those of which it is not. */
function commandNames(ids: readonly string[], isSo: (id: string) => boolean): string {
  const { so = [], others = [] } = Object.groupBy(ids, (id) => (isSo(id) ? 'so' : 'others'));
  const names = (all: readonly string[]): string => all.map((id) => `\`${id.replaceAll(':', ' ')}\``).join(', ');
  if (others.length === 0) return 'all';
  return others.length < so.length ? `all but ${names(others)}` : names(so);
}

/** docs/exit-codes.md */
export function exitCodesPage(): string {
  const ids = Object.keys(COMMANDS);
  const rows = Object.entries(EXIT_CODES).map(([name, [code, meaning]]) => {
    return [String(code), meaning, commandNames(ids, (id) => endingsOf(id).includes(name as Ending))];
  });
  return `# Exit codes

Made from [errors.ts](../src/core/errors.ts) by \`npm run generate\`; \`mcpk --help\` has the same table, \`mcpk COMMAND --help\` the codes of one command.

${table(['code', 'what it says', 'commands'], rows)}

Where several hosts fail, the first failure decides, and \`--json\` lists all of them in \`errors\`, each with its own \`exitCode\`. In a script, \`plan\` tells by 0 and 2 whether there is anything to do; 11, 13 and 17 may be gone when the same command is run again, 10, 18 and 64 stay until something is changed.
`;
}
