import { redact, redactError } from '../../core/redact.ts';
import type { Secret } from '../../core/secret.ts';
import type { Facts } from '../../cluster/facts.ts';
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

/** Facts hold the text of etcd.yaml, and what the inventory gave for it. */
export function withoutHidden(facts: Facts, hidden: readonly Secret[]): Facts {
  if (hidden.length === 0) return facts;
  const hosts = [...facts.hosts].map(([name, host]) => {
    const files = Object.entries(host.files).map(([path, text]) => [path, redact(text, hidden)]);
    return [name, { ...host, files: Object.fromEntries(files) as Record<string, string> }] as const;
  });
  return { ...facts, hosts: new Map(hosts) };
}
