import type { FactsOfHosts, HostFacts } from '../cluster/facts.ts';
import { span } from '../core/duration.ts';
import { size } from './figures.ts';
import { runsLine } from './runs-text.ts';
import { clean, paint, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

/** What each host told about itself, the figures that people ask for first. */
export function renderFacts(facts: FactsOfHosts, theme: Theme): string {
  const hosts = [...facts.hosts].flatMap(([name, host]) => [
    paint(theme, ['bold', 'cyan'], name),
    ...renderHost(host, theme),
  ]);
  const missing = facts.unreachable.map((name) => `${paint(theme, ['bold', 'red'], name)}  did not answer`);
  const cluster = facts.etcd === undefined ? [] : [`etcd: ${facts.etcd}`];
  return `${[...hosts, ...missing, ...cluster].join('\n')}\n`;
}

function clock(skewMs: number): string {
  if (skewMs === 0) return 'as ours';
  const apart = Math.abs(skewMs);
  return `${apart < 1000 ? `${Math.round(apart)} ms` : span(apart)} ${skewMs > 0 ? 'ahead of' : 'behind'} ours`;
}

function renderHost(host: HostFacts, theme: Theme): string[] {
  const addresses = host.interfaces.flatMap((each) =>
    each.addresses.map(({ address, prefix }) => `${each.name} ${address}/${prefix} (mtu ${each.mtu})`),
  );
  const runs = runsLine(new Map([['', host.runs]]), theme);
  const rows: [string, string][] = [
    [
      'system',
      `${host.os.name}, ${host.arch}, kernel ${host.kernel}, ${host.systemd === 0 ? 'no systemd' : `systemd ${host.systemd}`}, cgroup v${host.cgroup}`,
    ],
    ['size', `${host.cpus} CPUs, ${size(host.memoryBytes)} memory, ${size(host.diskFreeBytes)} free below /var/lib`],
    ['addresses', [...addresses, ...(host.holdsVip ? ['holds the VIP'] : [])].join(', ')],
    ['clock', clock(host.clockSkewMs)],
    ...(runs === '' ? [] : [['runs', runs] as [string, string]]),
    ['swap', host.swap ? 'on' : 'off'],
    ['mcpk', host.owned.length === 0 ? 'nothing here yet' : `${host.owned.length} states`],
    ...(host.foreign.length > 0 ? [['foreign', host.foreign.join(', ')] as [string, string]] : []),
  ];
  return rows.flatMap(([name, text]) => wrap(theme, `  ${name.padEnd(10)} ${clean(text)}`, 13));
}
