import { describe, expect, it } from 'vitest';
import { DEFAULT_VERSIONS } from '../../lab/versions.ts';
import type { RunResult } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import { kubectl, mcpk, mcpkJson, NODES } from './support/mcpk.ts';
import { RELEASE_BEFORE, releaseBefore, startFrom } from './support/start-from.ts';
import { underLoad } from './support/under-load.ts';

startFrom('before', { leaves: 'ready' });

async function kubeletVersions(): Promise<string[]> {
  const path = '{range .items[*]}{.status.nodeInfo.kubeletVersion}{"\\n"}{end}';
  return (await kubectl('get', 'nodes', '-o', `jsonpath=${path}`)).trim().split('\n');
}

/** In the full tier: without a cache the binaries of the release before take ten minutes to build. */
describe.runIf(FULL)('a cluster of the release before', () => {
  it('has come up, and has nothing to do', async () => {
    const old = await releaseBefore();
    expect(await kubeletVersions()).toEqual(NODES.map(() => `v${RELEASE_BEFORE.kubernetes}`));
    expect(await mcpkJson<RunResult>(['apply', '--yes'], 0, [old])).toMatchObject({ changed: 0 });
    expect((await mcpk(['verify'], [old])).code).toBe(0);
  });

  it('is taken to the present one, while clients go on, and keeps what it knows', async () => {
    await kubectl('create', 'configmap', 'kept', '--from-literal=before=upgrade');
    const outcome = await underLoad(() => mcpkJson<RunResult>(['apply', '--yes'], 0));
    expect(outcome.failures).toEqual([]);
    expect(await kubeletVersions()).toEqual(NODES.map(() => `v${DEFAULT_VERSIONS.kubernetes}`));
    expect(await kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.before}')).toBe('upgrade');
    expect(await mcpkJson<RunResult>(['apply', '--yes'], 0)).toMatchObject({ changed: 0 });
    expect((await mcpk(['verify'])).code).toBe(0);
  });
});
