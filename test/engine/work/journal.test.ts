import { describe, expect, it } from 'vitest';

import { McpkError } from '../../../src/core/errors.ts';
import type { Fleet } from '../../../src/engine/hosts/fleet.ts';
import { createJournal, type Journal } from '../../../src/engine/work/journal.ts';
import { CONVERGE_TAGS as TAGS } from '../../../src/engine/wire/wire-tags.ts';
import type { Event } from '../../../src/engine/types.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

interface Told {
  journal: Journal;
  /** `m1: step … | close`: the requests as they were made, without head and times. */
  requests: string[];
}

function told(options: { exitCode?: number; lost?: readonly string[] } = {}): Told {
  const requests: string[] = [];
  const fleet: Partial<Fleet> = {
    request: (host, op, body) => {
      expect(op).toBe('converge');
      const [, caller, ...lines] = body.toString('utf8').trimEnd().split('\n');
      expect(caller).toBe(`${TAGS.caller} root%40ops1 apply 9d3c`);
      requests.push(`${host}: ${lines.map(plain).join(' | ')}`);
      if (options.lost?.includes(host)) return Promise.reject(new McpkError('unreachable', host));
      return Promise.resolve(options.exitCode ?? 0);
    },
  };
  const journal = createJournal({
    run: 'R1',
    who: 'root@ops1',
    command: 'apply',
    planHash: '9d3c',
    fleet: fakeFleet(fleet),
    hosts: ['m1', 'm2', 'w1'],
    skew: () => 5000,
    signal: new AbortController().signal,
  });
  return { journal, requests };
}

/** The entry of a note, else what the line asks for. */
function plain(line: string): string {
  const [tag, ...words] = line.trimEnd().split(' ');
  if (tag === TAGS.note) return words.slice(2).join(' ');
  return { [TAGS.notesOnly]: 'only notes', [TAGS.close]: 'close' }[tag ?? ''] ?? line;
}

const started = (stage: string, host: string): Event => ({ at: 0, type: 'host-start', stage, host, changes: 1 });
const gate = (title: string, status: 'waiting' | 'passed' | 'failed' = 'passed'): Event => ({
  at: 0,
  type: 'gate',
  stage: 'etcd',
  title,
  status,
  ms: 0,
});
const withoutTime = (line: string): string => line.slice(14);

describe('what a run notes', () => {
  it('travels with the next stream of the host, by its clock', () => {
    const { journal, requests } = told();
    journal.note('m1', 'gate', 'etcd', 'passed', 'all healthy');
    const [line = ''] = journal.take('m1');
    expect(Number(line.slice(0, 13)) - Date.now()).toBeGreaterThan(4000);
    expect(withoutTime(line)).toBe('R1 gate etcd passed all%20healthy');
    expect([journal.take('m1'), requests]).toEqual([[], []]);
  });

  it('of a gate is of the hosts that changed and that it names; of all that changed when it names none or fails', () => {
    const { journal } = told();
    for (const event of [started('etcd', 'm1'), started('etcd', 'm2'), started('haproxy', 'w1')]) journal.hear(event);
    journal.hear(gate('member m2 healthy', 'waiting'));
    journal.hear(gate('member m2 healthy'));
    journal.hear(gate('node w1 Ready'));
    journal.hear(gate('one leader'));
    journal.hear(gate('member m2 keeps up', 'failed'));
    journal.hear({ at: 0, type: 'step', stage: 'etcd', host: 'm1', title: 'move the leader', status: 'start' });
    journal.hear({ at: 0, type: 'step', stage: 'etcd', host: 'm1', title: 'move the leader', status: 'undone' });
    expect(['m1', 'm2', 'w1'].map((host) => journal.take(host).map(withoutTime))).toEqual([
      [
        'R1 gate etcd passed one%20leader',
        'R1 gate etcd failed member%20m2%20keeps%20up',
        'R1 step etcd undone move%20the%20leader',
      ],
      [
        'R1 gate etcd passed member%20m2%20healthy',
        'R1 gate etcd passed one%20leader',
        'R1 gate etcd failed member%20m2%20keeps%20up',
      ],
      [],
    ]);
  });

  it('is sent by itself where nothing else travels, and not under the lock of another', async () => {
    const { journal, requests } = told();
    journal.note('m1', 'stage', 'addons');
    await journal.send('m1');
    expect(requests).toEqual(['m1: stage addons | only notes']);
    await expect(told({ exitCode: 13 }).journal.send('m1')).rejects.toMatchObject({ code: 'locked', exitCode: 13 });
  });
});

describe('the end of a run', () => {
  const ends: [string, McpkError[], string][] = [
    ['that succeeded', [], 'succeeded 0'],
    ['that failed', [new McpkError('gate', 'x'), new McpkError('stage', 'y')], 'failed 16'],
    ['that was interrupted', [new McpkError('interrupted', 'x')], 'interrupted 130'],
    ['that was rolled back', [new McpkError('rolledBack', 'x')], 'rolled-back 19'],
  ];
  it.each(ends)(
    '%s is written down where it changed something, and where one before it was cut off',
    async (_, failures, result) => {
      const { journal, requests } = told({ lost: ['m2'] });
      journal.take('m1');
      journal.take('m2');
      journal.note('m2', 'step', 'etcd', 'done', 'x');
      await journal.close(failures, ['w1', 'm1'], new Set());
      expect(requests.toSorted()).toEqual([
        `m1: result ${result} | close`,
        `m2: step etcd done x | result ${result} | close`,
        `w1: result ${result} | close`,
      ]);
    },
  );

  it('leaves the mark where one before it still owes something', async () => {
    const { journal, requests } = told();
    journal.take('m1');
    journal.take('m2');
    await journal.close([], [], new Set(['m2']));
    expect(requests.toSorted()).toEqual(['m1: result succeeded 0 | close', 'm2: result succeeded 0 | only notes']);
  });

  it('that changed nothing costs no request', async () => {
    const { journal, requests } = told();
    journal.hear(gate('one leader'));
    await journal.close([], [], new Set());
    expect(requests).toEqual([]);
  });
});
