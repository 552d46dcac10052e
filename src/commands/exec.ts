import { Args } from '@oclif/core';
import type { Answer } from '../cluster/gate.ts';
import { EXIT_CODES, McpkError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import { cleanUpTo, paint, padEnd } from '../report/theme.ts';
import { BaseCommand } from './shared/base-command.ts';
import type { Ending } from './shared/exit-codes.ts';
import { engineInput } from './shared/engine-input.ts';
import { hostFlags } from './shared/flags.ts';

export default class Exec extends BaseCommand<typeof Exec> {
  static override readonly summary = 'Run one command on hosts, as root.';
  static override readonly description =
    'The words after -- are run as they are, without a shell. Exit 15 when the command fails on any host; where a host is not reached it runs on the others, and the exit code is 11.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> --limit role:master -- systemctl is-active etcd',
    "<%= config.bin %> <%= command.id %> -- sh -c 'uptime; free -m'",
  ];
  static override readonly usage = '<%= command.id %> [FLAGS] -- COMMAND...';
  static override readonly strict = false;
  static override readonly args = {
    command: Args.string({ description: 'Program and its arguments, after --.', required: true }),
  };
  static readonly endings: readonly Ending[] = ['stage'];
  static override readonly flags = { ...hostFlags };

  protected override readonly afterwards =
    'It may have run on some of the hosts, wholly or in part: look there before you run it again.';

  async run(): Promise<{ answers: Answer[]; errors: McpkError[] }> {
    const argv = this.argv.slice(this.argv.indexOf('--') + 1);
    if (!this.argv.includes('--') || argv.length === 0)
      throw new McpkError('usage', 'the command stands after --', { hint: 'mcpk exec --limit m1 -- uptime' });
    const before = this.words.slice(0, -argv.length);
    if (before.length > 0) throw wordsBefore(before, argv, this.flags.limit);
    if (argv[0] === '' || argv.some((word) => word.includes('\0')))
      throw new McpkError('usage', 'the command has no name, or a NUL character in it: no program can be given that', {
        hint: 'mcpk exec --limit m1 -- uptime',
      });
    const cluster = await this.loadCluster();
    const { execOnHosts } = await import('../engine/runs/reading.ts');
    const view = await this.view();
    const input = await engineInput(cluster, this.flags, this.caller(view.emit), { artifacts: false });
    const { told: answers, errors } = await execOnHosts(input, argv).finally(() => view.end());
    const width = Math.max(0, ...answers.map((answer) => answer.host.length));
    let turn = await nextTurn();
    for (const answer of answers) {
      const host = paint(this.theme, 'cyan', padEnd(answer.host, width));
      for (const line of said(answer)) {
        this.print(`${host}  ${cleanUpTo(LONGEST_LINE, line)}\n`);
        if (Date.now() >= turn) turn = await nextTurn();
      }
    }
    const hint = hintForShell(argv);
    if (hint !== undefined && answers.some((answer) => answer.exitCode === NOT_FOUND)) this.note(`  hint  ${hint}\n`);
    if (answers.some((answer) => answer.exitCode !== 0)) process.exitCode = EXIT_CODES.stage[0];
    this.endWithout(errors);
    return { answers, errors };
  }
}

/** Left out of sight they would be hosts that were meant, and the command run on all. */
function wordsBefore(words: readonly string[], argv: readonly string[], limit: string | undefined): McpkError {
  const all = [...(limit === undefined ? [] : [limit]), ...words];
  const expression = all.join(all.some((word) => /^(and|or|not)$/.test(word)) ? ' ' : ' or ');
  const stand = words.length === 1 ? 'stands' : 'stand';
  return new McpkError('usage', `${words.join(' ')} ${stand} before --, where no words are: --limit names hosts`, {
    hint: quote(['mcpk', 'exec', '--limit', expression, '--', ...argv]),
  });
}

/** Of a program that is not there. */
const NOT_FOUND = 127;

/** Of a line for a shell that was given as one word: it was taken for the name of a program. */
function hintForShell(argv: readonly string[]): string | undefined {
  const [line = ''] = argv;
  if (argv.length > 1 || !/[\s;&|<>$`*?()]/.test(line)) return undefined;
  return `The words after -- are run without a shell. With one: mcpk exec -- ${quote(['sh', '-c', line])}`;
}

/** A command's own lines are shown whole but for what is no text. */
const LONGEST_LINE = 1024 * 1024;
const TURN_MS = 50;

/** Millions of lines must not keep Ctrl-C from being heard. */
async function nextTurn(): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve));
  return Date.now() + TURN_MS;
}

function* said(answer: Answer): Generator<string> {
  const text = `${answer.stdout}${answer.stderr}`.trimEnd();
  for (let from = 0; text !== '' && from <= text.length;) {
    const next = text.indexOf('\n', from);
    const end = next < 0 ? text.length : next;
    yield text.slice(from, end);
    from = end + 1;
  }
  if (answer.exitCode !== 0) yield `exit ${answer.exitCode}`;
}
