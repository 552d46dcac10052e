import { homedir } from 'node:os';
import { Args } from '@oclif/core';
import { contactable, type Cluster } from '../inventory/types.ts';
import { BaseCommand } from './shared/base-command.ts';
import type { InventoryFlags } from './shared/cluster.ts';
import type { Asked } from './shared/completion.ts';

const WORDS: Readonly<Record<Asked, (cluster: Cluster) => string[]>> = {
  host: (cluster) => contactable(cluster).map(({ name }) => name),
  limit: (cluster) => {
    const hosts = contactable(cluster);
    return [
      ...hosts.map(({ name }) => name),
      'all',
      ...hosts.flatMap(({ roles }) => roles.map((role) => `role:${role}`)),
      ...hosts.flatMap(({ labels }) => Object.entries(labels).map(([key, value]) => `label:${key}=${value}`)),
    ];
  },
};

/** A shell may take any other apart, or for a command. */
const PLAIN = /^[\w./:=-]+$/;

/** What the scripts of `autocomplete` ask with a press of the key. */
export default class Complete extends BaseCommand<typeof Complete> {
  static override readonly hidden = true;
  static override readonly summary = 'Print what of an inventory may be typed next, for completion.';
  static override readonly description =
    'Behind -- stand the words that are typed already. Where no inventory can be read there is nothing.';
  static override readonly examples = ['<%= config.bin %> <%= command.id %> host -- plan -i lab.yaml'];
  static override readonly enableJsonFlag: boolean = false;
  static override readonly strict = false;
  static override readonly args = {
    asked: Args.string({ description: 'What is to be typed.', options: Object.keys(WORDS), required: true }),
  };

  async run(): Promise<void> {
    const cluster = await this.loadCluster(inventoryIn(this.argv)).catch(() => undefined);
    if (cluster === undefined) return;
    const words = WORDS[this.args.asked as Asked](cluster).filter((word) => PLAIN.test(word));
    this.print([...new Set(words)].map((word) => `${word}\n`).join(''));
  }
}

/** As the command would read them whose words these are. */
function inventoryIn(words: readonly string[]): InventoryFlags {
  const valuesOf = (flag: RegExp): string[] | undefined => {
    const values = words.flatMap((word, index) => {
      const [spelled, value] = flag.exec(word) ?? [];
      return spelled === undefined ? [] : (value ?? words[index + 1] ?? []);
    });
    return values.length === 0 ? undefined : values;
  };
  const files = valuesOf(/^(?:-i|--inventory)(?:=(.+))?$/)?.map((file) => file.replace(/^~(?=\/)/, homedir()));
  return { inventory: files, env: valuesOf(/^--env(?:=(.+))?$/)?.flatMap((names) => names.split(',')) };
}
