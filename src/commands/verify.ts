import type { VerifyResult } from '../engine/runs/verify.ts';
import type { Event } from '../engine/types.ts';
import { renderMoves } from '../report/moves-text.ts';
import { renderRuns } from '../report/runs-text.ts';
import { lastOfEach, renderVerify, type GateEvent } from '../report/verify-text.ts';
import { BaseCommand } from './shared/base-command.ts';
import type { Ending } from './shared/exit-codes.ts';
import { commandLine, MEANT_BY } from './shared/command-line.ts';
import { engineInput } from './shared/engine-input.ts';
import { reportFlags, runFlags } from './shared/flags.ts';

type Verified = VerifyResult & { checks: Pick<GateEvent, 'stage' | 'title' | 'status' | 'seen' | 'ms'>[] };

export default class Verify extends BaseCommand<typeof Verify> {
  static override readonly summary = 'Check that the whole cluster serves; test pods come and go.';
  static override readonly description =
    'Asks each gate once more (etcd, API servers, the VIP, nodes) and runs the active checks: pods on different hosts, a Service, DNS. Exit 16 when something does not hold.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i lab.yaml',
    '<%= config.bin %> <%= command.id %> --json | jq -r ".checks[] | select(.status != \\"passed\\") | .title"',
  ];
  static readonly endings: readonly Ending[] = ['gate'];
  static override readonly flags = { ...runFlags, ...reportFlags };

  async run(): Promise<Verified> {
    const cluster = await this.loadCluster();
    const { verifyRun } = await import('../engine/runs/verify.ts');
    const view = await this.view();
    const events: Event[] = [];
    const emit = (event: Event): void => {
      events.push(event);
      // Gates are the result: they stand in the checklist.
      if (event.type !== 'gate') view.emit(event);
    };
    const result = await engineInput(cluster, this.flags, this.caller(emit), { artifacts: false })
      .then(verifyRun)
      .then((ended) => this.told(ended))
      .finally(() => view.end());
    const moved = result.moves ? renderMoves(result.moves, this.theme, new Date()) : [];
    for (const line of [...renderRuns(result.running, this.theme), ...moved]) this.print(`${line}\n`);
    this.print(renderVerify(events, this.theme, this.telling));
    // What the checklist has said already is not said again; journal lines are.
    const untold = result.errors.filter((error) => error.code !== 'gate' || error.details.length > 1);
    this.noteErrors(untold);
    const checks = lastOfEach(events).map(({ stage, title, status, seen, ms }) => ({
      stage,
      title,
      status,
      ms,
      ...(seen ? { seen } : {}),
    }));
    const passed = checks.filter((check) => check.status === 'passed').length;
    const next = result.status === 'succeeded' ? '' : ` Mend with: ${commandLine('apply', this.flags, MEANT_BY)}`;
    this.print(`${passed} of ${checks.length} checks hold.${next}\n`);
    this.end(result);
    return { ...result, checks };
  }
}
