import { Errors, Flags } from '@oclif/core';
import { ADMINS } from '../cluster/access.ts';
import { endpointUrl } from '../cluster/endpoint.ts';
import { PATHS } from '../core/paths.ts';
import { checkPlace, writePrivate } from '../core/private-file.ts';
import { hostsWith } from '../inventory/types.ts';
import { BaseCommand } from './shared/base-command.ts';
import { engineInput } from './shared/engine-input.ts';
import { connectionFlags, inventoryFlags } from './shared/flags.ts';

export default class Kubeconfig extends BaseCommand<typeof Kubeconfig> {
  static override readonly summary = "Print the administrator's kubeconfig.";
  static override readonly description =
    'Reads the administrator certificate from a master and prints a kubeconfig that reaches the API at the VIP. It holds a private key: with --output it is written for you alone (0600); what a shell redirects may be read by others.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> --output ~/.kube/config',
    '<%= config.bin %> <%= command.id %> --server https://10.0.0.11:6443',
  ];
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
    const { output } = this.flags;
    if (output !== undefined) await checkPlace(output);
    const cluster = await this.loadCluster();
    const [{ readFiles }, { kubeconfig }] = await Promise.all([
      import('../engine/runs/reading.ts'),
      import('../render/kubeconfig.ts'),
    ]);
    const view = await this.view();
    const caller = { command: 'kubeconfig', version: this.config.version, signal: this.signal, emit: view.emit };
    const input = await engineInput(cluster, this.flags, caller, { artifacts: false });
    const paths = [`${PATHS.pki}/ca.crt`, PATHS.adminCert, PATHS.adminKey];
    const [ca = '', cert = '', key = ''] = await readFiles(input, hostsWith(cluster, 'master'), paths).finally(() =>
      view.end(),
    );
    const text = kubeconfig({
      name: cluster.name,
      server: this.flags.server ?? endpointUrl(cluster),
      certificateAuthority: { data: ca },
      user: ADMINS.user,
      clientCertificate: { data: cert },
      clientKey: { data: key },
    });
    if (output === undefined) process.stdout.write(text);
    else await writePrivate(output, text);
  }
}
