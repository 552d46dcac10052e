import { isMap } from '../../core/merge.ts';
import { redact, redactError } from '../../core/redact.ts';
import type { Secret } from '../../core/secret.ts';
import type { FactsOfHosts } from '../../cluster/facts.ts';
import type { Emit, Event } from '../../engine/types.ts';

/** What hosts and programs on them say to an event. */
const SAID = ['message', 'seen', 'why'] as const;

/** Events go on without what must not be shown. */
export function hiding(emit: Emit, hidden: readonly Secret[]): Emit {
  return hidden.length === 0 ? emit : (event) => emit(redactEvent(event, hidden));
}

function redactEvent(event: Event, hidden: readonly Secret[]): Event {
  if (event.type === 'unreachable') redactError(event.error, hidden);
  const said = Object.entries(event).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'string' && SAID.some((name) => name === key) ? [[key, redact(value, hidden)]] : [],
  );
  return { ...event, ...Object.fromEntries(said) } as Event;
}

/** A result of `--json` without what must not be shown. Names of hosts stay what they are: programs look for them. */
export function hidingIn(json: unknown, hidden: readonly Secret[], hosts: readonly { name: string }[]): unknown {
  const names = new Set(hosts.map(({ name }) => name));
  const shown = (value: unknown): unknown => {
    if (typeof value === 'string') return names.has(value) ? value : redact(value, hidden);
    if (Array.isArray(value)) return value.map(shown);
    if (!isMap(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shown(item)]));
  };
  return shown(json);
}

/** Facts hold the text of etcd.yaml, and what the inventory gave for it. */
export function withoutHidden(facts: FactsOfHosts, hidden: readonly Secret[]): FactsOfHosts {
  if (hidden.length === 0) return facts;
  const hosts = [...facts.hosts].map(([name, host]) => {
    const files = Object.entries(host.files).map(([path, text]) => [path, redact(text, hidden)]);
    return [name, { ...host, files: Object.fromEntries(files) as Record<string, string> }] as const;
  });
  return { ...facts, hosts: new Map(hosts) };
}
