import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PATHS } from '../../../src/core/paths.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import { planRun } from '../../../src/engine/runs/plan.ts';
import { verifyRun } from '../../../src/engine/runs/verify.ts';
import { load } from '../../../src/inventory/load.ts';
import { anyArtifact } from '../../states/cluster.ts';
import { impossible, realSshd } from './real-sshd.ts';

const masters = [await realSshd(), await realSshd()];

/** Of a run without stages. */
async function inputOf(): Promise<EngineInput> {
  const hosts = masters.map(({ sshd }, index) => {
    const ssh = `{ port: ${sshd.port}, agent: false, identityFiles: [${sshd.identity}], knownHostsFiles: [${sshd.knownHosts}] }`;
    const [name, address] = [`m${String(index + 1)}`, `10.9.0.1${String(index + 1)}`];
    return `  - { name: ${name}, address: 127.0.0.1, internalAddress: ${address}, roles: [master], ssh: ${ssh} }\n`;
  });
  const file = join(masters[0]!.sshd.folder, 'mcpk.yaml');
  writeFileSync(
    file,
    `name: small\nendpoint: { address: 10.9.0.100 }\nnetwork: { plugin: none }\nhosts:\n${hosts.join('')}`,
  );
  return {
    ...{ cluster: await load([file], { env: process.env }), stages: [], selection: {}, concurrency: 4 },
    ...{ artifacts: anyArtifact, openArtifacts: () => Promise.resolve(anyArtifact) },
    ...{ manifests: new Map(), openManifests: () => Promise.resolve(new Map()) },
    ...{ acceptNewHostKeys: false, who: 'test', lockNote: 'test', tool: 'mcpk', command: 'verify' },
    signal: new AbortController().signal,
    emit: () => undefined,
  };
}

describe.skipIf(impossible !== undefined)('what moved since the last run', () => {
  test('is told by verify and plan, without a further round trip', async () => {
    const ended = Date.now() - 60_000;
    const line = `${String(ended)} R1 result succeeded 0\n`;
    const m2 = await masters[1]!.session();
    // What is given to exec at once runs side by side.
    await m2.exec([{ argv: ['mkdir', '-p', PATHS.state] }]);
    await m2.exec([{ argv: ['tee', PATHS.journal], stdin: line }]);
    const both = await inputOf();
    const { moves, traffic } = await verifyRun(both);
    expect(moves).toMatchObject({ vip: [], etcdLeader: [] });
    expect(Math.abs(Date.parse(moves?.since ?? '') - ended)).toBeLessThan(1000);
    expect(traffic).toMatchObject({ m1: { roundTrips: 1 }, m2: { roundTrips: 1 } });
    expect((await planRun(both)).moves).toMatchObject({ vip: [], etcdLeader: [] });
  });
});
