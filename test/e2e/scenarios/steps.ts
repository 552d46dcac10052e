import { expect } from 'vitest';
import type { Edits, Runs, Step } from '../../../scripts/scenario.ts';
import { HOSTS } from '../../../lab/topology.ts';
import { ETCDCTL } from '../support/etcdctl.ts';
import { holders, isClear } from '../support/hosts.ts';
import { allNodesReady, MASTERS, on } from '../support/mcpk.ts';

/** The end of a run. */
export const DONE = /Failed: 0/;

/** A change that is shown and agreed to. */
export const agreed = (run: string, ...shows: RegExp[]): Runs => ({ run, answers: ['y'], shows: [...shows, DONE] });

/** One that loses something, for which the cluster's name is typed. */
export const named = (run: string, ...shows: RegExp[]): Runs => ({ run, answers: ['lab'], shows: [...shows, DONE] });

/** Hosts of the lab's inventory, each with what is said of it beside its address. */
export function hostsAre(said: Readonly<Record<string, string>>): Edits {
  const lines = HOSTS.filter(({ name }) => said[name] !== undefined).map(
    ({ name, address }) => `  - { name: ${name}, address: ${address}, ${said[name] ?? ''} }\n`,
  );
  return { edit: `hosts:\n${lines.join('')}` };
}

export const READY: Step = { check: 'all nodes are Ready', by: allNodesReady };

export const clear = (name: string): Step => ({ check: `nothing of mcpk is left on ${name}`, by: () => isClear(name) });

export const members = (...names: string[]): Step => ({
  check: `the members of etcd are ${names.join(', ')}, and one master has the VIP`,
  by: async () => {
    const list = await on('m1', ...ETCDCTL, 'member', 'list');
    const found = [...list.matchAll(/, started, (\w+), .*, false$/gm)].map(([, name]) => name);
    expect(found.toSorted(), list).toEqual(names);
    expect(await holders(MASTERS)).toHaveLength(1);
  },
});
