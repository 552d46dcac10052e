import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ADMINS } from '../../../src/cluster/access.ts';
import { convergeApi } from '../../../src/engine/work/api.ts';
import { bindAdmins } from '../../../src/engine/work/break-glass.ts';
import { createMaterials } from '../../../src/engine/work/materials.ts';
import { bareHost } from '../../../src/cluster/bare-host.ts';
import type { Session } from '../../../src/transport/types.ts';
import type { Means } from '../../../src/engine/work/means.ts';
import { API } from '../../../src/core/places.ts';
import type { Event, PlanItem } from '../../../src/engine/types.ts';
import { emptyObserved } from '../../resources/case.ts';
import { labCluster } from '../../states/cluster.ts';
import { fakeApi, type FakeApi } from '../support/fake-api.ts';
import { AUTHORITY, CHANGE, runOf, withFleet } from '../support/fake-run.ts';

const HOUR = 3_600_000;
/** The host's clock is so much ahead of ours. */
const SKEW = 40 * 24 * HOUR;
const BINDING = `kubeObject:${ADMINS.binding}`;

interface Made {
  means: Means;
  api: FakeApi;
  events: Event[];
}

/** A run on masters of which each lets us in only after so many questions. */
async function running(refusals: Record<string, number> = {}, live?: object): Promise<Made> {
  const left = new Map(Object.entries(refusals));
  const api = fakeApi(({ host }) => {
    const more = left.get(host) ?? 0;
    left.set(host, more - 1);
    return more > 0 ? { status: 403, body: { message: 'forbidden' } } : { status: 200 };
  });
  const { means, events } = runOf({});
  const fleet = {
    exec: api.exec,
    sessions: new Map(['m1', 'm2', 'm3'].map((name) => [name, {} as Session])),
  };
  const materials = createMaterials({
    fleet: means.fleet,
    shared: new Map([['authority/cluster', { state: 'absent', hashes: {}, texts: {} }]]),
    secrets: new Map([['authority/cluster', [{ host: 'm1', resource: AUTHORITY }]]]),
    signal: means.state.signal,
    now: () => new Date(),
  });
  const texts = live === undefined ? {} : { [`api:${ADMINS.binding}`]: JSON.stringify(live) };
  const facts = {
    ...means.facts,
    apiHost: 'm1',
    hosts: new Map([['m1', { ...bareHost('m1', ''), clockSkewMs: SKEW }]]),
  };
  const made: Means = {
    ...withFleet(means, fleet),
    cluster: await labCluster(),
    facts,
    materials,
    observed: new Map([[API, { ...emptyObserved(), texts }]]),
  };
  return { means: made, api, events };
}

/** Who is named by the kubeconfig on standard input. */
function certificateOf(stdin: string): X509Certificate {
  const { users } = JSON.parse(stdin) as { users: { user: { 'client-certificate-data': string } }[] };
  return new X509Certificate(Buffer.from(users[0]?.user['client-certificate-data'] ?? '', 'base64'));
}

describe('where the administrator is not let in', () => {
  it('he is bound as system:masters, by a certificate of an hour of the clock of the host', async () => {
    const { means, api } = await running();
    await bindAdmins(means, 'api-access', 'm1');
    expect(api.commands.map(({ argv }) => argv.slice(4))).toEqual([
      ['delete', 'clusterrolebinding', 'mcpk:cluster-admins', '--ignore-not-found'],
      [
        'create',
        'clusterrolebinding',
        'mcpk:cluster-admins',
        '--clusterrole=cluster-admin',
        '--group=mcpk:cluster-admins',
      ],
    ]);
    for (const { stdin, host } of api.commands) {
      const { subject, validTo } = certificateOf(stdin);
      expect(host).toBe('m1');
      expect(subject).toContain('O=system:masters');
      const ends = Date.parse(validTo) - Date.now() - SKEW;
      expect(ends).toBeGreaterThan(HOUR / 2);
      expect(ends).toBeLessThanOrEqual(HOUR);
    }
  });

  it('what he is bound with is on standard input alone: in no file, in no words, in no event', async () => {
    const { means, api, events } = await running();
    await bindAdmins(means, 'api-access', 'm1');
    expect(api.commands.map(({ argv }) => argv[1])).toEqual(['--kubeconfig=/dev/stdin', '--kubeconfig=/dev/stdin']);
    const key = /"client-key-data":"([^"]+)"/.exec(api.commands[0]?.stdin ?? '')?.[1] ?? '';
    expect(key.length).toBeGreaterThan(100);
    expect(JSON.stringify([events, api.commands.map(({ argv }) => argv)])).not.toContain(key);
  });

  it('the run goes on when each API server has seen it', async () => {
    const { means, api, events } = await running({ m1: 1, m3: 2 });
    await bindAdmins(means, 'api-access', 'm1');
    const asked = (name: string): number => api.asked.filter(({ host }) => host === name).length;
    expect([asked('m1'), asked('m2'), asked('m3')]).toEqual([2, 1, 3]);
    expect(events.flatMap((event) => (event.type === 'step' ? [event.status] : []))).toEqual(['start', 'done']);
  });
});

describe('a change of the binding', () => {
  const item: PlanItem = { ref: BINDING, title: '', kind: 'kubeObject', comparison: CHANGE };
  const bound = {
    roleRef: { kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'Group', name: 'mcpk:cluster-admins' }],
  };

  it.each<[string, object | undefined, boolean]>([
    ['is absent', undefined, true],
    ['is of another role', { ...bound, roleRef: { kind: 'ClusterRole', name: 'view' } }, true],
    ['is for others', { ...bound, subjects: [{ kind: 'Group', name: 'others' }] }, true],
    ['is for nobody', { ...bound, subjects: undefined }, true],
    ['only lacks a label', bound, false],
  ])('is made as system:masters where it %s: %#', async (_how, live, breaksGlass) => {
    const { means, api } = await running({}, live);
    await convergeApi(means, 'api-access', { host: API, items: [item] });
    expect(api.commands.some(({ argv }) => argv.includes('--kubeconfig=/dev/stdin'))).toBe(breaksGlass);
    expect(api.commands.at(-1)?.argv).toContain('--kubeconfig=/etc/kubernetes/admin/kubeconfig');
  });

  it('of another object never is', async () => {
    const { means, api } = await running();
    const other = { ...item, ref: 'kubeObject:v1/ConfigMap/a/b' };
    await convergeApi(means, 'addons', { host: API, items: [other] });
    expect(api.commands.some(({ argv }) => argv.includes('--kubeconfig=/dev/stdin'))).toBe(false);
  });
});
