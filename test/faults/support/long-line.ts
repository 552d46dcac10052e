import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { onOperatorSide } from '../../../lab/operator.ts';
import { CLONE } from '../../../lab/paths.ts';
import { HOSTS } from '../../../lab/topology.ts';
import { NODES, on } from '../../e2e/support/mcpk.ts';

const PORT = '2222';

const near = (address: string): string => address.replace('10.', '127.');

/** Inventory in which every host is reached by its relay. */
export const BY_RELAY = `hosts:\n${HOSTS.map(
  ({ name, address }) =>
    `  - { name: ${name}, address: ${near(address)}, internalAddress: ${address}, ssh: { port: ${PORT} } }\n`,
).join('')}`;

let relay: ChildProcess | undefined;

/** 200 ms there and back, and of what the hosts send over SSH each twentieth packet is lost. */
export async function makeLongLine(): Promise<void> {
  const ways = HOSTS.map(({ address }) => `${near(address)}=${address}`);
  const [command = '', ...words] = onOperatorSide([
    process.execPath,
    `${CLONE}/test/faults/support/relay.ts`,
    '100',
    PORT,
    ...ways,
  ]);
  relay = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (relay.stdout) await once(relay.stdout, 'data');
  for (const name of NODES)
    await on(
      name,
      'nft',
      'add table inet mcpk-test; add chain inet mcpk-test out { type filter hook output priority 0; }; add rule inet mcpk-test out tcp sport 22 numgen random mod 20 == 0 drop',
    );
}

export async function mendLine(): Promise<void> {
  for (const name of NODES) await on(name, 'nft', 'delete table inet mcpk-test');
  const ended = relay ? once(relay, 'close') : undefined;
  relay?.stdin?.end();
  await ended;
}
