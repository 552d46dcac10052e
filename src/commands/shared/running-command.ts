import type { Command } from '@oclif/core';
import type { EngineInput } from '../../engine/input.ts';
import type { Plan, RunResult } from '../../engine/types.ts';
import type { Cluster } from '../../inventory/types.ts';
import { checkPlace } from '../../core/private-file.ts';
import { renderPlan } from '../../report/plan-text.ts';
import { renderSummary } from '../../report/summary-text.ts';
import { BaseCommand } from './base-command.ts';
import { commandLine, REACHED_BY } from './command-line.ts';
import { askOver, mayAsk } from './confirm.ts';
import { engineInput, type RunFlags } from './engine-input.ts';
import { changeFlags, connectionFlags, inventoryFlags, lockFlags } from './flags.ts';

const flags = {
  ...inventoryFlags,
  ...connectionFlags,
  ...lockFlags,
  ...changeFlags,
};

interface RunInput extends EngineInput {
  /** Shows the plan, below what is to be known before, and asks. */
  confirm(plan: Plan, lead?: string): Promise<boolean>;
}

interface Meant {
  /** Whether anything is compiled. */
  artifacts: boolean;
  /** Hosts that it means, as `--limit` has them; by default all. */
  limit?: string;
}

interface Running<R> extends Meant {
  /** What is done with the hosts; undefined: there was nothing to do. */
  run: (input: RunInput) => Promise<R>;
  /** For a yes, or how it is asked otherwise. */
  question: string | ((signal: AbortSignal) => Promise<boolean>);
  /** Whether there is somebody to ask; by default as `--yes` and the terminal have it. */
  asks?: boolean;
  /** The command that goes on with it, and its words; by default this one. */
  again?: { command: string; words: readonly string[] };
}

function limited(flags: RunFlags, { limit }: Meant): RunFlags {
  return limit === undefined ? flags : { ...flags, limit };
}

/** What commands share that change hosts for one thing: the plan is shown, agreed to, carried out, summed up. */
export abstract class RunningCommand<T extends typeof Command> extends BaseCommand<T> {
  static readonly runningFlags = flags;

  /** Flags of the command itself that belong to a line that goes on with it. */
  protected readonly repeated: readonly string[] = [];

  protected async carryOut<R extends RunResult | undefined>(cluster: Cluster, how: Running<R>): Promise<R> {
    // The flags of those that extend it have these among them.
    const given = this.flags as unknown as RunFlags & { yes: boolean; 'force-unsafe'?: boolean };
    const { question, asks = mayAsk({ yes: given.yes, json: this.jsonEnabled() }) } = how;
    const { command, words } = how.again ?? this.said();
    const view = await this.view();
    const confirm = (plan: Plan, lead?: string): Promise<boolean> =>
      askOver(view, { asks, show: () => this.show(plan, lead), question, signal: this.signal });
    const caller = { ...this.caller(view.emit), command };
    const result = await engineInput(cluster, limited(given, how), caller, how)
      .then((input) => how.run({ ...input, forceUnsafe: given['force-unsafe'] ?? false, confirm }))
      .finally(() => view.end());
    if (result === undefined) return result;
    this.told(result);
    this.noteErrors(result.errors);
    this.print(renderSummary(result, this.theme, { again: this.again(command, words) }));
    this.end(result);
    return result;
  }

  /** `--plan-only`, of those that have it. */
  protected get wantsPlan(): boolean {
    return (this.flags as { 'plan-only'?: boolean })['plan-only'] === true;
  }

  /** What it would do, below what is to be known before. Takes no lock. */
  protected async planOnly(
    cluster: Cluster,
    { plan, lead, ...how }: Meant & { plan: (input: EngineInput) => Promise<Plan>; lead?: string },
  ): Promise<Plan> {
    const given = this.flags as unknown as RunFlags & { out?: string };
    const { out } = given;
    if (out !== undefined) await checkPlace(out);
    const view = await this.view();
    const caller = { ...this.caller(view.emit), command: this.said().command };
    const planned = await engineInput(cluster, limited(given, how), caller, how)
      .then(plan)
      .finally(() => view.end());
    const { command, words } = this.said();
    const again = this.again(command, words);
    const kept = { ...planned, command: again };
    const { writePlan } = await import('../../engine/plan/plan-file.ts');
    if (out !== undefined) await writePlan(out, kept);
    if (lead !== undefined) this.print(`${lead}\n\n`);
    this.print(renderPlan(kept, this.theme, { verbose: this.telling.verbose, applyCommand: again }));
    this.end(kept);
    return kept;
  }

  private again(command: string, words: readonly string[]): string {
    return commandLine([command, ...words].join(' '), this.flags, [...REACHED_BY, ...this.repeated]);
  }

  private said(): { command: string; words: string[] } {
    const words = Object.values<unknown>(this.args)
      .filter((word) => word !== undefined)
      .map(String);
    return { command: this.commandName, words };
  }

  private show(plan: Plan, lead?: string): void {
    const text = renderPlan(plan, this.progressTheme(), { verbose: this.telling.verbose });
    this.note(`${lead === undefined ? '' : `${lead}\n\n`}${text}\n`);
  }
}
