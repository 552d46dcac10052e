import type { RunningPlan } from '../engine/types.ts';
import { SERVICES, versionSetting, type Running, type Service } from '../core/services.ts';
import { clean, symbol, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

/** {@link runsLine} of the cluster as a whole, behind `runs`; no line where nothing runs. */
export function renderRuns({ hosts, storage }: RunningPlan, theme: Theme): string[] {
  const line = runsLine(new Map(Object.entries(hosts)), theme, storage);
  return line === '' ? [] : wrap(theme, `runs  ${line}`, 6);
}

/**
 * The versions of processes on a line: `kubernetes 1.36.3 · etcd 3.6.16, storage 3.6 · containerd 1.7.24`. Where one
 * service runs in several, each with its hosts: `kubelet 1.37.1 (m1, w1), 1.36.3 (w2)`. Empty where nothing runs.
 */
export function runsLine(running: Running, theme: Theme, storage?: string): string {
  const texts = new Map(SERVICES.map((service) => [service, versionsOf(service, running)]));
  const kubernetes = SERVICES.filter((service) => versionSetting(service) === 'kubernetes');
  const [first] = kubernetes.flatMap((service) => texts.get(service) || []);
  const isOne = first !== undefined && kubernetes.every((service) => ['', first].includes(texts.get(service) ?? ''));
  const alone = [...texts].filter(([service, text]) => text !== '' && !(isOne && kubernetes.includes(service)));
  const stored = storage === undefined ? '' : `, storage ${storage}`;
  const words = alone.map(([service, text]) => `${service} ${text}${service === 'etcd' ? stored : ''}`);
  return [...(isOne ? [`kubernetes ${first}`] : []), ...words].map(clean).join(` ${symbol(theme, 'dot')} `);
}

function versionsOf(service: Service, running: Running): string {
  const told = [...running].flatMap(([host, { [service]: version }]) =>
    version === undefined ? [] : [{ host, version }],
  );
  const byVersion = Map.groupBy(told, ({ version }) => version);
  if (byVersion.size < 2) return [...byVersion.keys()].join('');
  return [...byVersion].map(([version, all]) => `${version} (${all.map(({ host }) => host).join(', ')})`).join(', ');
}
