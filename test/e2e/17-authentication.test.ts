import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostNamed } from '../../lab/hosts.ts';
import { exec, host } from '../../lab/lab.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { Issuer } from './support/issuer.ts';
import { eventually, kubectl, MASTERS, mcpk, mcpkJson, on, overlay } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';
import { underLoad } from './support/under-load.ts';

startFrom('ready', { leaves: 'ready' });

const FOLDER = '/etc/kubernetes/api-server';

interface Config {
  clusters: { cluster: object }[];
}

/** kubectl as whoever has that token, and as nobody else, at one master's API server. */
async function withToken(token: string, master: string): Promise<(...args: string[]) => ReturnType<typeof exec>> {
  const own = JSON.parse(await kubectl('config', 'view', '--raw', '--minify', '-o', 'json')) as Config;
  const cluster = { ...own.clusters[0]?.cluster, server: `https://${hostNamed(master).address}:6443` };
  const file = await overlay(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'lab', cluster }],
      users: [{ name: 'user', user: { token } }],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'user' } }],
      'current-context': 'lab',
    }),
  );
  return (...args) => exec(['kubectl', '--kubeconfig', file, ...args]);
}

describe('tokens of an issuer', () => {
  let issuer: Issuer;
  let inventory = '';

  beforeAll(async () => {
    issuer = await Issuer.start();
    const jwt = [
      {
        issuer: { url: issuer.url, audiences: ['kubernetes'], certificateAuthority: 'login-ca.crt' },
        claimMappings: {
          username: { claim: 'sub', prefix: 'login:' },
          groups: { claim: 'groups', prefix: 'login:' },
        },
        userValidationRules: [{ expression: "!user.username.startsWith('system:')" }],
      },
    ];
    const files = [{ path: 'login/note.txt', content: 'hunter2', secret: true }];
    inventory = await overlay(JSON.stringify({ apiServer: { authentication: { jwt }, files } }));
    await writeFile(join(dirname(inventory), 'login-ca.crt'), issuer.authority);
  });
  afterAll(async () => {
    await kubectl('delete', 'clusterrolebinding', 'login-ops', '--ignore-not-found');
    await issuer.stop();
  });

  it('are taken once the inventory says so, while clients go on', async () => {
    const outcome = await underLoad(() => mcpkJson<RunResult>(['apply', '--yes'], 0, [inventory]));
    expect(outcome.failures).toEqual([]);
    expect((await mcpkJson<Plan>(['plan'], 0, [inventory])).summary.changes).toBe(0);
  });

  it('lay the file that goes with it down for the API server alone', async () => {
    for (const name of MASTERS) {
      const shown = await on(name, 'stat', '-c', '%a %U:%G', `${FOLDER}/files/login/note.txt`);
      expect(shown.trim(), name).toBe('600 kube-apiserver:kube-apiserver');
    }
  });

  it('make their bearer the user and the groups that the inventory maps, on every master', async () => {
    const token = issuer.token({ sub: 'ada', groups: ['ops'] });
    for (const name of MASTERS) {
      const ada = await withToken(token, name);
      // An API server fetches the issuer's keys once it runs, not before it is ready.
      const said = await eventually(`${name} knows the issuer`, 60, async () => {
        const { code, stdout } = await ada('auth', 'whoami', '-o', 'json');
        return code === 0 ? stdout : undefined;
      });
      const { status } = JSON.parse(said) as { status: { userInfo: object } };
      expect(status.userInfo).toMatchObject({
        username: 'login:ada',
        groups: expect.arrayContaining(['login:ops', 'system:authenticated']) as unknown,
      });
    }
  });

  it('let nobody do anything that RBAC does not: by the name of the user, or of a group', async () => {
    const ada = await withToken(issuer.token({ sub: 'ada', groups: ['ops'] }), 'm1');
    const refused = await ada('get', 'configmaps', '--namespace', 'default');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('"login:ada" cannot list') as unknown });
    await kubectl('create', 'clusterrolebinding', 'login-ops', '--clusterrole=view', '--group=login:ops');
    await eventually('the binding counts', 30, async () =>
      (await ada('get', 'configmaps', '--namespace', 'default')).code === 0 ? true : undefined,
    );
  });

  it.each<[string, () => string]>([
    ['for another audience', () => issuer.token({ sub: 'ada', groups: [], aud: 'another' })],
    ['that has ended', () => issuer.token({ sub: 'ada', groups: [], exp: Math.floor(Date.now() / 1000) - 60 })],
    ['of another issuer', () => issuer.token({ sub: 'ada', groups: [], iss: 'https://10.77.0.2:8443' })],
    [
      'signed by somebody else',
      () => issuer.token({ sub: 'ada', groups: [] }, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    ],
  ])('are refused %s', async (_name, token) => {
    const somebody = await withToken(token(), 'm1');
    const said = await somebody('get', '--raw', '/api');
    expect(said).toMatchObject({ code: 1, stderr: expect.stringMatching(/Unauthorized|must be logged in/) as unknown });
  });

  it('are refused when the issuer has left the inventory, and the file with it', async () => {
    await mcpkJson<RunResult>(['apply', '--yes'], 0);
    for (const name of MASTERS) {
      const ada = await withToken(issuer.token({ sub: 'ada', groups: ['ops'] }), name);
      expect((await ada('auth', 'whoami')).code, name).toBe(1);
      expect((await host(name, ['test', '-e', `${FOLDER}/files`])).code, name).not.toBe(0);
    }
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });
});

describe('PodSecurity', () => {
  const NAMESPACE = 'pods-may';
  const ENFORCE = 'pod-security.kubernetes.io/enforce';
  /** What `kubectl` says when it tries to make a pod that has the network of its host. */
  async function tried(namespace: string): Promise<{ code: number; stderr: string }> {
    const spec = { hostNetwork: true, containers: [{ name: 'a', image: 'docker.io/library/busybox:1' }] };
    const file = await overlay(
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'host-network', namespace }, spec }),
    );
    return exec(['kubectl', 'create', '--dry-run=server', '-f', file]);
  }
  const podSecurity = (enabled: boolean): Promise<string> =>
    overlay(`apiServer: { admission: { podSecurity: { enabled: ${String(enabled)} } } }\n`);

  beforeAll(async () => {
    await mcpkJson<RunResult>(['apply', '--yes'], 0, [await podSecurity(false)]);
    await kubectl('create', 'namespace', NAMESPACE);
    // Its account comes a moment later, and no pod before it. Not sooner than controllers watch again, which wait up to
    // 30 s between two tries when their API server has gone several times in a row (client-go's reflector).
    await eventually('the namespace has its account', 120, async () => {
      const said = await exec(['kubectl', 'get', 'serviceaccount', 'default', '-n', NAMESPACE]);
      return said.code === 0 ? true : undefined;
    });
  });
  afterAll(async () => {
    await kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=false');
  });

  it('stays off in a cluster that stands without it, and plan says in one line how to switch it on', async () => {
    expect((await tried(NAMESPACE)).code).toBe(0);
    // What docs/access.md has one look at before.
    const looked = await kubectl(
      ...'label --dry-run=server --overwrite namespace --all'.split(' '),
      `${ENFORCE}=baseline`,
    );
    expect(looked).toContain(`namespace/${NAMESPACE} labeled`);
    const { code, stdout, stderr } = await mcpk(['plan']);
    expect(code, stdout).toBe(0);
    expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toMatch(
      /PodSecurity stays off, .*apiServer\.admission\.podSecurity\.enabled: true/,
    );
  });

  it('once asked for refuses what breaks baseline, warns of the rest, and leaves kube-system alone', async () => {
    await mcpkJson<RunResult>(['apply', '--yes'], 0, [await podSecurity(true)]);
    const refused = await tried(NAMESPACE);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('violates PodSecurity "baseline:latest"');
    expect(await tried('kube-system')).toMatchObject({ code: 0 });
    const run = ['run', 'plain', '--dry-run=server', '--image=docker.io/library/busybox:1', '-n', NAMESPACE];
    expect(await exec(['kubectl', ...run])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('would violate PodSecurity "restricted:latest"') as unknown,
    });
  });

  it('is kept from then on, and nothing is told any more', async () => {
    const { code, stdout, stderr } = await mcpk(['plan']);
    expect(code, stdout).toBe(0);
    expect(stdout + stderr).not.toContain('PodSecurity');
    // As above: without its controllers and its scheduler no test pod comes up.
    let said = '';
    const verified = eventually('verify passes', 180, async () => {
      const again = await mcpk(['verify']);
      said = again.stdout + again.stderr;
      return again.code === 0 ? true : undefined;
    });
    await verified.catch(() => expect.fail(said));
  });
});
