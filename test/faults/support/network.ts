import { OPERATOR_NETNS } from '../../../lab/network.ts';
import { capture } from '../../../lab/run.ts';
import { HOSTS } from '../../../lab/topology.ts';
import { on } from '../../e2e/support/mcpk.ts';

/** What the operator sends no longer leaves; the hosts reach each other still. */
export async function operatorNetwork(state: 'gone' | 'back'): Promise<void> {
  for (const { address } of HOSTS)
    await capture([
      'ip',
      '-n',
      OPERATOR_NETNS,
      'route',
      state === 'gone' ? 'replace' : 'del',
      'blackhole',
      `${address}/32`,
    ]);
}

/** What comes to its sshd is dropped above 1 Mbit/s. */
export async function slowLine(host: string): Promise<void> {
  await on(
    host,
    'nft',
    'add table inet mcpk-slow; add chain inet mcpk-slow in { type filter hook input priority 0; }; add rule inet mcpk-slow in tcp dport 22 limit rate over 125 kbytes/second burst 32 kbytes drop',
  );
}

export async function mendSlowLine(host: string): Promise<void> {
  await on(host, 'nft', 'delete table inet mcpk-slow');
}
