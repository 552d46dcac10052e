import { Args, Flags } from '@oclif/core';
import { withRuntimeSource } from '../cluster/runtime-source.ts';
import type { Facts } from '../cluster/facts.ts';
import { McpkError } from '../core/errors.ts';
import type { EngineInput } from '../engine/input.ts';
import type { Cluster } from '../inventory/types.ts';
import { counted } from '../report/figures.ts';
import { ASSUMPTIONS, assumedFacts } from './shared/assumed-facts.ts';
import { BaseCommand } from './shared/base-command.ts';
import { engineInput } from './shared/engine-input.ts';
import { readFacts } from './shared/facts-file.ts';
import { fetchFlags, runFlags } from './shared/flags.ts';
import { writeInto, writtenEarlier } from './shared/output-folder.ts';
import { renderedFiles } from './shared/rendered-files.ts';

interface Rendered {
  folder: string;
  files: string[];
  /** What was taken for granted; empty with facts. */
  assumptions: readonly string[];
}

export default class Render extends BaseCommand<typeof Render> {
  static override readonly summary = 'Write every file of every host into a folder, to read or to compare.';
  static override readonly description =
    'FOLDER/HOST/path is what apply would lay down at /path. Secrets show their name, certificates their specification. Without --gather or --facts no host is contacted, and what was assumed about them is said. Manifests that the inventory names by URL, and that of Calico, are fetched where they are not there yet.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> out',
    '<%= config.bin %> <%= command.id %> out --gather',
    '<%= config.bin %> <%= command.id %> out --facts facts.json --only etcd',
  ];
  static override readonly args = {
    folder: Args.string({
      description:
        'Folder to write into: a new or empty one, or one that render wrote before, of which only what it writes now is left.',
      required: true,
    }),
  };
  static override readonly flags = {
    ...runFlags,
    ...fetchFlags,
    facts: Flags.string({ summary: 'Facts that mcpk facts --json printed.', helpValue: 'FILE', exclusive: ['gather'] }),
    gather: Flags.boolean({ summary: 'Ask the hosts for their facts.' }),
  };

  async run(): Promise<Rendered> {
    const cluster = await this.loadCluster();
    const [{ compile }, { isNamed }, { readManifests, UNSEEN_ARTIFACTS }] = await Promise.all([
      import('../engine/plan/compile.ts'),
      import('../engine/plan/named-stages.ts'),
      import('../engine/runs/with-materials.ts'),
    ]);
    await writtenEarlier(this.args.folder);
    const view = await this.view();
    const factsOf = (asked: EngineInput): Promise<Facts> => this.factsOf(cluster, asked);
    const input = await engineInput(cluster, this.flags, this.caller(view.emit), {
      artifacts: false,
      manifests: true,
      facts: factsOf,
    });
    const facts = await factsOf(input).finally(() => view.end());
    const { limit } = input.selection;
    if (this.flags.facts !== undefined) checkFacts(cluster, { file: this.flags.facts, facts, limit });
    const settled = withRuntimeSource(cluster, facts);
    const described = { ...input, cluster: settled, ...(await readManifests(input)) };
    const tree = compile({ ...described, facts, artifacts: UNSEEN_ARTIFACTS });
    const wanted = tree.stages
      .filter(({ name }) => isNamed(name, input.selection))
      .map((stage) => ({ ...stage, hosts: stage.hosts.filter(({ host }) => limit?.has(host) ?? true) }));
    const files = await renderedFiles({ ...tree, stages: wanted });
    await writeInto(this.args.folder, files, this.signal);
    const assumptions = this.flags.gather || this.flags.facts !== undefined ? [] : ASSUMPTIONS;
    if (assumptions.length > 0)
      this.note(`Assumed, as no host was asked (--gather, --facts): ${assumptions.join('; ')}.\n`);
    for (const stage of wanted)
      if (stage.deferred)
        this.note(`Not there: ${stage.name}, known after ${stage.deferred.until} (${stage.deferred.why}).\n`);
    const hosts = cluster.hosts.filter(({ name }) => files.some(({ path }) => path.startsWith(`${name}/`)));
    this.print(`${counted(files.length, 'file')} of ${counted(hosts.length, 'host')} in ${this.args.folder}\n`);
    return { folder: this.args.folder, files: files.map(({ path }) => path), assumptions };
  }

  private async factsOf(cluster: Cluster, input: EngineInput): Promise<Facts> {
    if (this.flags.facts !== undefined) return readFacts(this.flags.facts);
    if (!this.flags.gather) return assumedFacts(cluster);
    const { gatherFacts } = await import('../engine/runs/reading.ts');
    return gatherFacts(input);
  }
}

/** A host of which nothing is known would be left out without a word. Throws `usage`. */
function checkFacts(
  { hosts }: Cluster,
  { file, facts, limit }: { file: string; facts: Facts; limit: ReadonlySet<string> | undefined },
): void {
  const lacking = hosts.map(({ name }) => name).filter((name) => (limit?.has(name) ?? true) && !facts.hosts.has(name));
  if (lacking.length === 0) return;
  throw new McpkError('usage', `${file} has no facts of ${lacking.join(', ')}`, {
    details: [`it has those of ${[...facts.hosts.keys()].join(', ')}`],
    hint: `Gather them anew (mcpk facts --json > ${file}), or leave out the others with --limit.`,
  });
}
