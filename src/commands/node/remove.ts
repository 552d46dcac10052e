import { Args, Flags } from '@oclif/core';
import { FailureList, McpkError } from '../../core/errors.ts';
import type { Plan, RunResult } from '../../engine/types.ts';
import { noHost } from '../../inventory/targeting.ts';
import type { EditedFile } from '../../inventory/edit-state.ts';
import { InventoryError } from '../../inventory/mistake.ts';
import type { Cluster } from '../../inventory/types.ts';
import { clean } from '../../report/theme.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { fetchFlags, planOnlyFlags } from '../shared/flags.ts';
import { RunningCommand } from '../shared/running-command.ts';
import { roleOnlyOf } from '../shared/role-only-of.ts';
import { checkEditable, writeEdit } from '../shared/write-edit.ts';

type Removed = RunResult & { edited?: { file: string; line: number; text: string } };

export default class Remove extends RunningCommand<typeof Remove> {
  static override readonly summary = 'Take a host out of the cluster.';
  static override readonly description =
    "Writes `state: absent` into the host's entry of the inventory, or with --gone `state: gone`, changes nothing else in the file, shows that and the plan, asks, and applies. An absent host is drained, hands over what it serves, leaves etcd and the API, and is cleared of all that mcpk laid there and that grew of it; packages and files of others stay, and the latter are named. A host that is gone is never contacted: only the others forget it. Its entry stays, so that it can do no harm when it boots again; take it out once it never will.";
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> w3',
    '<%= config.bin %> <%= command.id %> m2 --gone -i berlin.yaml',
  ];
  static override readonly args = { host: Args.string({ description: 'Name of the host.', required: true }) };
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'gate', 'refused', 'rolledBack', 'stale'];
  static override readonly flags = {
    ...RunningCommand.runningFlags,
    ...fetchFlags,
    ...planOnlyFlags,
    gone: Flags.boolean({ summary: 'It is dead, or must not be touched: never contact it.' }),
  };

  protected override readonly repeated = ['gone'];

  async run(): Promise<Removed | Plan> {
    const { host: name } = this.args;
    const state = this.flags.gone ? 'gone' : 'absent';
    const { withHostState } = await import('../../inventory/edit-state.ts');
    const edits: (EditedFile & { path: string })[] = [];
    const cluster = await this.loadCluster(
      {},
      {
        rewrite: (texts) => {
          const edit = withHostState(texts, name, state);
          return texts.map((each) => {
            if (each.file !== edit?.file) return each;
            edits.push({ ...edit, path: each.path });
            return { ...each, text: edit.after };
          });
        },
      },
    ).catch((error: unknown) => this.whyNot(error, name));
    checkState(cluster, name, state);
    const [edit] = edits;
    if (edit) await checkEditable(edit.path);
    const lead = edit && `${clean(edit.file)}:${edit.line}  ${clean(edit.shown)}`;
    if (this.wantsPlan) {
      const { planRun } = await import('../../engine/runs/plan.ts');
      return this.planOnly(cluster, { artifacts: true, plan: planRun, ...(lead === undefined ? {} : { lead }) });
    }
    const { applyRun } = await import('../../engine/runs/apply.ts');
    let isWritten = false;
    const write = async (): Promise<void> => {
      if (edit) await writeEdit(edit);
      isWritten = true;
    };
    const result = await this.carryOut(cluster, {
      run: (input) => {
        const confirm = async (plan: Plan): Promise<boolean> => {
          const agrees = await input.confirm(plan, lead);
          if (agrees) await write();
          return agrees;
        };
        return applyRun({ ...input, confirm });
      },
      artifacts: true,
      question: `Take ${name} out of the cluster?`,
    }).catch((error: unknown) => {
      throw edit && !isWritten ? untouched(error) : error;
    });
    // Where nothing was to be done nobody was asked.
    if (edit && !isWritten && result.changed === 0 && result.status === 'succeeded') {
      this.note(`${lead}\n`);
      await write();
    }
    if (result.status === 'succeeded' && state === 'gone')
      this.print(`${name} stays in the inventory: take its entry out once it never boots again.\n`);
    return { ...result, ...(edit ? { edited: { file: edit.file, line: edit.line, text: edit.shown } } : {}) };
  }

  /** What is wrong in the edited inventory is no mistake of whoever wrote it, if it was right before. */
  private async whyNot(error: unknown, name: string): Promise<never> {
    if (error instanceof InventoryError) checkOthers(await this.loadCluster(), name);
    throw error;
  }
}

/** In one answer with what is wrong. */
function untouched(error: unknown): unknown {
  const line = 'The inventory is as it was.';
  for (const each of error instanceof FailureList ? error.errors : [error])
    if (each instanceof McpkError) Object.assign(each, { details: [...each.details, line] });
  return error;
}

/** Nobody would have what the cluster holds. */
function checkOthers(cluster: Cluster, name: string): void {
  const role = roleOnlyOf(cluster, name);
  if (role === undefined) return;
  throw new McpkError('refused', `${name} is ${role === 'master' ? 'the last master' : 'the last host with etcd'}`, {
    host: name,
    hint: 'A cluster needs one. To take all of it off its hosts: mcpk reset',
  });
}

/** `\${NAME}`, or a file over it, may have it otherwise. */
function checkState(cluster: Cluster, name: string, state: string): void {
  if (cluster.leaving.some((host) => host.name === name && host.state === state)) return;
  const hosts = [...cluster.hosts, ...cluster.leaving];
  if (hosts.every((host) => host.name !== name)) throw noHost(name, { cluster, hosts });
  throw new McpkError('refused', `the inventory does not say that ${name} is ${state}, though its entry would`, {
    hint: `Write "state: ${state}" where it counts, then run: mcpk apply`,
  });
}
