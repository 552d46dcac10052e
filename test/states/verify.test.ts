import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/cluster/gate.ts';
import { verify } from '../../src/states/verify.ts';
import { factsOf, labCluster } from './cluster.ts';

function api(body: unknown): Answer {
  return { host: 'm1', exitCode: 0, stdout: `HTTP/1.0 200 OK\r\n\r\n${JSON.stringify(body)}`, stderr: '' };
}

async function checklist(over = ''): Promise<NonNullable<ReturnType<NonNullable<typeof verify.verify>>>> {
  const cluster = await labCluster(over);
  const found = verify.verify?.({ cluster, facts: factsOf(cluster), hosts: cluster.hosts.map((host) => host.name) });
  if (!found) throw new Error('verify has no checks');
  return found;
}

const PODS = ['m1', 'w1'].map((node, index) => ({
  metadata: { name: `web-${node}` },
  spec: { nodeName: node },
  status: { podIP: `10.244.${String(index)}.2`, conditions: [{ type: 'Ready', status: 'True' }] },
}));

describe('verify', () => {
  it('makes its pods first and takes them away last', async () => {
    const { setup, teardown } = await checklist();
    expect(setup[0]?.run).toEqual(expect.arrayContaining(['wait', '--for=delete', 'namespace/mcpk-verify']));
    const made = JSON.parse(setup[1]?.stdin ?? '') as {
      items: { kind: string; metadata: { name: string; namespace?: string } }[];
    };
    expect(made.items.map((each) => each.kind)).toEqual(['Namespace', 'Service', 'DaemonSet']);
    expect(teardown[0]?.run).toEqual(expect.arrayContaining(['delete', 'namespace', 'mcpk-verify', '--wait=false']));
  });

  it.each([
    ['', 'docker.io/library/busybox:1'],
    [
      `verify: { image: "b.example/busybox:1@sha256:${'a'.repeat(64)}" }`,
      `b.example/busybox:1@sha256:${'a'.repeat(64)}`,
    ],
  ])('makes its pods of the image that the inventory names: %j', async (over, image) => {
    const { setup } = await checklist(over);
    expect(setup[1]?.stdin).toContain(`"image":"${image}"`);
  });

  it('tries every pair of nodes, the Service and DNS from each pod', async () => {
    const { checks } = await checklist();
    const pods = checks.at(-1);
    const next = pods?.next?.([api({ items: PODS }), api({ spec: { clusterIP: '10.254.9.9' } })]) ?? [];
    const argv = next.map((check) => check.asks[0]?.argv.join(' ') ?? '');
    for (const pod of ['web-m1', 'web-w1']) {
      const own = argv.filter((line) => line.includes(pod));
      expect(own).toHaveLength(4);
      // One command for all of them.
      expect(new Set(own).size).toBe(1);
      expect(own[0]).toContain('pods|m1=10.244.0.2:8080 pods|w1=10.244.1.2:8080 service|*=10.254.9.9:8080');
      expect(own[0]).toContain('name|*=web.mcpk-verify.svc.cluster.local:8080');
      expect(own[0]).toMatch(/dns\|10\.\S+=kubernetes\.default\.svc\.cluster\.local$/);
    }
    const said = (stdout: string): (string | undefined)[] =>
      next.slice(0, 4).map((check) => check.check([{ host: 'm1', exitCode: 0, stdout, stderr: '' }]));
    expect(said('')).toEqual([undefined, undefined, undefined, undefined]);
    const stdout =
      'name|web:8080 gave nothing (bad address)\npods|w1 at 10.244.1.2:8080 gave nothing\ndns|nslookup: timed out\n';
    expect(said(stdout)).toEqual([
      'nothing from the pods on w1',
      undefined,
      'nothing (bad address)',
      'nslookup: timed out',
    ]);
  });

  it('hears of each try however much another one says', async () => {
    const { checks } = await checklist();
    const next = checks.at(-1)?.next?.([api({ items: PODS }), api({ spec: { clusterIP: '10.254.9.9' } })]) ?? [];
    const stdout = `${'pods|w1 at 10.244.1.2:8080 gave nothing\n'.repeat(10_000)}name|web:8080 gave nothing\n`;
    expect(next[2]?.check([{ host: 'm1', exitCode: 0, stdout, stderr: '' }])).toBe('nothing');
  });

  it('says once what came in place of the page, and from which pods', async () => {
    const { checks } = await checklist();
    const [reach] = checks.at(-1)?.next?.([api({ items: PODS }), api({ spec: { clusterIP: '10.254.9.9' } })]) ?? [];
    const refused = (node: string, address: string): string =>
      `pods|${node} at ${address}:8080 gave nothing (wget: can't connect to remote host (${address}): Connection refused)\n`;
    const stdout = `${refused('m1', '10.244.0.2')}${refused('w1', '10.244.1.2')}pods|w2 at 10.244.2.2:8080 gave w3\npods|and more\n`;
    expect(reach?.check([{ host: 'm1', exitCode: 0, stdout, stderr: '' }])).toBe(
      "nothing (wget: can't connect to remote host: Connection refused) from the pods on m1, w1; w3 from the pods on w2; and more",
    );
  });

  it('leaves DNS out where CoreDNS is switched off', async () => {
    const { checks } = await checklist('addons: { coredns: { enabled: false } }');
    const next = checks.at(-1)?.next?.([api({ items: PODS }), api({ spec: { clusterIP: '10.254.9.9' } })]) ?? [];
    expect(next).toHaveLength(4);
  });
});
