import type { GateCheck, GateContext } from '../../cluster/gate.ts';
import { hasLaid, isNew } from '../../cluster/laid.ts';
import { STAGES } from '../index.ts';
import type { Stage } from '../stage.ts';

/** The gates of all that runs on these hosts: of the stages that laid something there. */
export function hostGates(context: GateContext): GateCheck[] {
  return STAGES.flatMap((stage) => {
    const own = new Set(stage.hosts(context.cluster).map(({ name }) => name));
    const hosts = context.hosts.filter((host) => own.has(host) && isPart(stage, context, host));
    if (hosts.length === 0) return [];
    const gates = stage.gate?.({ ...context, hosts }) ?? [];
    return gates.filter(({ host }) => host === undefined || isPart(stage, context, host));
  });
}

/** A host that is to join can be patched and booted before it does. What lives in the API lies on no host. */
function isPart({ name, api }: Stage, { facts }: GateContext, host: string): boolean {
  const own = facts.hosts.get(host);
  return api ? own !== undefined && !isNew(own) : hasLaid(own, name);
}
