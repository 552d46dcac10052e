import { describe, expect, test } from 'vitest';
import { openFleet } from '../../../src/engine/hosts/fleet.ts';
import { readHistory } from '../../../src/engine/runs/history.ts';
import { readFiles } from '../../../src/engine/runs/reading.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import type { Host } from '../../../src/inventory/types.ts';
import { PLAIN } from '../../../src/report/theme.ts';
import { createView } from '../../../src/report/view.ts';
import { freePort } from '../sshd.ts';
import { impossible, realSshd } from './real-sshd.ts';

const { sshd } = await realSshd();

describe.skipIf(impossible !== undefined)('a host that is not reached', () => {
  const hostAt = (name: string, port: number, at?: string): Host => {
    const { address: own, name: _, ...ssh } = sshd.target({ port });
    const address = at ?? own;
    return { name, address, internalAddress: address, source: '', roles: ['master'], ssh } as unknown as Host;
  };

  test.each<[string, (input: EngineInput) => Promise<unknown>]>([
    ['history', readHistory],
    ['kubeconfig', (input) => readFiles(input, input.cluster.hosts, ['/etc/hostname'])],
  ])('is named once where %s goes on without it', async (_command, run) => {
    let text = '';
    const view = await createView({
      json: false,
      verbose: false,
      stream: { write: (part) => (text += part) },
      theme: PLAIN,
    });
    const hosts = [hostAt('dead', await freePort()), hostAt('live', sshd.target().port)];
    await run({
      cluster: { name: 'c', hosts, leaving: [] },
      selection: {},
      concurrency: 2,
      signal: new AbortController().signal,
      emit: view.emit,
      lockNote: '',
      acceptNewHostKeys: false,
    } as unknown as EngineInput);
    await view.end();
    expect(text).toMatch(/^! dead: nothing listens on 127\.0\.0\.1:\d+ \(connection refused\)\n$/);
  });

  test('has its place in the inventory, and so have those that are, whoever answers first', async () => {
    const live = sshd.target().port;
    // A name has to be looked up, which takes longer.
    const hosts = [hostAt('d1', await freePort(), 'localhost'), hostAt('d2', await freePort()), hostAt('l1', live, 'localhost'), hostAt('l2', live)]; // prettier-ignore
    const options = {
      concurrency: 4,
      signal: new AbortController().signal,
      emit: () => undefined,
      lock: 'none',
      lockNote: '',
      acceptNewHostKeys: true,
      since: () => 0,
    } as const;
    const fleet = await openFleet(hosts, options);
    await fleet.close();
    expect([...fleet.unreachable.keys()]).toEqual(['d1', 'd2']);
    expect([...fleet.sessions.keys()]).toEqual(['l1', 'l2']);
  });
});
