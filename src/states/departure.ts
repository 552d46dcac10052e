import type { Facts } from '../cluster/facts.ts';
import { apiHost, kubectl } from '../cluster/kubectl.ts';
import { goneNodes, leavers, type Leaver } from '../cluster/leaving.ts';
import { contactable, type Cluster, type Host } from '../inventory/types.ts';
import { nothing } from './build.ts';
import { emptying } from './drains.ts';
import { forgotten } from './removal/forgotten.ts';
import type { AroundContext, Problem, Stage, StepAround, Steps } from './stage.ts';
import { stopping } from './unit-steps.ts';

/** Before anything else changes: pods go where they are to stay, and the VIP to a master that stays. */
export const departure: Stage = {
  name: 'departure',
  title: 'Hosts that leave',
  about: 'drains hosts that leave, moves the VIP away from them, and deletes the Nodes of hosts that are gone',
  hosts: contactable,
  needs: ['preflight'],
  states: () => [],
  problems,
  idle: (cluster, facts) => due(cluster, facts).length === 0,
  due,
  around,
  back: { around: nothing },
};

/** What there is to do for hosts that are gone, a master does. */
function due(cluster: Cluster, facts: Facts): string[] {
  const names = departing(cluster, facts).map(({ host }) => host.name);
  return goneNodes(cluster, facts).length === 0 ? names : [...new Set([...names, apiHost(cluster, facts)])];
}

function departing(cluster: Cluster, facts: Facts): Leaver[] {
  return leavers(cluster, facts).filter((leaver) => leaver.vip || isDrained(leaver, facts));
}

function isDrained({ host, node }: Leaver, { nodes }: Facts): boolean {
  return node && nodes?.has(host.name) === true;
}

/** Which pods run there only the API tells. */
function problems(cluster: Cluster, facts: Facts): Problem[] {
  if (facts.nodes !== undefined) return [];
  return leavers(cluster, facts)
    .filter(({ node }) => node)
    .map(({ host }) => ({
      code: 'refused',
      host: host.name,
      message: 'it is to leave the cluster, and no API server answers that could take its pods elsewhere',
      hint: 'Bring an API server back first: mcpk apply, with the host as it was in the inventory.',
    }));
}

function around({ cluster, facts, batch }: AroundContext): Steps {
  const here = departing(cluster, facts).filter(({ host }) => batch.includes(host.name));
  const gone = batch.includes(apiHost(cluster, facts)) ? goneNodes(cluster, facts) : [];
  return {
    before: [
      ...gone.flatMap((host) => [...forgotten(cluster, facts, host), podsGone(cluster, facts, host)]),
      ...emptying(
        cluster,
        facts,
        here.filter((leaver) => isDrained(leaver, facts)).map(({ host }) => host.name),
      ),
      ...here.filter(({ vip }) => vip).map(({ host }) => handOver(host.name)),
    ],
    after: [],
  };
}

/** Its peers forget it next: from then on it would hear none of them, and hold the VIP beside another one. */
function handOver(host: string): StepAround {
  // Whoever takes it back into the inventory finds the unit stopped.
  return {
    title: `stop Keepalived of ${host}`,
    on: host,
    ...stopping('keepalived.service'),
    marked: true,
  };
}

/**
 * No kubelet ends them, and the API keeps them for a minute after their Node: whoever shall run elsewhere would wait so
 * long, and so would the gates of the stages that come.
 */
function podsGone(cluster: Cluster, facts: Facts, { name }: Host): StepAround {
  const on = apiHost(cluster, facts);
  const which = ['--all-namespaces', `--field-selector=spec.nodeName=${name}`];
  const run = kubectl(cluster, on, 'delete', 'pods', ...which, '--force', '--grace-period=0', '--wait=false').argv;
  return { title: `delete the pods that ${name} had`, on, run };
}
