import { readerOf } from '../../../src/engine/hosts/reader.ts';
import { createHash, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { clockWarning, hostsNow } from '../../../src/cluster/clock.ts';
import type { Facts } from '../../../src/cluster/facts.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import { authorityWarning } from '../../../src/engine/plan/authority-end.ts';
import { prepare, type Prepared } from '../../../src/engine/runs/prepare.ts';
import { createAuthority } from '../../../src/pki/authority.ts';
import { signLeaf } from '../../../src/pki/leaf.ts';
import type { Resource, SharedState } from '../../../src/resources/types.ts';
import type { Stage } from '../../../src/states/stage.ts';
import type { SessionRecord } from '../../../src/transport/types.ts';
import { AUTHORITY as AUTHORITY_PEM, OTHER_AUTHORITY } from '../../resources/pems.ts';
import { leafSpec } from '../../pki/spec.ts';
import { anyArtifact, factsOf, labCluster } from '../../states/cluster.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

const HOUR = 3_600_000;
const RECIPE = { type: 'authority', commonName: 'test', days: 3650, keyAlgorithm: 'ecdsa-p256' } as const;
const ACCESS = { mode: '0600', owner: 'root', group: 'root' };
const AUTHORITY: Resource = {
  kind: 'sharedSecret',
  id: 'authority/test',
  recipe: RECIPE,
  holder: true,
  files: ['cert', 'key', 'bundle'].map((item) => ({ item, path: `/ca/${item}`, ...ACCESS })),
};
const cluster = await labCluster();

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What a probe answers of a host that has these files and no others. */
function answers(files: Record<string, string>): SessionRecord[] {
  const line = (path: string, type: string, mode: string): string => {
    const fields = [path, type, mode, 'root', 'root', '1', '1.0', path];
    return `\x1f${fields.join('\x1f')}\x1f\n`;
  };
  const paths = [
    line('./', '41ed', '755'),
    ...Object.keys(files).map((path) => line(`.${path}`, '81a4', path.endsWith('key') ? '600' : '644')),
  ].join('');
  const sums = Object.entries(files).map(([path, text]) => `${sha256(text)}  .${path}\n`);
  // The text of a key is never asked for.
  const shown = Object.entries(files).filter(([path]) => !path.endsWith('key'));
  const texts = shown.map(([path, text]) => `==> .${path} <==\n${text}`);
  const record = (kind: string, text: string): SessionRecord => ({ kind, args: [], body: Buffer.from(text) });
  return [record('paths', `${paths}\n${sums.join('')}`), record('texts', texts.join('\n'))];
}

/** A run of one stage on m1, whose clock is `skew` ms off ours, and what was told. */
async function prepared(
  skew: number,
  resources: Resource[],
  files: Record<string, string> = {},
): Promise<{ run: Prepared; told: unknown[] }> {
  const master = cluster.hosts.filter(({ name }) => name === 'm1');
  const stage: Stage = { name: 'certificates', title: '', hosts: () => master, needs: [], states: () => resources };
  const told: unknown[] = [];
  const fleet = fakeFleet({
    request: (_host, _op, _body, onRecord) => {
      for (const record of answers(files)) onRecord(record);
      return Promise.resolve(0);
    },
  });
  const input = {
    cluster,
    stages: [stage],
    artifacts: anyArtifact,
    manifests: new Map(),
    openArtifacts: () => Promise.resolve(anyArtifact),
    openManifests: () => Promise.resolve(new Map()),
    selection: {},
    concurrency: 1,
    signal: new AbortController().signal,
    emit: (event: { type: string }) => {
      if (event.type === 'warning') told.push(event);
    },
    tool: 'test',
    command: 'plan',
    who: 'me',
  } as unknown as EngineInput;
  const facts = factsOf(cluster, {}, { clockSkewMs: skew });
  const reader = readerOf(fleet, input.signal);
  const run = await prepare(input, { fleet, reader, facts, since: () => 0, exclusive: false });
  return { run, told };
}

/** From when on it is valid, against a clock that is `skew` ms off ours. */
function backdated(pem: unknown, skew: number): number {
  return Date.now() + skew - Date.parse(new X509Certificate(String(pem)).validFrom);
}

describe.each([
  ['the same time', 0],
  ['an hour less than the operator', -HOUR],
  ['a year more than the operator', 8760 * HOUR],
])('hosts that have %s', (_what, skew) => {
  it('find what is made valid from five minutes ago on', async () => {
    const { run } = await prepared(skew, [AUTHORITY, leafSpec()]);
    const { cert } = await run.means.materials.leaf(leafSpec());
    const authority = await run.means.materials.item('authority/test', 'cert');
    for (const pem of [cert, authority]) {
      const age = backdated(pem, skew);
      expect(age).toBeGreaterThanOrEqual(5 * 60_000);
      expect(age).toBeLessThan(10 * 60_000);
    }
  });

  it('are asked by their own time whether a certificate is due', async () => {
    const made = new Date(Date.now() + skew);
    const old = new Date(made.getTime() - 336 * 24 * HOUR);
    const authority = await createAuthority(RECIPE, old);
    const reasonsOf = async (at: Date): Promise<unknown> => {
      const { cert, key } = await signLeaf(leafSpec({ days: 365 }), authority, at);
      const spec = leafSpec({ days: 365, renewBeforeDays: 30 });
      const { run } = await prepared(skew, [spec], { [spec.path]: cert, [spec.keyPath]: key.reveal() });
      return run.program.plan.stages[0]?.hosts[0]?.items.find(({ kind }) => kind === 'certificate')?.comparison;
    };
    const due = [expect.stringMatching(/^expires on .*, 28 days from now/)];
    expect(await reasonsOf(old)).toMatchObject({ result: 'change', reasons: expect.arrayContaining(due) as unknown });
    const early = [expect.stringMatching(/^not valid before .*, by the hosts' clocks$/)];
    expect(await reasonsOf(new Date(made.getTime() + HOUR))).toMatchObject({
      result: 'change',
      reasons: expect.arrayContaining(early) as unknown,
    });
    expect(await reasonsOf(made)).toMatchObject({ result: 'unchanged' });
  });
});

describe('an operator whose clock is off', () => {
  it.each([
    [-HOUR - 61_000, '1 h 1 min ahead of'],
    [301_000, '5 min behind'],
  ])('by %i ms is told so, once, and works', async (skew, off) => {
    const { told } = await prepared(skew, []);
    const message = `the clock of this machine is ${off} the hosts'. Certificates are dated by theirs; set this one`;
    expect(told).toEqual([{ at: 0, type: 'warning', message }]);
  });

  it.each([0, -300_000, 300_000])('by %i ms hears nothing', async (skew) => {
    expect((await prepared(skew, [])).told).toEqual([]);
  });

  it('one host with a wild clock decides nothing', () => {
    const facts = factsOf(cluster) as Facts & { hosts: Map<string, { clockSkewMs: number }> };
    const skews = [-1000, 0, 0, 1000, 9e12];
    const hosts = new Map([...facts.hosts].map(([name, own], at) => [name, { ...own, clockSkewMs: skews[at] ?? 0 }]));
    expect(hostsNow({ hosts }, 5000)).toEqual(new Date(5000));
    expect(clockWarning({ hosts })).toBeUndefined();
    expect(hostsNow({ hosts: new Map() }, 5000)).toEqual(new Date(5000));
  });
});

describe('an authority that ends soon', () => {
  const left = (days: number): Date => new Date(Date.now() - (3650 - days) * 24 * HOUR);

  it.each([
    [20, true],
    [90, true],
    [92, false],
  ])('is told of in one line of the run, %i days before: %s', async (days, told) => {
    const authority = await createAuthority(RECIPE, left(days));
    const { cert, key } = await signLeaf(leafSpec({ days: 365 }), authority, new Date());
    const spec = leafSpec({ days: 365, renewBeforeDays: 30 });
    const files = {
      '/ca/cert': authority.cert,
      '/ca/key': authority.key.reveal(),
      '/ca/bundle': authority.bundle,
      [spec.path]: cert,
      [spec.keyPath]: key.reveal(),
    };
    const { run, told: lines } = await prepared(0, [AUTHORITY, spec], files);
    expect(lines).toHaveLength(told ? 1 : 0);
    if (told)
      expect(lines).toMatchObject([
        { message: expect.stringMatching(/^authority\/test ends on \d{4}-\d\d-\d\d, \d+ days from now: /) as unknown },
      ]);
    const leaf = run.program.plan.stages[0]?.hosts[0]?.items.find(({ kind }) => kind === 'certificate');
    expect(leaf?.comparison).toMatchObject({ result: 'unchanged' });
  });

  it('names all of a day together', () => {
    const state = (text: string): SharedState => ({ state: 'held', hashes: {}, texts: { cert: text } });
    const shared = new Map([
      ['authority/a', state(AUTHORITY_PEM)],
      ['authority/b', state(OTHER_AUTHORITY)],
      ['encryption', { state: 'held' as const, hashes: {}, texts: {} }],
    ]);
    const at = (day: string): string | undefined => authorityWarning(shared, new Date(day));
    expect(at('2035-12-20T00:00:00Z')).toMatch(/^authority\/a, authority\/b end on 2035-12-30, 10 days from now: no /);
    expect(at('2036-01-20T00:00:00Z')).toMatch(/^authority\/a, authority\/b ended on 2035-12-30: no /);
    expect(at('2035-09-20T00:00:00Z')).toBeUndefined();
  });
});
