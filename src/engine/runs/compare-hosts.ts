import { hostsNow } from '../../cluster/clock.ts';
import type { OwedUndo } from '../../cluster/facts.ts';
import { inTurns } from '../../core/turns.ts';
import type { Stage } from '../../states/stage.ts';
import { heldStages } from '../hosts/gates.ts';
import { withAlong } from '../plan/along.ts';
import { authorityWarning } from '../plan/authority-end.ts';
import { comparing, type CompareInput, type Comparisons } from '../plan/compare.ts';
import type { Opened } from '../read/open.ts';
import { tellUnfinished } from '../read/unfinished.ts';
import type { Planned } from './assemble.ts';
import type { HostsDescribed } from './describe.ts';
import { observe, readLeaving, whyNoApi } from './observe.ts';

/** How hosts differ from what they shall be. */
export interface HostsCompared extends HostsDescribed, Pick<Planned, 'compareInput' | 'gateHeld'> {
  comparisons: Comparisons;
  /** What runs that were cut off left undone, and the hosts on which they were. */
  owed: readonly OwedUndo[];
  cutOff: readonly string[];
}

/**
 * states → observed → how they differ.
 *
 * @param inPlace stages whose gates most likely hold: they are asked with the probe
 */
export async function compareHosts(
  { input, tree }: HostsDescribed,
  opened: Opened,
  inPlace: readonly Stage[],
): Promise<HostsCompared> {
  const { reader, facts, since } = opened;
  const { emit, cluster } = input;
  emit({ at: since(), type: 'phase', name: 'probe', state: 'start' });
  const probe = observe(input, opened, tree.stages);
  const [{ observed, apiOwned, nonsense }, gateHeld, { cutOff, owed }] = await Promise.all([
    probe.all,
    heldStages(reader, inPlace, { cluster, facts }, probe.hosts),
    tellUnfinished(input, opened),
  ]);
  emit({ at: since(), type: 'phase', name: 'probe', state: 'end' });
  const now = hostsNow(facts);
  const apiLeaving = await readLeaving(input, opened, { tree, apiOwned, nonsense });
  const apiWhy = whyNoApi(facts);
  const compareInput: CompareInput = { tree, observed, facts: facts.hosts, apiOwned, apiLeaving, apiWhy, now };
  const compared = await inTurns(comparing(compareInput));
  const { comparisons, stages } = withAlong(input, facts, compared);
  const ending = authorityWarning(comparisons.shared, now);
  if (ending !== undefined) emit({ at: since(), type: 'warning', message: ending });
  return { input: { ...input, stages }, tree, comparisons, compareInput, gateHeld, owed, cutOff };
}
