import type { BundleKeys, OpenedBundle } from '../../../core/etcd-bundle.ts';
import type { Cluster } from '../../../inventory/types.ts';
import type { Sent, Wish } from '../wish.ts';
import { readPresent } from './present.ts';
import { abandonOf, restoreOf } from './restore.ts';
import { abandonStages, restoreStages, SNAPSHOT } from './stages.ts';

/** A wish of {@link restoreStages}. */
export interface RestoringWish extends Wish {
  /** Once `stagesOf` was asked: the restore that it goes on with, or gives up, and the revision of etcd as it is now. */
  found: { begun?: string; revision?: number };
}

/** A bundle on the operator's disk, and its keys where they can be read. */
export interface RestoredBundle {
  file: string;
  opened: OpenedBundle;
  keys: BundleKeys | undefined;
}

const NOTHING = { run: '', sha256: '', phases: new Map() };

/** @see restoreOf */
export function restoringWish(cluster: Cluster, { file, opened, keys }: RestoredBundle): RestoringWish {
  const { bundle, snapshot } = opened;
  const restoring: RestoringWish = {
    stages: restoreStages({ ...NOTHING, files: [] }),
    restores: true,
    async stagesOf({ facts, ask, run }) {
      const present = await readPresent({ cluster, facts }, ask);
      const { goal, secrets, goesOn } = restoreOf({ cluster, facts, opened, keys, present, run });
      restoring.found = {
        ...(goesOn ? { begun: goal.run } : {}),
        ...(present.revision === undefined ? {} : { revision: present.revision }),
      };
      const source = { file, from: snapshot.position, size: snapshot.size };
      const sent = { source, path: SNAPSHOT.path, sha256: bundle.sha256, size: snapshot.size };
      return {
        stages: restoreStages(goal),
        sent: new Map<string, Sent>([...secrets, [SNAPSHOT.sends, sent]]),
      };
    },
    found: {},
  };
  return restoring;
}

/** @see abandonOf */
export function abandoningWish(): RestoringWish {
  const restoring: RestoringWish = {
    stages: abandonStages(NOTHING),
    restores: true,
    stagesOf({ facts }) {
      const begun = abandonOf(facts);
      restoring.found = { begun: begun.run };
      return Promise.resolve({ stages: abandonStages(begun) });
    },
    found: {},
  };
  return restoring;
}
