import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compare } from '../../../src/engine/plan/compare.ts';
import { compile } from '../../../src/engine/plan/compile.ts';
import { inventoryDigest, inventoryOf } from '../../../src/engine/plan/inventory-digest.ts';
import { plan } from '../../../src/engine/plan/plan.ts';
import { readPlan, writePlan } from '../../../src/engine/plan/plan-file.ts';
import { API } from '../../../src/core/places.ts';
import type { Plan } from '../../../src/engine/types.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import { sha256 } from '../../../src/resources/identity.ts';
import type { Observed } from '../../../src/resources/types.ts';
import { STAGES } from '../../../src/states/index.ts';
import { emptyObserved, fileState } from '../../resources/case.ts';
import { anyArtifact, factsOf, labCluster, registered } from '../../states/cluster.ts';

const PLANTED = {
  registry: 'hunter2-of-the-registry',
  sudo: 'hunter2-of-sudo',
  proxy: 'hunter2-of-the-proxy',
  manifest: 'hunter2-of-the-manifest',
  former: 'hunter2-that-was-there-before',
};
const SETTINGS = `
ssh: { become: sudo, becomePassword: ${PLANTED.sudo} }
registries: [{ name: r.example.org, username: u, password: ${PLANTED.registry} }]
proxy: { http: "http://u:${PLANTED.proxy}@10.77.0.1:3128" }
addons: { manifests: [{ name: extra, source: /extra.yaml }] }
`;
const MANIFEST = `apiVersion: v1\nkind: Secret\nmetadata: { name: s, namespace: default }\nstringData: { password: ${PLANTED.manifest} }\n`;
const DROP_IN = '/etc/systemd/system/containerd.service.d/10-mcpk-proxy.conf';

const cluster = await labCluster(SETTINGS);
const manifests = new Map([['extra', MANIFEST]]);

/** The plan for hosts on which `there` is all that was found. */
function planned(from: Cluster, there: Partial<Observed>, owned: Record<string, string> = {}): Plan {
  const own = Object.entries(owned).map(([ref, hash]) => ({ ref, hash, stage: 'runtime' }));
  const facts = factsOf(from, { etcd: 'formed', nodes: registered(from) }, { owned: own });
  const tree = compile({ cluster: from, facts, stages: STAGES, artifacts: anyArtifact, manifests });
  const observed = new Map([...tree.hosts, API].map((host) => [host, { ...emptyObserved(), ...there }]));
  const now = new Date(0);
  const comparisons = compare({ tree, observed, facts: facts.hosts, apiOwned: new Map(), now });
  const inventory = inventoryOf({ cluster: from, artifacts: anyArtifact, manifests });
  return plan({ cluster: from, facts, stages: STAGES, tree, comparisons, selection: {}, inventory, tool: 't', now });
}

describe('a plan of everything, kept in a file', () => {
  const made = planned(cluster, {});

  it('is a plan by its schema, and read as it was written', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'mcpk-plan-')), 'plan.json');
    await writePlan(file, made);
    expect(await readPlan(file)).toEqual(made);
    expect(made.summary.changes).toBeGreaterThan(300);
  });

  it('has no planted secret in it, nor the hash of one', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'mcpk-plan-')), 'plan.json');
    await writePlan(file, made);
    const text = await readFile(file, 'utf8');
    // What holds them is planned for all the same.
    for (const ref of ['file:/etc/containerd/certs.d/r.example.org/hosts.toml', `file:${DROP_IN}`, 'Secret/default/s'])
      expect(text).toContain(ref);
    for (const secret of Object.values(PLANTED)) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString('base64'));
      expect(text).not.toContain(sha256(secret));
    }
    expect(text).not.toContain('PRIVATE KEY');
  });

  it('shows nothing of a file that was a secret until now', () => {
    const open = { http: 'http://10.77.0.1:3128', noProxy: [] };
    const former = `[Service]\nEnvironment="HTTP_PROXY=http://u:${PLANTED.former}@10.77.0.1:3128"\n`;
    const there = {
      paths: { [DROP_IN]: fileState({ mode: '0600', sha256: sha256(former) }) },
      texts: { [DROP_IN]: former },
    };
    const after = planned({ ...cluster, proxy: open }, there, { [`file:${DROP_IN}`]: 'secret:1234' });
    expect(JSON.stringify(after)).toContain(`file:${DROP_IN}`);
    expect(JSON.stringify(after)).not.toContain(PLANTED.former);
  });
});

describe('the digest of an inventory', () => {
  const digest = (from: Cluster, text = MANIFEST): string =>
    inventoryDigest({ cluster: from, artifacts: anyArtifact, manifests: new Map([['extra', text]]) });

  it.each<[string, string]>([
    ['another sudo password', 'ssh: { becomePassword: other }'],
    ['another user, port and key', 'ssh: { user: other, port: 2222, identityFiles: [/k2] }'],
    ['another folder of binaries', 'artifacts: { directory: /elsewhere }'],
    ['another place of a manifest', 'addons: { manifests: [{ name: extra, source: /else/extra.yaml }] }'],
  ])('is the same with %s', async (_name, over) => {
    expect(digest(await labCluster(SETTINGS, over))).toBe(digest(cluster));
  });

  it.each<[string, string]>([
    ['a changed flag', 'apiServer: { extraArgs: { v: 3 } }'],
    ['another version', 'versions: { kubernetes: 1.36.4 }'],
    ['another host', 'hosts: [{ name: w9, address: 10.77.0.29, roles: [worker] }]'],
    ['another proxy', 'proxy: { http: "http://u:other@10.77.0.1:3128" }'],
    ['other free data', 'pillar: { a: 1 }'],
  ])('is another with %s', async (_name, over) => {
    expect(digest(await labCluster(SETTINGS, over))).not.toBe(digest(cluster));
  });

  it('is another with other text of a manifest, or another binary', () => {
    expect(digest(cluster, `${MANIFEST}# more\n`)).not.toBe(digest(cluster));
    const binary = anyArtifact.get('etcd', 'amd64');
    const artifacts = { ...anyArtifact, all: () => [binary] };
    expect(inventoryDigest({ cluster, artifacts, manifests })).not.toBe(digest(cluster));
  });
});
