import { describe, expect, it } from 'vitest';
import type { EngineInput } from '../../../src/engine/input.ts';
import { McpkError } from '../../../src/core/errors.ts';
import { checkReachable, open } from '../../../src/engine/read/open.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import type { Session } from '../../../src/transport/types.ts';
import { loadYaml } from '../../inventory/load-text.ts';

/** Nothing listens at port 1 of this machine. */
const SSH = 'ssh: { agent: false, port: 1, connectTimeout: 1 }\n';

const clusterWith = (state: string): Promise<Cluster> =>
  loadYaml(`name: c
${SSH}hosts:
  - { name: m1, address: localhost, internalAddress: 10.9.0.11, roles: [master] }
  - { name: w1, address: 127.0.0.1, internalAddress: 10.9.0.12, roles: [worker], state: ${state} }
`);

describe('a host that leaves and is not reached', () => {
  const hintFor = async (command: string, ...answered: string[]): Promise<string | undefined> => {
    const sessions = new Map(answered.map((host) => [host, {} as Session]));
    const dead = new McpkError('unreachable', 'w1: no answer', { host: 'w1', hint: 'Is it up?' });
    const input = { cluster: await clusterWith('absent'), command } as EngineInput;
    try {
      checkReachable(input, { sessions, unreachable: new Map([['w1', dead]]) });
    } catch (error) {
      return (error as McpkError).hint;
    }
    return undefined;
  };

  it.each([
    ['apply', 'If it is dead, or must not be touched, say so: state: gone'],
    ['node remove', 'If it is dead, or must not be touched, say so: mcpk node remove w1 --gone'],
    ['reset', 'Is it up?'],
  ])('where others answer %s says what to do if it is dead', async (command, hint) => {
    expect(await hintFor(command, 'm1')).toBe(hint);
  });

  it('where nobody answers is like all the others', async () => {
    expect(await hintFor('node remove')).toBe('Is it up?');
  });

  it.each([
    ['absent', ['m1', 'w1']],
    ['gone', ['m1']],
  ])('is asked unless it is gone: %s', async (state, contacted) => {
    const events: unknown[] = [];
    const input = {
      cluster: await clusterWith(state),
      stages: [],
      selection: {},
      concurrency: 2,
      acceptNewHostKeys: false,
      lockNote: '',
      signal: new AbortController().signal,
      emit: (event: unknown) => events.push(event),
      command: 'apply',
    } as unknown as EngineInput;
    await expect(open(input, 'none')).rejects.toThrow();
    expect(events[0]).toMatchObject({ type: 'run-start', hosts: contacted });
  });
});
