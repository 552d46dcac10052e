import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { McpkError } from '../core/errors.ts';
import { checkPlace, replaceFile, unwritable } from '../core/private-file.ts';
import { DEFAULT_FILE } from '../inventory/default-file.ts';
import { padEnd } from '../report/theme.ts';
import { BaseCommand } from './shared/base-command.ts';

/** From an inventory to a cluster. */
const NEXT = [
  ['validate', 'find mistakes; contacts no host'],
  ['host-key pin', 'compare the fingerprints with what the consoles show'],
  ['plan', 'see what would change'],
  ['apply', 'make it so'],
  ['verify', 'try the cluster'],
  ['kubeconfig --merge', 'for kubectl'],
] as const;
const widest = Math.max(...NEXT.map(([command]) => `mcpk ${command}`.length));

export default class Init extends BaseCommand<typeof Init> {
  static override readonly summary = 'Write an inventory to start from.';
  static override readonly description =
    'The file holds what you name here and comments on what to set next. Beside it comes the schema of inventories, by which editors complete and check it. Nothing is contacted; an inventory that is there is not overwritten.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> --master 10.0.0.11 --master 10.0.0.12 --master 10.0.0.13 --worker 10.0.0.21 --endpoint 10.0.0.100',
    '<%= config.bin %> <%= command.id %> single.yaml --name single --master box=192.168.1.10 --user debian',
  ];
  // Words too many may be hosts, and are told as such.
  static override readonly strict = false;
  static override readonly args = { file: Args.string({ description: 'File to write.', default: DEFAULT_FILE }) };
  static override readonly flags = {
    name: Flags.string({ summary: 'Name of the cluster.', default: 'cluster', helpValue: 'NAME' }),
    master: Flags.string({
      summary: 'A master; give it once for each.',
      multiple: true,
      multipleNonGreedy: true,
      required: true,
      helpValue: '[NAME=]IPV4',
    }),
    worker: Flags.string({
      summary: 'A worker; give it once for each.',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: '[NAME=]IPV4',
    }),
    endpoint: Flags.string({ summary: 'Virtual IP of the API; needed with several masters.', helpValue: 'IPV4' }),
    user: Flags.string({ summary: 'Login name on the hosts. [default: root]', helpValue: 'NAME' }),
    force: Flags.boolean({ summary: 'Overwrite the file if it is there.' }),
  };

  async run(): Promise<{ file: string; schema: string }> {
    const [{ checkInit, checkWords, initInventory }, { SCHEMA_NAME, schemaText }] = await Promise.all([
      import('../inventory/init.ts'),
      import('../inventory/schema.ts'),
    ]);
    const { name, master, worker, endpoint, user, force } = this.flags;
    checkWords(this.words);
    const { file } = this.args;
    const text = initInventory({
      name,
      masters: master,
      workers: worker ?? [],
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(user === undefined ? {} : { user }),
    });
    await checkInit(text);
    await (force ? replaceFile(file, text) : writeNew(file, text));
    const schema = join(dirname(file), SCHEMA_NAME);
    await replaceFile(schema, schemaText());
    const option = file === DEFAULT_FILE ? '' : ` -i ${file}`;
    const next = NEXT.map(([command, what]) => `  ${padEnd(`mcpk ${command}${option}`, widest + option.length)}  ${what}\n`); // prettier-ignore
    this.print(`${file} is written, and ${schema} for editors. Next:\n${next.join('')}`);
    return { file, schema };
  }
}

async function writeNew(file: string, text: string): Promise<void> {
  await writeFile(file, text, { flag: 'wx' }).catch(async (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw unwritable(file, cause);
    // What is no file is never overwritten.
    await checkPlace(file);
    throw new McpkError('usage', `${file} is there already`, {
      hint: 'Name another file, or overwrite it with --force.',
      cause,
    });
  });
}
