import { apiServerGuard, quorumGuard } from '../../cluster/guards.ts';
import type { Facts } from '../../cluster/facts.ts';
import { owns } from '../../cluster/laid.ts';
import { askRebootNeed, rebootNeed } from '../../cluster/reboot-need.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import { emptying, emptyingInTurn, filling } from '../drains.ts';
import { votersNow } from '../etcd/order.ts';
import { API_SERVER } from '../etcd/member-steps.ts';
import { restartSteps, restartingMembers } from '../etcd/steps.ts';
import { nodesInTurn } from '../node-rollout.ts';
import { nodes } from '../nodes.ts';
import type { AroundContext, Problem, Stage, StepAround, Steps } from '../stage.ts';
import { stopping } from '../unit-steps.ts';
import { hostGates } from './host-gates.ts';
import type { Wish } from './wish.ts';

const KEEPALIVED = 'keepalived.service';

export interface Reboot {
  /** Hosts that are asked for. */
  among: readonly string[];
  /** Those of them that boot, each with why; '' where nothing but the wish says so. */
  hosts: ReadonlyMap<string, string>;
  /** Seconds in which a host must be back. */
  limit: number;
}

/**
 * The stage nodes with another purpose: hosts boot in its batches, empty of pods, masters without the VIP. What a run that
 * was cut off owes is found by that stage too.
 */
export function reboot({ among, hosts, limit }: Reboot): Stage {
  const isAsked = (name: string): boolean => among.includes(name);
  const booting = (context: AroundContext): AroundContext => {
    const { restarting: _, ...more } = context;
    return { ...more, batch: context.batch.filter((host) => hosts.has(host)) };
  };
  return {
    name: nodes.name,
    title: 'Reboot',
    hosts: (cluster) => cluster.hosts.filter(({ name }) => isAsked(name)),
    needs: [],
    states: () => [],
    problems,
    due: () => [...hosts.keys()],
    owes: (cluster, facts) => nodes.owes?.(cluster, facts) ?? [],
    inTurn: true,
    rollout: nodesInTurn,
    guard: (context) => {
      const down = { ...context, ...booting(context), restarting: context.restarting };
      const members = restartingMembers(booting(context));
      const serving = down.batch.filter((host) => serves(context.facts, host));
      return [
        ...quorumGuard(down, members, votersNow(context.cluster, context.facts)),
        ...apiServerGuard(down, serving),
      ];
    },
    around: (context) => around(context, booting(context), { hosts, limit }),
    gate: hostGates,
  };
}

function around(
  { cluster, facts, batch }: AroundContext,
  booting: AroundContext,
  { hosts, limit }: Pick<Reboot, 'hosts' | 'limit'>,
): Steps {
  const down = booting.batch.filter((host) => facts.nodes?.has(host));
  // What else steps a master aside would go on without it, so none is left out.
  const masters = new Set(hostsWith(cluster, 'master').map(({ name }) => name));
  const isMaster = (host: string): boolean => masters.has(host);
  const owed = batch.filter((host) => facts.nodes?.get(host)?.cordoned === 'mcpk');
  return {
    before: [
      ...emptying(cluster, facts, down.filter(isMaster)),
      ...emptyingInTurn(
        cluster,
        facts,
        down.filter((host) => !isMaster(host)),
      ),
      ...restartSteps(booting).before,
      ...booting.batch.flatMap((host) => standAside(facts, host)),
    ],
    work: booting.batch.map((host) => ({
      title: [`reboot ${host}`, hosts.get(host) ?? ''].filter(Boolean).join(': '),
      on: host,
      run: ['systemctl', '--no-block', 'reboot'],
      boots: { limit },
    })),
    after: [],
    held: filling(cluster, facts, [...new Set([...down, ...owed])]),
  };
}

/** Whoever goes down takes no VIP on the way: a shutdown would stop HAProxy and Keepalived in any order. */
function standAside({ hosts }: Facts, host: string): StepAround[] {
  const own = hosts.get(host);
  if (!owns(own, `unit:${KEEPALIVED}`)) return [];
  const title = own?.holdsVip ? `hand the VIP over from ${host}` : `stop Keepalived on ${host}`;
  return [{ title, on: host, ...stopping(KEEPALIVED) }];
}

function serves({ hosts, standing }: Facts, host: string): boolean {
  return owns(hosts.get(host), `unit:${API_SERVER}`) && (standing?.apiServers.includes(host) ?? true);
}

interface Asked extends Omit<Reboot, 'hosts'> {
  /** Only those that say that they need it. */
  ifNeeded: boolean;
}

/** The wish that these hosts boot. */
export function rebootWish({ ifNeeded, ...asked }: Asked): Wish {
  const all = reboot({ ...asked, hosts: new Map(asked.among.map((name) => [name, ''])) });
  if (!ifNeeded) return { stages: [all] };
  return {
    stages: [all],
    async stagesOf({ facts, ask }) {
      const answers = await ask(asked.among.filter((name) => facts.hosts.has(name)).map(askRebootNeed));
      const needs = answers.flatMap((answer): [string, string][] => {
        const why = rebootNeed(answer, facts.hosts.get(answer.host)?.kernel ?? '');
        return why === undefined ? [] : [[answer.host, why]];
      });
      return { stages: [reboot({ ...asked, hosts: new Map(needs) })] };
    },
  };
}

/** Pods and masters are stepped aside by the API. */
function problems(_cluster: Cluster, { nodes: known }: Facts): Problem[] {
  if (known !== undefined) return [];
  return [{ code: 'refused', message: 'no API server answers', hint: 'See what is wrong: mcpk verify' }];
}
