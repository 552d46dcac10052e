import { OPERATOR_NETNS } from '../../../lab/network.ts';
import { capture } from '../../../lab/run.ts';
import { HOSTS } from '../../../lab/topology.ts';

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
