import { changeOf } from './diff-text.ts';
import type { PlanItem, StagePlan } from '../engine/types.ts';

/** One change, and the hosts that get just the same one. */
export interface ChangeGroup {
  /** Of the first host. */
  item: PlanItem;
  /** One for each host; they may differ around the change. */
  all: [PlanItem, ...PlanItem[]];
  hosts: string[];
}

/** Changes (and, when wanted, what stays) of one stage that share their hosts. */
export interface Block {
  hosts: string[];
  groups: ChangeGroup[];
}

/** The same change on several hosts is shown once: items are equal when all that a reader sees of them is. */
export function blocksOf(stage: StagePlan, results: readonly PlanItem['comparison']['result'][]): Block[] {
  const groups = new Map<string, ChangeGroup>();
  for (const host of stage.hosts) {
    for (const item of host.items.filter((each) => results.includes(each.comparison.result))) {
      const key = keyOf(item);
      const group = groups.get(key);
      if (group) {
        group.hosts.push(host.host);
        group.all.push(item);
      } else groups.set(key, { item, all: [item], hosts: [host.host] });
    }
  }
  return byHosts([...groups.values()]);
}

function keyOf(item: PlanItem): string {
  const seen = item.comparison;
  switch (seen.result) {
    case 'change':
      return JSON.stringify([
        item.ref,
        seen.verb,
        seen.reasons,
        seen.diff && changeOf(seen.diff),
        seen.specification,
        seen.irreversible,
      ]);
    case 'unchanged':
      return JSON.stringify([item.ref, seen.reason]);
    case 'deferred':
      return JSON.stringify([item.ref, seen.until, seen.why]);
  }
}

function byHosts(groups: readonly ChangeGroup[]): Block[] {
  const blocks = new Map<string, Block>();
  for (const group of groups) {
    const key = group.hosts.join(' ');
    const block = blocks.get(key);
    if (block) block.groups.push(group);
    else blocks.set(key, { hosts: group.hosts, groups: [group] });
  }
  return [...blocks.values()];
}
