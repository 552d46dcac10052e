import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/cluster/gate.ts';
import { parseStat } from '../../src/cluster/haproxy.ts';
import { parseHttp, parseJson } from '../../src/cluster/http.ts';
import { parseResources } from '../../src/cluster/objects.ts';
import { deepMerge } from '../../src/core/merge.ts';
import { parseGenerations } from '../../src/engine/past/generations.ts';
import { parseJournal } from '../../src/engine/past/journal-lines.ts';
import { pastRuns } from '../../src/engine/past/past-runs.ts';
import { decodeConverge } from '../../src/engine/wire/wire-converge.ts';
import { decodeFacts } from '../../src/engine/wire/wire-facts.ts';
import { decodeObserved, emptyReads } from '../../src/engine/wire/wire.ts';
import { toJson } from '../../src/report/json.ts';
import { project } from '../../src/resources/kube-fields.ts';
import { decodeAnswer } from '../../src/transport/commands.ts';
import type { SessionRecord } from '../../src/transport/types.ts';

const NASTY = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];
const ASKED = ['etc', 'a.service'];
const name = fc.constantFrom(...NASTY, ...ASKED);
const value = fc.constantFrom('polluted', '1', '', '{"x":1}');
const SHA = 'a'.repeat(64);

/** A path, or what a host may say in place of one: the decoders take its dot away. */
const at = (n: string): string => (NASTY.includes(n) ? n : `/${n}`);

/** Each kind of record, about a name: as our scripts write them. */
const BODIES: Readonly<Record<string, (name: string, value: string) => string>> = {
  // Also a hash without the path that it is of: that one was written into what all objects share.
  paths: (n, v) =>
    `${v === '' ? '' : `\x1f.${at(n)}\x1f81a4\x1f644\x1f${v}\x1fg\x1f1\x1f1.0\x1f.${at(n)}\x1f\n`}\n${SHA}  .${at(n)}\n`,
  texts: (n, v) => `==> .${at(n)} <==\n${v}\n==> ./proc/meminfo <==\nMemTotal: 1 kB\n`,
  certificates: (n, v) => `==> .${at(n)} <==\n${v}\n`,
  listings: (n, v) => `.${at(n)}\x1f${v}\x1f\x1f`,
  binaries: (n) => `${SHA}  .${at(n)}\n`,
  units: (n, v) => `Id=${n}\n${n}=${v}\nActiveState=${v}\n`,
  stamps: (n, v) => `${n} ${v} b c\n`,
  executables: (n) => `${n}\n`,
  packages: (n, v) => `${n} install ${v} 1\n`,
  modules: (n) => `${n} 1\n`,
  users: (n, v) => `${n}:x:0:0::/${v}:/bin/sh\n`,
  groups: (n) => `${n}:x:0:\n`,
  commands: (n) => `${n} 0\n`,
  facts: (n, v) => `${n}=${v}\nmtu=${n} 1500\n`,
  addresses: (n) => `2: ${n}    inet 10.0.0.1/24 brd\n`,
  filesystems: (n, v) => `${n} ${v} 1 1\n`,
  ports: (n) => `LISTEN 0 1 ${n}:22 0.0.0.0:*\n`,
  clock: () => '1',
};
const stream: fc.Arbitrary<SessionRecord[]> = fc
  .tuple(
    ...Object.entries(BODIES).map(([kind, body]) =>
      fc.tuple(name, value).map(([n, v]): SessionRecord => ({ kind, args: [], body: Buffer.from(body(n, v)) })),
    ),
  )
  .chain((records) => fc.shuffledSubarray(records, { minLength: 1 }));

const PATHS = ASKED.map((each) => `/${each}`);
const READS = {
  ...emptyReads(),
  paths: PATHS,
  texts: PATHS,
  certificates: PATHS,
  listings: PATHS,
  binaries: PATHS,
  units: ASKED,
  packages: ASKED,
  users: ASKED,
  modules: ASKED.map((each) => ({ name: each })),
  commands: ASKED.map((id) => ({ id, argv: ['true'] })),
};
const RECEPTION = { host: 'w1', vip: '10.0.0.9', sentAt: 0, receivedAt: 1 };
const said = (stdout: string): Answer => ({ host: 'w1', exitCode: 0, stdout, stderr: '' });

/** What the reading trips over is an error for the host; undefined then. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return undefined;
  }
}

const OF = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype];
/** Every name that all objects have, and what it stands for. */
function shared(): unknown[] {
  return OF.flatMap((prototype) =>
    Reflect.ownKeys(prototype).flatMap((key) => [
      key,
      Reflect.getOwnPropertyDescriptor(prototype, key)?.value as unknown,
    ]),
  );
}

const before = shared();
function isUntouched(): boolean {
  const now = shared();
  return now.length === before.length && now.every((each, index) => each === before[index]);
}

describe('whatever a host names', () => {
  it('of what a probe saw, only what was asked is taken, and no prototype gains a name', () => {
    fc.assert(
      fc.property(stream, (records) => {
        const seen = attempt(() => decodeObserved(records, READS));
        expect(isUntouched()).toBe(true);
        for (const group of Object.values(seen ?? {})) {
          const names = Reflect.ownKeys(group as object).map((key) => String(key).replace(/^\//, ''));
          expect(names.filter((each) => !ASKED.includes(each))).toEqual([]);
          // Nor is there anything for who looks up another name.
          for (const each of NASTY) expect((group as Record<string, unknown>)[each]).toBeUndefined();
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of its facts, no prototype gains a name', () => {
    fc.assert(
      fc.property(stream, (records) => {
        const facts = attempt(() => decodeFacts(records, RECEPTION));
        expect(Object.keys(facts?.files ?? {}).filter((path) => NASTY.includes(path.slice(1)))).toEqual([]);
        expect(isUntouched()).toBe(true);
      }),
    );
  });

  it.each(['paths', 'binaries', 'modules', 'commands'])(
    'an answer about %s that were not asked is an error',
    (kind) => {
      const body = BODIES[kind]!('__proto__', 'polluted');
      expect(() => decodeObserved([{ kind, args: [], body: Buffer.from(body) }], READS)).toThrow(/which was not asked/);
    },
  );

  it('of its journals, generations, services and objects, no prototype gains a name', () => {
    fc.assert(
      fc.property(name, value, (n, v) => {
        const object = `{"${n}":{"x":"${n}"},"items":[],"resources":[{"kind":"${n}","name":"${n}"}]}`;
        const lines = parseJournal(`1700000000000 ${n} ${n} ${n} ${v}\n`);
        attempt(() => pastRuns(new Map([[n, { lines, locked: true }]])));
        attempt(() => parseGenerations('w1', `/var/lib/mcpk/generations/${n}/${n}.undo:restores ${n}\n`));
        parseStat(said(`# pxname,svname,${n}\n${n},${n},${v}\n`));
        const answer = said(`HTTP/1.1 200 OK\r\n${n}: ${v}\r\n\r\n${object}`);
        expect(parseHttp(answer)?.headers.get('constructor')).toBe(n === 'constructor' ? v : undefined);
        parseResources(answer);
        const json = parseJson(answer) as Record<string, unknown>;
        toJson(new Map([[n, json]]));
        deepMerge({ a: {} }, json);
        project(json, { metadata: { labels: { a: '1' } }, [n]: { x: v } });
        expect(isUntouched()).toBe(true);
      }),
    );
  });
});

describe('an answer to what was not asked', () => {
  it.each(['4294967294', '1', '-1', '1e3', 'x'])('names the command %s, of one: an error', (id) => {
    const record = { kind: 'exec', args: [id, '0', '0'], body: Buffer.alloc(0) };
    expect(() => decodeAnswer(record, [{ argv: ['true'] }])).toThrow(/an answer/);
  });

  it('names a resource that the stream does not have: an error', () => {
    const request = { run: 'r', stage: 'a', caller: '', notes: [], preconditions: [], ownedBefore: '', ownedAfter: '' };
    const steps = [{ ref: 'file:/a', ops: [] }];
    const event = (ref: string): SessionRecord => ({
      kind: 'event',
      args: ['1', ref, 'changed', '1'],
      body: Buffer.alloc(0),
    });
    expect(decodeConverge({ ...request, steps }, event('file%3A%2Fa'))).toMatchObject({ ref: 'file:/a' });
    expect(() => decodeConverge({ ...request, steps }, event('__proto__'))).toThrow(/which was not asked/);
  });
});
