import { recordText } from '../core/cluster-record.ts';
import { PATHS } from '../core/paths.ts';
import { publicKeyDigests } from '../core/public-keys.ts';
import { revealed } from '../core/secret.ts';
import { differences, identityOfFiles, rests, sha256 } from './identity.ts';
import type { ClusterRecordResource, ResourceKind } from './types.ts';

const PATH = PATHS.clusterRecord;
const ACCESS = { mode: '0600', owner: 'root', group: 'root' } as const;

/** What tells a host's cluster from others. A new one is told by its authority, which is made while it comes up. */
export const clusterRecord: ResourceKind<ClusterRecordResource> = {
  id: () => PATH,
  paths: () => [PATH],
  reads(_resource, into) {
    into.paths.push(PATH);
  },

  compare(resource, observed, { shared }) {
    const seen = observed.paths[PATH];
    const { cert, bundle = '' } = shared.get(resource.authority)?.texts ?? {};
    const authority = resource.known ?? digestOf(cert ?? bundle);
    const wanted = authority === undefined ? '' : sha256(recordText({ cluster: resource.cluster, authority }));
    const hash = wanted === '' ? '' : identityOfFiles(new Map([[PATH, wanted]]));
    const differs = seen?.type === 'file' && seen.sha256 !== wanted ? ['content differs'] : [];
    const reasons = seen === undefined ? ['absent'] : [...differs, ...differences(seen, { type: 'file', ...ACCESS })];
    if (reasons.length === 0) return { result: 'unchanged', reason: `is of ${resource.cluster}`, hash };
    return {
      result: 'change',
      verb: seen === undefined ? 'create' : 'update',
      reasons,
      hash,
      rests: rests(seen),
      specification: [`cluster    ${resource.cluster}`, `authority  ${authority ?? 'the one that is made'}`],
    };
  },

  async converge({ cluster, known, authority: id }, _change, materials) {
    const authority = known ?? digestOf(revealed(await materials.item(id, 'cert')));
    if (authority === undefined) throw new Error(`${id} has no certificate that can be read`);
    return [{ op: 'write', path: PATH, ...ACCESS, content: recordText({ cluster, authority }) }];
  },

  remove: (id) => [{ op: 'remove', path: id }],
  implied: ({ authority }) => [`directory:${PATHS.state}`, `sharedSecret:${authority}`],
  title: () => PATH,
};

function digestOf(pem: string): string | undefined {
  return publicKeyDigests(pem)[0];
}
