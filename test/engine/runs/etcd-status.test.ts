import { expect, it } from 'vitest';
import { McpkError } from '../../../src/core/errors.ts';
import { readEtcd } from '../../../src/engine/runs/etcd-status.ts';
import type { Session } from '../../../src/transport/types.ts';
import { loadYaml, ONE } from '../../inventory/load-text.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

it.each([
  ['interrupted', 'interrupted'],
  ['unreachable', 'gate'],
] as const)('members whose session ends as %s: %s', async (code, told) => {
  const cluster = await loadYaml(ONE);
  const off = new AbortController();
  const error = new McpkError(code, 'over');
  const fleet = fakeFleet({
    sessions: new Map(cluster.hosts.map(({ name }) => [name, {} as Session])),
    exec() {
      if (code === 'interrupted') off.abort(error);
      return Promise.reject(error);
    },
  });
  await expect(readEtcd({ cluster, signal: off.signal }, fleet)).rejects.toMatchObject({ code: told });
});
