import { expect, it } from 'vitest';
import { parseRecord } from '../../src/core/cluster-record.ts';
import { publicKeyDigests } from '../../src/core/public-keys.ts';
import { Secret } from '../../src/core/secret.ts';
import { clusterRecord } from '../../src/resources/cluster-record.ts';
import { sha256 } from '../../src/resources/identity.ts';
import type { Change, ClusterRecordResource, Materials, SharedState } from '../../src/resources/types.ts';
import { emptyObserved, fileState } from './case.ts';
import { AUTHORITY } from './pems.ts';

const wanted: ClusterRecordResource = { kind: 'clusterRecord', cluster: 'lab', authority: 'authority/cluster' };
const context = (state: SharedState): never =>
  ({ shared: new Map([['authority/cluster', state]]), owned: new Map() }) as never;
const PATH = '/var/lib/mcpk/cluster.json';

it.each([AUTHORITY, new Secret(AUTHORITY, 'authority')])(
  'a record that is written with an authority is what the next run finds right',
  async (cert) => {
    const materials = { item: () => Promise.resolve(cert) } as unknown as Materials;
    const made = { state: 'absent', hashes: {}, texts: {} } as const;
    const change = clusterRecord.compare(wanted, emptyObserved(), context(made)) as Change;
    const [op] = await clusterRecord.converge(wanted, change, materials, emptyObserved());
    const text = op?.op === 'write' ? String(op.content) : '';
    expect(parseRecord(text)).toEqual({ cluster: 'lab', authority: publicKeyDigests(AUTHORITY)[0] });
    const seen = { ...emptyObserved(), paths: { [PATH]: fileState({ mode: '0600', sha256: sha256(text) }) } };
    const held: SharedState = { state: 'held', hashes: {}, texts: { cert: AUTHORITY, bundle: AUTHORITY } };
    expect(clusterRecord.compare(wanted, seen, context(held))).toMatchObject({ result: 'unchanged' });
  },
);
