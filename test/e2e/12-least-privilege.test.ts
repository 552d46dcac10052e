import { describe, expect, it } from 'vitest';
import type { Plan, RunResult, StateTree } from '../../src/engine/types.ts';
import { heldSecrets } from './support/secrets.ts';
import { kubectl, MASTERS, mcpk, mcpkJson, NODES, on, overlay } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';

startFrom('ready', { leaves: 'ready' });

/** As the manual of systemd-analyze has it: 0 is nothing exposed, 10 is a unit that may do all. */
const EXPOSURE = 3.0;

describe('least privilege', () => {
  it.for(['etcd', 'kube-apiserver', 'kube-scheduler', 'kube-controller-manager'])(
    '%s is exposed 3.0 at most on every master',
    async (unit) => {
      for (const name of MASTERS) {
        const text = await on(name, 'systemd-analyze', 'security', '--no-pager', `${unit}.service`);
        const said = /Overall exposure level for \S+: ([\d.]+)/.exec(text);
        expect(Number(said?.[1]), `${name} ${unit}`).toBeLessThanOrEqual(EXPOSURE);
      }
    },
  );

  it('no other user of a host finds a secret: in files, in /proc, in the journal, in /tmp', async () => {
    const secrets = await heldSecrets();
    expect(secrets.size).toBeGreaterThan(10);
    for (const name of NODES) {
      // All that the user `nobody` may read; the words of processes; the journal and temporary folders.
      const read = await on(
        name,
        'setpriv',
        '--reuid=nobody',
        '--regid=nogroup',
        '--clear-groups',
        'sh',
        '-c',
        `find /etc /var /opt /srv /home /root /run /tmp /usr/local -xdev -type f -size -256k -readable -exec cat {} + 2>/dev/null
         cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null
         journalctl --no-pager -o cat 2>/dev/null
         true`,
      );
      for (const [what, secret] of secrets) expect(read.includes(secret), `${what} on ${name}`).toBe(false);
    }
  });

  it('nothing secret is in the journal of a host, in the words of its processes, nor in what mcpk keeps of its runs', async () => {
    const secrets = await heldSecrets();
    for (const name of NODES) {
      const read = await on(
        name,
        'sh',
        '-c',
        `journalctl --no-pager -o cat
         cat /proc/[0-9]*/cmdline
         cat /var/lib/mcpk/journal* /var/lib/mcpk/owned.json /var/lib/mcpk/apt.log 2>/dev/null
         true`,
      );
      for (const [what, secret] of secrets) expect(read.includes(secret), `${what} on ${name}`).toBe(false);
    }
  });

  it('nothing secret is in what mcpk prints', async () => {
    const secrets = await heldSecrets();
    const bare = await overlay('pillar: {}\n');
    const commands = [
      ['show', '--verbose'],
      ['show', '--json'],
      ['render'],
      ['facts', '--json'],
      ['plan', '--verbose'],
      ['plan', '--json'],
      ['verify', '--json'],
      ['history'],
      ['history', '--json'],
      ['apply', '--yes', '--verbose'],
      ['apply', '--yes', '--json'],
    ];
    for (const command of commands) {
      const { stdout, stderr } = await mcpk(command, [bare]);
      for (const [what, secret] of secrets)
        expect((stdout + stderr).includes(secret), `${what}: mcpk ${command.join(' ')}`).toBe(false);
    }
  });

  it('apply works for a user who may only become root', async () => {
    const asOps = await overlay(`ssh: { user: ops }\n`);
    expect((await mcpkJson<Plan>(['plan'], 0, [asOps])).summary.changes).toBe(0);
    const changed = await overlay('ssh: { user: ops }\nscheduler: {extraArgs: {v: "1"}}\n');
    expect((await mcpkJson<RunResult>(['apply', '--yes'], 0, [changed])).changed).toBeGreaterThan(0);
    expect((await mcpkJson<RunResult>(['apply', '--yes'], 0, [asOps])).changed).toBeGreaterThan(0);
    expect((await mcpkJson<StateTree>(['show'], 0, [asOps])).hosts.length).toBeGreaterThan(4);
  });
});

/** Subjects of all certificates on a master, wherever mcpk or kubelet keep some. */
const subjects = (name: string): Promise<string> =>
  on(
    name,
    'sh',
    '-c',
    `find /etc/kubernetes /etc/etcd /var/lib/mcpk /var/lib/kubelet/pki /run/mcpk /root -xdev -type f -size -64k -exec sh -c '
       for file; do openssl x509 -noout -subject -in "$file" 2>/dev/null; done; true' sh {} +`,
  );

/** What the API servers wrote down of somebody: resources that he touched. */
async function touchedBy(user: string): Promise<Set<string>> {
  const touched = new Set<string>();
  for (const name of MASTERS) {
    const text = await on(
      name,
      'sh',
      '-c',
      `cat /var/log/kubernetes/audit/*.log | grep -F '"username":"${user}"' || true`,
    );
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const { objectRef } = JSON.parse(line) as { objectRef?: { resource?: string } };
      if (objectRef?.resource !== undefined) touched.add(objectRef.resource);
    }
  }
  return touched;
}

describe('the access of mcpk to the API', () => {
  const BINDING = ['clusterrolebinding', 'mcpk:cluster-admins'];

  it('rests on no credential in system:masters: none lies on a master', async () => {
    for (const name of MASTERS) {
      const found = await subjects(name);
      expect(found).toContain('kubernetes-admin');
      expect(found, name).not.toContain('system:masters');
    }
    expect(await touchedBy('mcpk-break-glass')).toEqual(new Set(['clusterrolebindings']));
    expect(await touchedBy('kubernetes-admin')).toContain('nodes');
  });

  it.for<[string, () => Promise<unknown>]>([
    ['taken away', () => kubectl('delete', ...BINDING)],
    [
      'given another role',
      async () => {
        const group = '--group=mcpk:cluster-admins';
        await kubectl('create', 'clusterrolebinding', 'for-a-moment', '--clusterrole=cluster-admin', group);
        await kubectl('delete', ...BINDING);
        await kubectl('create', ...BINDING, '--clusterrole=view', group);
        await kubectl('delete', 'clusterrolebinding', 'for-a-moment');
      },
    ],
  ])('comes back when the binding was %s, and nothing else is done before', async ([, spoil]) => {
    await spoil();
    const other = await overlay('scheduler: {extraArgs: {v: "1"}}\n');
    const plan = await mcpkJson<Plan>(['plan'], 2, [other]);
    expect(plan.selection.only).toEqual(['api-access']);
    expect(plan.stages.filter((stage) => stage.deferred).map((stage) => stage.name)).toEqual(['api-access']);
    expect((await mcpk(['plan', '--only', 'nodes'])).code).toBe(18);
    await mcpkJson<RunResult>(['apply', '--yes'], 0, [other]);
    expect(await kubectl('auth', 'can-i', 'delete', 'nodes')).toContain('yes');
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
    for (const name of MASTERS) expect(await subjects(name), name).not.toContain('system:masters');
  });

  it('is rid of what 0.1.0 kept for it, and no generation keeps that key', async () => {
    const folder = '/etc/kubernetes/admin';
    const entries = [
      {
        ref: `certificate:${folder}/break-glass.crt`,
        hash: '',
        stage: 'certificates',
        beside: [`${folder}/break-glass.key`],
      },
      { ref: `file:${folder}/break-glass.kubeconfig`, hash: '', stage: 'certificates' },
    ];
    const script = `cd ${folder} && cp admin.crt break-glass.crt && echo KEEPSAKE >break-glass.key && cp kubeconfig break-glass.kubeconfig
      sed -i 's#"entries":\\[#&'"$1"',#' /var/lib/mcpk/owned.json`;
    await on('m2', 'sh', '-c', script, 'sh', JSON.stringify(entries).slice(1, -1));
    expect((await mcpkJson<Plan>(['plan'], 2)).summary.removals).toBe(2);
    await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect(await on('m2', 'sh', '-c', `ls ${folder}; grep -rl KEEPSAKE /etc /var/lib/mcpk || true`)).not.toMatch(
      /break-glass|mcpk/,
    );
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });
});

describe('the list of what is ours in the API, which others can write', () => {
  it('deletes nothing but what is ours', async () => {
    const mark = 'app.kubernetes.io/managed-by=mcpk';
    await kubectl('create', 'namespace', 'strange');
    await kubectl('create', 'configmap', 'strange', '--namespace', 'default');
    await kubectl('label', 'configmap', 'strange', '--namespace', 'default', mark);
    await kubectl('create', 'configmap', 'labelled', '--namespace', 'default', '--field-manager=mcpk');
    await kubectl('label', 'configmap', 'labelled', '--namespace', 'default', mark, '--field-manager=mcpk');
    const owned = ['--namespace', 'kube-system', 'configmap', 'mcpk-owned'];
    const before = JSON.parse(await kubectl('get', ...owned, '-o', 'jsonpath={.data.owned}')) as object;
    const strangers = {
      'kubeObject:v1/Namespace//strange': 'etcd',
      'kubeObject:v1/ConfigMap/default/strange': 'addons',
      'kubeObject:v1/ConfigMap/default/labelled': 'addons',
      'kubeObject:v1/ConfigMap/default/never-there': 'addons',
      'kubeObject:apps/v1/deployment/kube-system/coredns': 'addons',
      'kubeObject:v1/ConfigMap/kube-system/../../namespaces/strange': 'addons',
      'file:/etc/hostname': 'addons',
    };
    const data = { owned: JSON.stringify({ ...before, ...strangers }) };
    await kubectl('patch', ...owned, '--type=merge', '--patch', JSON.stringify({ data }));

    const uid = await kubectl('get', '-n', 'kube-system', 'deployment', 'coredns', '-o', 'jsonpath={.metadata.uid}');
    const said = await mcpk(['plan']);
    expect(said.code).toBe(2);
    expect(said.stdout + said.stderr).toContain('v1/Namespace//strange, but it has no label');
    expect((await mcpkJson<Plan>(['plan'], 2)).summary).toMatchObject({ removals: 0, changes: 5 });
    await mcpkJson<RunResult>(['apply', '--yes'], 0);

    await kubectl('get', 'namespace', 'strange');
    await kubectl('get', 'configmap', 'strange', 'labelled', '--namespace', 'default');
    expect(await kubectl('get', '-n', 'kube-system', 'deployment', 'coredns', '-o', 'jsonpath={.metadata.uid}')).toBe(
      uid,
    );
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
    expect(JSON.parse(await kubectl('get', ...owned, '-o', 'jsonpath={.data.owned}'))).toEqual(before);
    await kubectl('delete', 'namespace', 'strange');
    await kubectl('delete', 'configmap', 'strange', 'labelled', '--namespace', 'default');
  });
});
