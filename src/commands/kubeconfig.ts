import { homedir } from 'node:os';
import { Errors, Flags } from '@oclif/core';
import { ADMINS } from '../cluster/access.ts';
import { endpointUrl } from '../cluster/endpoint.ts';
import { PATHS } from '../core/paths.ts';
import { checkPlace, writePrivate } from '../core/private-file.ts';
import { hostsWith } from '../inventory/types.ts';
import type { KubeconfigSettings } from '../render/kubeconfig.ts';
import type { Ending } from './shared/exit-codes.ts';
import { BaseCommand } from './shared/base-command.ts';
import { engineInput } from './shared/engine-input.ts';
import { connectionFlags, inventoryFlags } from './shared/flags.ts';

export default class Kubeconfig extends BaseCommand<typeof Kubeconfig> {
  static override readonly summary = "Print the administrator's kubeconfig.";
  static override readonly description =
    'Reads the administrator certificate from a master and prints a kubeconfig that reaches the API at the VIP. It holds a private key: with --output it is written for you alone (0600); what a shell redirects may be read by others. With --merge it is added to the file that kubectl uses (of $KUBECONFIG the one that has this cluster, else the first that is there; or ~/.kube/config) or to that of --output: other clusters, users, contexts and the current context stay, comments go. A file that is no kubeconfig, or has another cluster of the same name, is left as it is (64).';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> --merge',
    '<%= config.bin %> <%= command.id %> --output lab.kubeconfig',
    '<%= config.bin %> <%= command.id %> --server https://10.0.0.11:6443',
  ];
  static readonly endings: readonly Ending[] = ['refused'];
  /** The text is the result, and it is a secret: it is never part of a JSON object. */
  static override readonly enableJsonFlag: boolean = false;
  static override readonly flags = {
    ...inventoryFlags,
    ...connectionFlags,
    output: Flags.string({
      char: 'o',
      summary: 'Write it here, for you alone, in place of what is there; a link is refused.',
      helpValue: 'FILE',
    }),
    merge: Flags.boolean({
      summary: 'Add it to what is in the file, as kubectl config would, in place of printing it.',
    }),
    server: Flags.string({
      summary: 'URL of the API in it. [default: the endpoint of the inventory]',
      helpValue: 'URL',
      parse: async (text) => {
        if (/^https:\/\/[^\s/]+$/.test(text) && URL.canParse(text)) return text;
        throw new Errors.CLIError(`a URL such as https://10.0.0.11:6443, not ${JSON.stringify(text)}`);
      },
    }),
  };

  async run(): Promise<void> {
    const { output, merge } = this.flags;
    const { checkMerge, kubectlsFiles, mergeInto } = await import('./shared/kubeconfig-file.ts');
    if (merge) {
      const files = output === undefined ? await kubectlsFiles(process.env, homedir()) : { file: output, others: [] };
      await checkMerge(files);
      const settings = await this.settings();
      const file = await mergeInto(files, settings);
      this.note(`${settings.name} is in ${file}: kubectl --context ${settings.name} get nodes\n`);
      return;
    }
    if (output !== undefined) await checkPlace(output);
    const { kubeconfig } = await import('../render/kubeconfig.ts');
    const text = kubeconfig(await this.settings());
    if (output === undefined) process.stdout.write(text);
    else await writePrivate(output, text);
  }

  /** Asks a master for what is in it. */
  private async settings(): Promise<KubeconfigSettings> {
    const cluster = await this.loadCluster();
    const { readFiles } = await import('../engine/runs/reading.ts');
    const view = await this.view();
    const input = await engineInput(cluster, this.flags, this.caller(view.emit), { artifacts: false });
    const paths = [`${PATHS.pki}/ca.crt`, PATHS.adminCert, PATHS.adminKey];
    const [ca = '', cert = '', key = ''] = await readFiles(input, hostsWith(cluster, 'master'), paths).finally(() =>
      view.end(),
    );
    return {
      name: cluster.name,
      server: this.flags.server ?? endpointUrl(cluster),
      certificateAuthority: { data: ca },
      // Known by this name in the file alone: the administrators of two clusters are two users.
      user: `${ADMINS.user}@${cluster.name}`,
      clientCertificate: { data: cert },
      clientKey: { data: key },
    };
  }
}
