import { readerOf } from '../../../src/engine/hosts/reader.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FailureList, McpkError } from '../../../src/core/errors.ts';
import type { Comparisons } from '../../../src/engine/plan/compare.ts';
import type { Fleet } from '../../../src/engine/hosts/fleet.ts';
import { askGates } from '../../../src/engine/hosts/gates.ts';
import { gather } from '../../../src/engine/read/gather.ts';
import { probeApi } from '../../../src/engine/read/probe-api.ts';
import { probeHosts } from '../../../src/engine/read/probe.ts';
import { withStanding } from '../../../src/engine/read/standing.ts';
import type { KubeObjectResource, Resource } from '../../../src/resources/types.ts';
import { STAGES } from '../../../src/states/index.ts';
import type { SessionRecord } from '../../../src/transport/types.ts';
import { factsOf, labCluster, registered } from '../../states/cluster.ts';
import { anyCharacter } from '../../support/any-character.ts';

const cluster = await labCluster();
const facts = factsOf(cluster, { etcd: 'formed', nodes: registered(cluster) });
const signal = new AbortController().signal;
const session = {} as never;

/** Hosts that answer each request and each command with whatever is drawn. */
function fleetOf(answers: { records: SessionRecord[]; exitCode: number; texts: string[] }): Fleet {
  let turn = 0;
  return {
    sessions: new Map(cluster.hosts.map((host) => [host.name, session])),
    unreachable: new Map(),
    request: (_host, _op, _body, onRecord) => {
      for (const record of answers.records) onRecord(record);
      return Promise.resolve(answers.exitCode);
    },
    exec: (_host, commands) =>
      Promise.resolve(
        commands.map(() => ({ exitCode: 0, stdout: answers.texts[turn++ % answers.texts.length] ?? '', stderr: '' })),
      ),
    read: () => Promise.reject(new Error('not asked for')),
    upload: () => Promise.reject(new Error('not asked for')),
    download: () => Promise.reject(new Error('not asked for')),
    reach: () => Promise.reject(new Error('not asked for')),
    rejoin: () => Promise.reject(new Error('not asked for')),
    close: () => Promise.resolve(),
  };
}

const KINDS = ['paths', 'texts', 'certificates', 'listings', 'binaries', 'units', 'stamps', 'packages', 'sysctls'];
const MORE = ['modules', 'users', 'groups', 'commands', 'facts', 'network', 'filesystems', 'ports'];
/** What the real answers are made of, in no order. */
const pieces = fc
  .array(
    fc.oneof(
      fc.constantFrom('\x1f', '\n', ' ', ':', '=', './', '%', '%E0%A4%A', '==> ./etc/os-release <==\n', '1', 'f', '{'),
      fc.constantFrom('==> ./var/lib/mcpk/owned.json <==\n', '==> ./proc/meminfo <==\nMemTotal: 1 kB\n', 'Id=x', '"'),
      fc.string({ unit: anyCharacter, maxLength: 5 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
const record: fc.Arbitrary<SessionRecord> = fc.record({
  kind: fc.constantFrom(...KINDS, ...MORE, 'clock', 'event', 'stale', 'exec'),
  args: fc.array(fc.string({ maxLength: 4 }), { maxLength: 4 }),
  body: pieces.map((text) => Buffer.from(text)),
});
const known = [
  '',
  '0',
  'true',
  '[]',
  '{}',
  'null',
  '{"items":[{}]}',
  '{"items":5}',
  '{"data":{"owned":"{"}}',
  '{"data":5}',
];
const body = fc.oneof(fc.constantFrom(...known), fc.json({ maxDepth: 2 }), fc.string());
const http = fc
  .tuple(fc.constantFrom('200 OK', '200 OK', '404 Not Found'), body)
  .map(([status, text]) => `HTTP/1.1 ${status}\r\nContent-Length: ${String(Buffer.byteLength(text))}\r\n\r\n${text}`);
/** Several requests to one server are answered in one text. */
const said = fc.oneof(
  fc.array(http, { minLength: 1, maxLength: 4 }).map((all) => all.join('')),
  body,
);
const answers = fc.record({
  records: fc.array(record, { maxLength: 14 }),
  exitCode: fc.constantFrom(0, 0, 0, 1, 137),
  texts: fc.array(said, { minLength: 1 }),
});

/** Fails on anything but a result or an error of ours that says which host it was. */
async function typed(work: Promise<unknown>): Promise<void> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return;
  const errors = error instanceof FailureList ? error.errors : [error];
  for (const each of errors) {
    expect(each).toBeInstanceOf(McpkError);
    expect(cluster.hosts.map((host) => host.name)).toContain((each as McpkError).host);
  }
}

const OBJECT: KubeObjectResource = { kind: 'kubeObject', id: 'v1/ConfigMap/a/b', object: {} };
const FILE: Resource = { kind: 'file', path: '/etc/a', content: 'x', mode: '0644', owner: 'root', group: 'root' };
const STATES = cluster.hosts.map(({ name }) => ({ host: name, stage: 's', resources: [FILE] }));
const TREE = [{ name: 's', title: 's', needs: [], hosts: STATES }];

/** All that guards stand before is about to change. */
const CHANGED = {
  stages: new Map(STAGES.map((stage) => [stage.name, [{ host: 'm1', items: [{ comparison: { result: 'change' } }] }]])),
} as unknown as Comparisons;

describe('a host that answers nonsense', () => {
  it.each<[string, (fleet: Fleet) => Promise<unknown>]>([
    ['to the probe', (fleet) => probeHosts(readerOf(fleet, signal), TREE, facts.hosts)],
    ['about itself', (fleet) => gather(fleet, cluster, signal)],
    [
      'about who serves',
      (fleet) => withStanding({ reader: readerOf(fleet, signal), cluster, stages: STAGES }, facts, CHANGED),
    ],
    ['for the API', (fleet) => probeApi({ reader: readerOf(fleet, signal), cluster, host: 'm1' }, [OBJECT])],
  ])('%s is named in a typed error', async (_what, ask) => {
    await fc.assert(
      fc.asyncProperty(answers, (drawn) => typed(ask(fleetOf(drawn)))),
      { numRuns: 60 },
    );
  });

  it('to the gates lets none of them hold by a crash', async () => {
    const hosts = cluster.hosts.map((host) => host.name);
    const gates = STAGES.flatMap((stage) => stage.gate?.({ cluster, facts, hosts }) ?? []);
    expect(gates.length).toBeGreaterThan(10);
    await fc.assert(
      fc.asyncProperty(answers, async (drawn) => {
        for (const { wrong } of await askGates(readerOf(fleetOf(drawn), signal), gates))
          expect(['string', 'undefined']).toContain(typeof wrong);
      }),
      { numRuns: 30 },
    );
  });
});

describe('what a host did not read is never taken for absent', () => {
  const path = (name: string, type: string): string =>
    `\x1f${name}\x1f${type}1ed\x1f755\x1froot\x1froot\x1f1\x1f1.0\x1f${name}\x1f\n`;
  const paths = (...lines: string[]): SessionRecord => ({ kind: 'paths', args: [], body: Buffer.from(lines.join('')) });
  const root = path('./', '4');

  it.each<[string, SessionRecord[], number, RegExp]>([
    ['the probe was killed', [paths(root)], 137, /^m1: what is there is not known: the probe ended with 137$/],
    ['stat did not run', [paths('')], 0, /no path could be read$/],
    ['there is no answer at all', [], 0, /no path could be read$/],
    ['sha256sum did not run', [paths(root, path('./etc/a', '8'))], 0, /\/etc\/a could not be read$/],
  ])('when %s', async (_what, records, exitCode, message) => {
    const fleet = fleetOf({ records, exitCode, texts: [''] });
    const one = new Map([...facts.hosts].filter(([name]) => name === 'm1'));
    await expect(probeHosts(readerOf(fleet, signal), TREE, one)).rejects.toThrow(
      expect.objectContaining({ code: 'unreachable', host: 'm1', message: expect.stringMatching(message) as string }),
    );
  });

  it('but what is absent beside a root that is there is', async () => {
    const fleet = fleetOf({ records: [paths(root)], exitCode: 0, texts: [''] });
    const seen = await probeHosts(readerOf(fleet, signal), TREE, facts.hosts);
    expect(seen.get('m1')?.paths['/etc/a']).toBeUndefined();
  });
});
