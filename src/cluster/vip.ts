import { keepalivedHosts } from './endpoint.ts';
import type { Answer, Ask, GateCheck, GateContext } from './gate.ts';

export function askVip(host: string, address: string): Ask {
  return { host, argv: ['ip', '-4', '-o', 'addr', 'show', 'to', `${address}/32`] };
}

/** Hosts on which the VIP sits, from the answers to {@link askVip}. */
export function vipHolders(answers: readonly Answer[]): string[] {
  return answers.filter((answer) => answer.exitCode === 0 && answer.stdout.trim() !== '').map((answer) => answer.host);
}

/** Exactly one of the masters that can be asked holds the VIP. */
export function vipGates({ cluster, facts }: GateContext): GateCheck[] {
  const hosts = keepalivedHosts(cluster).filter((host) => facts.hosts.has(host.name));
  const first = hosts[0];
  if (!first) return [];
  const { address } = cluster.endpoint;
  return [
    {
      title: `one host holds ${address}`,
      asks: hosts.map((host) => askVip(host.name, address)),
      check: (answers) => {
        const holders = vipHolders(answers);
        if (holders.length === 1) return undefined;
        return holders.length === 0 ? `no master holds ${address}` : `${holders.join(' and ')} hold ${address}`;
      },
      unit: { host: first.name, name: 'keepalived.service' },
      deadline: 30,
    },
  ];
}
