import { rm } from 'node:fs/promises';
import { LabError } from './errors.ts';
import { exists } from './machine.ts';
import { isMounted } from './mounts.ts';
import { capture, run } from './run.ts';
import { OPERATOR_ADDRESS, PREFIX_LENGTH, type HostSpec } from './topology.ts';

/** The operator's namespace: the bridge is in it, and nothing leads out of it. */
export const OPERATOR_NETNS = 'mcpk-op';
const BRIDGE = 'br0';

export const netnsOf = (host: string): string => `mcpk-${host}`;
export const netnsPath = (name: string): string => `/run/netns/${name}`;

/** Only a mounted name leads to a namespace: where /run is no tmpfs, names outlive a reboot. */
export function operatorSideIsUp(): boolean {
  return isMounted(netnsPath(OPERATOR_NETNS));
}

/** Makes the operator's side, unless it is there. */
export async function createOperatorSide(): Promise<boolean> {
  if (operatorSideIsUp()) return false;
  await removeNetns(OPERATOR_NETNS);
  await run(['ip', 'netns', 'add', OPERATOR_NETNS]);
  await batch(OPERATOR_NETNS, [
    'link set lo up',
    `link add ${BRIDGE} type bridge forward_delay 0 stp_state 0`,
    `addr add ${OPERATOR_ADDRESS}/${PREFIX_LENGTH} dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
  ]);
  return true;
}

/**
 * Makes a host's namespace anew, with its cable to the bridge. A namespace that is left from before
 * would keep addresses, routes and firewall rules that a real power loss clears.
 */
export async function createHostSide(host: HostSpec): Promise<void> {
  await removeHostSide(host.name);
  const netns = netnsOf(host.name);
  await run(['ip', 'netns', 'add', netns]);
  await batch(OPERATOR_NETNS, [
    `link add ${host.name} type veth peer name eth0 address ${macOf(host)} netns ${netns}`,
    `link set ${host.name} master ${BRIDGE} up`,
  ]);
  await batch(netns, ['link set lo up', `addr add ${host.address}/${PREFIX_LENGTH} dev eth0`, 'link set eth0 up']);
}

/** A machine keeps its MAC over a power loss; a new one would be a stranger to its neighbours' ARP tables for a while. */
function macOf(host: HostSpec): string {
  const octets = host.address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['02', '00', ...octets].join(':');
}

export async function removeHostSide(name: string): Promise<void> {
  if (!(await exists(netnsPath(netnsOf(name))))) return;
  // The port goes first: a namespace is freed only some time after its name is gone.
  await capture(['ip', '-n', OPERATOR_NETNS, 'link', 'del', name]);
  await removeNetns(netnsOf(name));
}

export async function removeNetns(name: string): Promise<void> {
  if (!(await exists(netnsPath(name)))) return;
  if (isMounted(netnsPath(name))) await run(['ip', 'netns', 'del', name]);
  await rm(netnsPath(name), { force: true });
}

/** Pulls a host's cable, or plugs it in: the host itself sees its carrier go. */
export async function setLink(host: string, state: 'up' | 'down'): Promise<void> {
  await run(['ip', '-n', OPERATOR_NETNS, 'link', 'set', host, state]);
}

/** Shapes what a host sends, in netem's own words (`['delay', '50ms', 'loss', '1%']`); no words: as before. */
export async function setNetem(host: string, args: readonly string[]): Promise<void> {
  const tc = ['ip', 'netns', 'exec', netnsOf(host), 'tc', 'qdisc'];
  if (args.length === 0) await capture([...tc, 'del', 'dev', 'eth0', 'root']);
  else if (!(await hasNetem(host)))
    throw new LabError('the kernel of this machine has no netem: it can neither delay nor lose packets', {
      hint: 'pull the cable instead (`link down`), or load sch_netem',
    });
  else await run([...tc, 'replace', 'dev', 'eth0', 'root', 'netem', ...args]);
}

/** Asked on the loopback of a host's namespace, where an empty netem changes nothing. */
export async function hasNetem(host: string): Promise<boolean> {
  const tc = ['ip', 'netns', 'exec', netnsOf(host), 'tc', 'qdisc'];
  if ((await capture([...tc, 'add', 'dev', 'lo', 'root', 'netem'])).code !== 0) return false;
  await run([...tc, 'del', 'dev', 'lo', 'root']);
  return true;
}

async function batch(netns: string, commands: readonly string[]): Promise<void> {
  await run(['ip', '-n', netns, '-batch', '-'], { input: `${commands.join('\n')}\n` });
}
