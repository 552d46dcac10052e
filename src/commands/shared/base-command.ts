import { stripVTControlCharacters } from 'node:util';
import { Command, Flags, Errors, type Interfaces } from '@oclif/core';
import { span } from '../../core/duration.ts';
import { EXIT_CODES, failure, FailureList, McpkError } from '../../core/errors.ts';
import { redact, redactError } from '../../core/redact.ts';
import type { Secret } from '../../core/secret.ts';
import type { Emit, Plan, RunResult } from '../../engine/types.ts';
import type { LoadOptions } from '../../inventory/load.ts';
import { nearest } from '../../inventory/nearest.ts';
import type { Cluster } from '../../inventory/types.ts';
import { LOG_FORMATS, logOf, type CiLog, type LogFormat } from '../../report/ci-log.ts';
import type { FetchView } from '../../report/fetch-view.ts';
import { renderError, renderErrors, type ErrorOptions } from '../../report/error-text.ts';
import type { Roster } from '../../report/fold.ts';
import { toJson } from '../../report/json.ts';
import { themeFor, type Theme } from '../../report/theme.ts';
import { createView, type View } from '../../report/view.ts';
import { annotationsOf } from './annotations.ts';
import type { InventoryFlags } from './cluster.ts';
import { copyable } from './copyable.ts';
import type { Caller } from './engine-input.ts';
import { failureJson, type FailureJson } from './failure-json.ts';
import { hidingIn } from './hiding.ts';
import type { Ended, RunReport } from './run-report.ts';
import { checkApart } from './written-files.ts';

type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<(typeof BaseCommand)['baseFlags'] & T['flags']>;
type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>;

/** What all commands share: flags, the signal that ends them, errors with their exit codes, where text goes. */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override readonly enableJsonFlag: boolean = true;
  static override readonly baseFlags = {
    verbose: Flags.boolean({
      char: 'v',
      summary: 'Say more: each state, each reason, whole files.',
      helpGroup: 'GLOBAL',
    }),
    'log-format': Flags.option({
      options: LOG_FORMATS,
      default: 'auto' as const,
      summary: "How progress and errors are written: lines (plain), with a CI's groups and annotations, or what fits.",
      helpGroup: 'GLOBAL',
    })(),
  };

  /** What to do after a run that was cut short. */
  protected readonly afterwards: string = 'Run the same command again to go on.';
  protected flags!: FlagsOf<T>;
  protected args!: ArgsOf<T>;
  /** All that is no flag, also where a command takes any number of words. */
  protected words: readonly string[] = [];
  readonly #abort = new AbortController();
  #cluster: Cluster | undefined;
  #ended: Ended | undefined;
  #inventory: InventoryFlags = {};
  #password: Secret | undefined;
  #report: RunReport | undefined;
  #roster: Roster | undefined;
  #timer: NodeJS.Timeout | undefined;
  #view: View | undefined;
  readonly #onSignal = (): void => this.interrupt();

  override async init(): Promise<void> {
    await super.init();
    const { flags, args, argv } = await this.parse({
      flags: this.ctor.flags,
      baseFlags: BaseCommand.baseFlags,
      enableJsonFlag: this.ctor.enableJsonFlag,
      args: ownWords(this.ctor.args),
      strict: this.ctor.strict,
    });
    this.flags = { ...switchedOff(this.ctor.flags), ...flags } as FlagsOf<T>;
    this.args = args as ArgsOf<T>;
    this.words = argv.map(String);
    checkApart(flags);
    const { timeout, junit } = flags as { timeout?: number; junit?: string };
    if (junit !== undefined) {
      const { junitReport } = await import('./run-report.ts');
      this.#report = await junitReport(junit, this.commandName);
    }
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
    if (timeout !== undefined)
      this.#timer = setTimeout(() => this.#abort.abort(timedOut(timeout, this.afterwards)), timeout).unref();
  }

  /** Aborted by the first Ctrl-C, by SIGTERM and by --timeout. */
  protected get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** As it is called: `etcd status`. */
  protected get commandName(): string {
    return (this.id ?? '').replaceAll(':', ' ');
  }

  /** Who calls the engine, and hears of what happens by `emit`. */
  protected caller(emit: Emit): Caller {
    return {
      command: this.commandName,
      version: this.config.version,
      signal: this.signal,
      fetchView: () => this.fetchView(),
      emit: this.#report?.hear(emit) ?? emit,
    };
  }

  /** The cluster that the flags name, or `over` them. What it hides is in nothing that is said from now on. */
  protected async loadCluster(
    over: InventoryFlags = {},
    options: Pick<LoadOptions, 'files' | 'rewrite'> = {},
  ): Promise<Cluster> {
    const { loadCluster, rosterOf } = await import('./cluster.ts');
    const { inventory, env, 'ask-become-pass': asks } = { ...(this.flags as InventoryFlags), ...over };
    this.#inventory = { inventory, env, 'ask-become-pass': asks };
    const cluster = await loadCluster(this.#inventory, options);
    this.#cluster = asks === true ? await this.withPassword(cluster) : cluster;
    this.#roster = rosterOf(this.#cluster);
    return this.#cluster;
  }

  /** Asked for once, however often the inventory is read. */
  private async withPassword(cluster: Cluster): Promise<Cluster> {
    const { askBecomePassword, withBecomePassword } = await import('./become-password.ts');
    this.#password ??= await askBecomePassword(this.signal);
    return withBecomePassword(cluster, this.#password);
  }

  /** Errors of a result, with hints whose commands can be copied. */
  protected told<R extends { errors: readonly Error[] }>(result: R): R {
    for (const error of result.errors) copyable(error, this.#inventory);
    return result;
  }

  /** Theme of the results on stdout. */
  protected get theme(): Theme {
    return themeFor(process.stdout, process.env);
  }

  protected progressTheme(): Theme {
    return themeFor(process.stderr, process.env);
  }

  /** `--log-format`; where the flags could not be read, what fits. */
  private get logFormat(): LogFormat {
    return (this.flags as { 'log-format'?: LogFormat } | undefined)?.['log-format'] ?? 'auto';
  }

  /** Of the CI system that shows what is written; on a terminal only where it is asked for. */
  private get ciLog(): CiLog | undefined {
    const format = this.logFormat;
    return format === 'auto' && process.stderr.isTTY ? undefined : logOf(format, process.env);
  }

  protected async view(): Promise<View> {
    this.#view = await createView({
      json: this.jsonEnabled(),
      log: this.ciLog,
      plain: this.logFormat === 'plain',
      verbose: this.flags['verbose'] === true,
      stream: process.stderr,
      theme: this.progressTheme(),
      roster: this.#roster,
    });
    return this.#view;
  }

  /** How far downloads are: of a run in the place of its own view. */
  protected async fetchView(): Promise<FetchView> {
    const { fetchView } = await import('../../report/fetch-view.ts');
    const live = process.stderr.isTTY && !this.jsonEnabled() && this.logFormat === 'auto';
    const note = (line: string): void => this.note(line);
    return fetchView({ stream: process.stderr, theme: this.progressTheme(), live, note, over: this.#view });
  }

  /** How much is said of several hosts, and in which words. */
  protected get telling(): { verbose: boolean; roster: Roster | undefined } {
    // Without flags when it is them that could not be read.
    const flags = this.flags as { verbose?: boolean } | undefined;
    return { verbose: flags?.verbose === true, roster: this.#roster };
  }

  /** Errors of a run that went to its end. */
  protected noteErrors(errors: readonly McpkError[]): void {
    this.note(renderErrors(errors, this.progressTheme(), this.telling));
    this.annotate(errors);
  }

  private annotate(errors: readonly Error[]): void {
    const log = this.jsonEnabled() ? undefined : this.ciLog;
    if (log === undefined) return;
    const text = log.annotations(annotationsOf(errors, process.env['GITHUB_WORKSPACE'] ?? '.', this.#roster));
    process.stderr.write(redact(text, this.#cluster?.hidden ?? []));
  }

  /** Without what must not be shown, and what a CI's log would obey. */
  private shown(text: string): string {
    const shown = redact(text, this.#cluster?.hidden ?? []);
    return this.ciLog?.harmless(shown) ?? shown;
  }

  /** Ends without hosts that were asked for, below what the others told: their failures decide the exit code. */
  protected endWithout(errors: readonly McpkError[]): void {
    const [first, ...rest] = errors;
    if (!first) return;
    this.noteErrors(this.told({ errors }).errors);
    process.exitCode = failure([first, ...rest]).exitCode;
  }

  /** A result for people; `--json` prints the returned object instead. */
  protected print(text: string): void {
    if (!this.jsonEnabled()) process.stdout.write(this.shown(text));
  }

  /** Progress and advice: never mixed into a result. */
  protected note(text: string): void {
    if (!this.jsonEnabled()) process.stderr.write(this.shown(text));
  }

  private interrupt(): void {
    if (this.signal.aborted) return void this.endNow();
    this.note('\nInterrupted: what was begun is brought to an end. Once more ends at once.\n');
    this.#abort.abort(new McpkError('interrupted', 'interrupted', { hint: this.afterwards }));
  }

  private async endNow(): Promise<void> {
    this.#ended = this.signal.reason as Error;
    await this.writeReport();
    process.exit(EXIT_CODES.interrupted[0]);
  }

  protected override async catch(thrown: Error): Promise<void> {
    const error = copyable(redactError(this.explain(thrown), this.#cluster?.hidden ?? []), this.#inventory);
    const exit = exitCodeOf(error);
    process.exitCode = exit;
    this.#ended = error;
    if (this.jsonEnabled()) return this.logJson(this.toErrorJson(error));
    if (!(error instanceof Errors.ExitError)) {
      const options: ErrorOptions = { ...this.telling, stack: isDebugged() };
      process.stderr.write(this.shown(renderError(error, this.progressTheme(), options)));
      this.annotate([error]);
    }
    // Tells oclif that all is said, and with which code to end.
    throw Object.assign(error, { oclif: { exit }, skipOclifErrorHandling: true });
  }

  /** Faults of the command line are usage errors; an abort is what caused it. */
  private explain(thrown: Error): Error {
    if (thrown instanceof McpkError || thrown instanceof FailureList || thrown instanceof Errors.ExitError)
      return thrown;
    const reason: unknown = this.signal.reason;
    if (this.signal.aborted && thrown.name === 'AbortError' && reason instanceof McpkError) return reason;
    if ('syscall' in thrown && thrown.syscall === 'uv_cwd')
      return new McpkError('usage', 'the working directory is gone', {
        hint: 'Go to a folder that is there.',
        cause: thrown,
      });
    const usage = thrown instanceof Errors.CLIError || 'parse' in thrown;
    if (!usage) return thrown;
    const help = [this.config.bin, ...(this.id ?? '').split(':'), '--help'].join(' ');
    return new McpkError('usage', this.unknownFlag(thrown) ?? missingWords(thrown) ?? inOurWords(thrown.message), {
      hint: `${help} shows what it takes.`,
    });
  }

  /** oclif only says that there is none. */
  private unknownFlag(thrown: Error): string | undefined {
    // Of oclif's NonExistentFlagsError, which it does not export.
    if (!('flags' in thrown) || !Array.isArray(thrown.flags)) return undefined;
    const all = { ...BaseCommand.baseFlags, ...this.ctor.flags, ...(this.ctor.enableJsonFlag ? { json: true } : {}) };
    const known = [...Object.keys(all), 'help'].map((name) => `--${name}`);
    return thrown.flags
      .map((flag) => String(flag).replace(/=[^]*$/, ''))
      .map((flag) => {
        const ours = OUTPUT.has(flag) ? this.whereItGoes() : this.instead(flag);
        if (ours !== undefined) return `there is no flag ${flag}: ${ours}`;
        const close = nearest(flag, known);
        return `there is no flag ${flag}${close === undefined ? '' : `; did you mean ${close}?`}`;
      })
      .join(', ');
  }

  /** For who knows the flag from another tool. */
  private instead(flag: string): string | undefined {
    const taken = { ...this.ctor.flags, ...this.ctor.args };
    const ours = (OTHERS[flag] ?? []).filter(({ by }) => by === undefined || by in taken);
    return ours.length === 0 ? undefined : ours.map(({ text }) => text).join(', ');
  }

  /** For who looks for the flag that other commands have. */
  private whereItGoes(): string | undefined {
    // A file is written by what reads no inventory.
    const written = 'inventory' in (this.ctor.flags ?? {}) ? ['folder'] : ['folder', 'file'];
    const place = Object.keys(this.ctor.args)
      .find((name) => written.includes(name))
      ?.toUpperCase();
    if (place !== undefined) return `${place} is a word by itself: mcpk ${this.commandName} ${place}`;
    const { out } = (this.ctor.flags ?? {}) as Record<string, { required?: boolean }>;
    if (out) return out.required ? 'it is --out' : '--json prints JSON; --out FILE keeps the plan';
    return this.ctor.enableJsonFlag ? '--json prints JSON; > FILE keeps what is printed' : undefined;
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
    clearTimeout(this.#timer);
    await this.writeReport();
    await super.finally(error);
  }

  /** Of what is told already nothing is lost when it can't be written. */
  private async writeReport(): Promise<void> {
    const { hidden = [], hosts = [], leaving = [] } = this.#cluster ?? {};
    await this.#report?.write(this.#ended, { hidden, hosts: [...hosts, ...leaving] }).catch((error: unknown) => {
      process.exitCode ||= error instanceof Error ? exitCodeOf(error) : EXIT_CODES.unexpected[0];
      process.stderr.write(renderError(error, this.progressTheme()));
    });
  }

  protected override toSuccessJson(result: unknown): unknown {
    return this.withoutHidden(toJson(result));
  }

  /** Data without what the cluster hides. */
  protected withoutHidden<V>(value: V): V {
    if (this.#cluster?.hidden === undefined) return value;
    const { hidden, hosts, leaving } = this.#cluster;
    return hidingIn(value, hidden, [...hosts, ...leaving]) as V;
  }

  protected override logJson(json: unknown): void {
    const text = JSON.stringify(json, undefined, 2);
    process.stdout.write(`${this.ciLog?.harmlessJson(text) ?? text}\n`);
  }

  protected override toErrorJson(error: unknown): FailureJson {
    return failureJson(error);
  }

  /** The exit code of a run or a plan, without an error of its own. */
  protected end(result: RunResult | Plan): void {
    this.#ended = result;
    process.exitCode = 'exitCode' in result ? result.exitCode : EXIT_CODES[outcomeOf(result)][0];
  }
}

/** A word that is not given is not given: oclif would take what lies on stdin, which may be the rest of a script. */
function ownWords(args: (typeof Command)['args']): (typeof Command)['args'] {
  return Object.fromEntries(Object.entries(args).map(([name, arg]) => [name, { ...arg, ignoreStdin: true }]));
}

/** oclif's types say that a switch is true or false; one that is not given would be undefined. */
function switchedOff(flags: (typeof Command)['flags'] | undefined): Record<string, false> {
  const switches = Object.entries(flags ?? {}).filter(([, { type }]) => type === 'boolean');
  return Object.fromEntries(switches.map(([name]) => [name, false as const]));
}

function outcomeOf({ refused, summary }: Plan): keyof typeof EXIT_CODES {
  if (refused.length > 0) return 'refused';
  return summary.changes + summary.deferred === 0 ? 'done' : 'pending';
}

function timedOut(ms: number, hint: string): McpkError {
  return new McpkError('interrupted', `not done within ${span(ms)} (--timeout)`, {
    hint,
  });
}

function exitCodeOf(error: Error): number {
  if (error instanceof McpkError || error instanceof FailureList) return error.exitCode;
  if (error instanceof Errors.ExitError) return error.oclif.exit ?? 0;
  return EXIT_CODES.unexpected[0];
}

/** Of oclif's RequiredArgsError, which it does not export; its own text has a note on flags that is not true here. */
function missingWords(thrown: Error): string | undefined {
  if (!('args' in thrown) || !Array.isArray(thrown.args)) return undefined;
  const missing = thrown.args.filter((arg: unknown): arg is Interfaces.Arg<unknown> => typeof arg === 'object');
  if (missing.length === 0) return undefined;
  return missing
    .map(({ name, description = '', options }) => {
      const what = options === undefined ? description : `${options.join(', ')}`;
      return `${name.toUpperCase()} is missing: ${what.replace(/^\w/, (first) => first.toLowerCase()).replace(/\.$/, '')}`;
    })
    .join('; ');
}

/** What is ours in the place of a flag, for a command that takes what it is done by, if that is a flag or word of it. */
interface Instead {
  by?: string;
  text: string;
}

const PLAN: Instead = { text: 'mcpk plan shows what apply would change' };
const BY_KEY: Instead = {
  text: 'mcpk logs in by a key, never by a password (ssh.identityFiles in the inventory, or an agent)',
};
const BY_SUDO: Instead = { text: 'as another user than root mcpk works by sudo anyway (ssh.become)' };
const STAGES: Instead = { by: 'only', text: '--only takes stages' };
const FILES: readonly Instead[] = [
  { by: 'inventory', text: '-i takes an inventory' },
  { by: 'file', text: 'FILE is a word by itself' },
];
const AT_ONCE: Instead = { by: 'concurrency', text: '--concurrency takes a number of hosts' };
const USER: Instead = { text: 'ssh.user in the inventory says as whom mcpk logs in' };

/** Where a result is written to, in other commands and tools. */
const OUTPUT: ReadonlySet<string> = new Set(['-o', '--out', '--output']);

/** Flags of other tools, and what is ours. */
const OTHERS: Readonly<Partial<Record<string, readonly Instead[]>>> = {
  '--dry-run': [PLAN],
  '--dryrun': [PLAN],
  '--noop': [PLAN],
  '--check': [PLAN],
  '--diff': [PLAN],
  '--ask-pass': [BY_KEY],
  '-k': [BY_KEY],
  '--private-key': [BY_KEY],
  '--user': [USER],
  '-u': [USER],
  '--become': [BY_SUDO],
  '-b': [BY_SUDO],
  '--tags': [STAGES],
  '-t': [STAGES],
  '--skip-tags': [{ by: 'skip', text: '--skip takes stages' }],
  '--forks': [AT_ONCE],
  '-f': [...FILES, AT_ONCE],
  '--file': FILES,
  '--auto-approve': [{ by: 'yes', text: '--yes does not ask' }],
};

/** What oclif says in words of its own, and what we say for it. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  // It adds its own advice below, and says above that it was parsing.
  [/\nSee more help[^]*$/, ''],
  [/^Parsing (--\S+)\s+/, '$1: '],
  [/^The following errors? occurred:\s+/, ''],
  [/^Unexpected argument: /, 'a word too many: '],
  [/^Unexpected arguments: /, 'words too many: '],
  [/Expected (.*) to be one of: (.*)$/m, '$1 is none of $2'],
  [/Expected an integer but received: /, 'a whole number, not '],
  [/Expected an integer greater than or equal to (\d+) but received: /, 'at least $1, not '],
  [/Expected an integer less than or equal to (\d+) but received: /, 'at most $1, not '],
  [/Missing required flag (\S+)/g, '--$1 is missing'],
  [/^Flag (--\S+) expects a value$/, '$1 wants a value behind it'],
  [/(--[\w-]+)(?:=.*)? cannot also be provided when using (--[\w-]+)/g, '$2 and $1 cannot be given together'],
  [/\s*\n\s*/g, '; '],
];

function inOurWords(message: string): string {
  const text = stripVTControlCharacters(message).trim();
  return WORDS.reduce((said, [theirs, ours]) => said.replace(theirs, ours), text);
}

function isDebugged(): boolean {
  return /(^|,)(\*|mcpk)/.test(process.env['DEBUG'] ?? '');
}
