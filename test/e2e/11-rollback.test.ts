import { describe, expect, it } from 'vitest';
import { host } from '../../lab/lab.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { changesOf } from '../../src/engine/types.ts';
import { kubectl, MASTERS, mcpk, mcpkJson, on, overlay, unitStarts } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';

startFrom('ready', { leaves: 'ready' });

const UNIT = 'kube-apiserver.service';
/** mcpk cannot know that this version is none; the API server refuses it when it starts. */
const REFUSED = 'apiServer: {extraArgs: {tls-min-version: VersionTLS99}}\n';

async function apiServerStarts(): Promise<Record<string, string>> {
  const all = await unitStarts(MASTERS);
  return Object.fromEntries(MASTERS.map((name) => [name, all[`${name} ${UNIT}`] ?? '']));
}

function changedHosts(plan: Plan): string[] {
  const hosts = plan.stages.flatMap((stage) => stage.hosts).filter((host) => changesOf(host).length > 0);
  return [...new Set(hosts.map((host) => host.host))].sort();
}

describe('a change that the API server does not take', () => {
  it('is put back on the first master, and the others never see it', async () => {
    const file = await overlay(REFUSED);
    const before = await apiServerStarts();
    const result = await mcpkJson<RunResult>(['apply', '--yes'], 19, [file]);
    const [first] = result.rolledBack;
    expect(result.rolledBack).toEqual([{ stage: 'api-server', host: first?.host, held: true }]);
    const [error] = result.errors;
    expect(error?.message).toMatch(/kube-apiserver\.service.*went back to what was there before/s);
    expect(error?.details.join('\n')).toMatch(/VersionTLS99/);
    expect(error?.details.join('\n')).toMatch(/\/etc\/systemd\/system\/kube-apiserver\.service/);
    const after = await apiServerStarts();
    expect(MASTERS.filter((name) => after[name] !== before[name])).toEqual([first?.host]);
    expect(await kubectl('get', '--raw', '/readyz')).toBe('ok');
    expect(changedHosts(await mcpkJson<Plan>(['plan'], 2, [file]))).toEqual([...MASTERS]);
    // The host is as the old inventory says, with nothing to be restarted once more.
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });

  it('stays where it is with --no-rollback', async () => {
    const file = await overlay(REFUSED);
    const result = await mcpkJson<RunResult>(['apply', '--yes', '--no-rollback'], 15, [file]);
    const host = result.errors[0] as unknown as { host: string };
    expect(await on(host.host, 'cat', `/etc/systemd/system/${UNIT}`)).toContain('VersionTLS99');
    expect((await mcpk(['apply', '--yes'])).code).toBe(0);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });
});

describe('mcpk rollback', () => {
  it('puts back what the last run changed, and plan shows it as pending again', async () => {
    const file = await overlay('scheduler: {extraArgs: {v: "3"}}\n');
    const applied = await mcpkJson<RunResult>(['apply', '--yes', '--limit', 'm2'], 0, [file]);
    const unit = '/etc/systemd/system/kube-scheduler.service';
    expect(await on('m2', 'cat', unit)).toContain('--v=3');
    const back = await mcpkJson<RunResult & { from: string }>(['rollback', '--yes', '--limit', 'm2'], 0);
    expect(back.from).toBe(applied.run);
    expect(await on('m2', 'cat', unit)).not.toContain('--v=3');
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
    expect(changedHosts(await mcpkJson<Plan>(['plan', '--limit', 'm2'], 2, [file]))).toEqual(['m2']);
  });

  it('of the rollback brings the change again, and a run whose changes are there no more is refused', async () => {
    const said = await mcpk(['rollback', '--yes', '--limit', 'm2', 'no-such-run']);
    expect([said.code, said.stderr]).toEqual([18, expect.stringMatching(/no host keeps no-such-run/)]);
    const last = /On m2 there are ([\w-]+),/.exec(said.stderr)?.[1] ?? '';
    await mcpkJson<RunResult>(['rollback', '--yes', '--limit', 'm2', last], 0);
    expect(await on('m2', 'cat', '/etc/systemd/system/kube-scheduler.service')).toContain('--v=3');
    await mcpkJson<RunResult>(['rollback', '--yes', '--limit', 'm2'], 0);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
    const kept = (await on('m2', 'ls', '/var/lib/mcpk/generations')).trim().split('\n');
    expect(new Set(kept.map((run) => run.replace(/-back$/, ''))).size).toBeLessThanOrEqual(5);
  });
});

describe('a change that cuts the way to the host', () => {
  /** As long as the value is 31, w2 takes no new connection on port 22; those that are there go on. */
  const CUT = `
value() { v=; read -r v </proc/sys/net/ipv4/tcp_fin_timeout || :; }
until value && [ "$v" = 3 ]; do :; done
nft -f - <<END
table inet lab_cut {
  chain input { type filter hook input priority -300; tcp dport 22 ct state new drop; }
}
END
while value && [ "$v" = 3 ]; do sleep 0.2; done
nft delete table inet lab_cut`;

  it('is put back by the host itself, and the run says so', async () => {
    await on('w2', 'systemd-run', '--collect', '--unit=lab-cut', 'sh', '-c', CUT);
    try {
      const file = await overlay('system: {sysctls: {net.ipv4.tcp_fin_timeout: "31"}}\n');
      const result = await mcpkJson<RunResult>(['apply', '--yes', '--limit', 'w2'], 19, [file]);
      expect(result.rolledBack).toEqual([{ stage: 'system', host: 'w2', held: true }]);
      expect(result.errors[0]?.message).toMatch(/system on w2: not reached over a new connection after the change/);
      expect(result.errors[0]?.details).toContain('the host put back by itself what was there before');
      expect(await on('w2', 'cat', '/proc/sys/net/ipv4/tcp_fin_timeout')).toBe('60\n');
      expect(await on('w2', 'cat', '/etc/sysctl.d/zz-mcpk.conf')).not.toContain('tcp_fin_timeout');
      expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
    } finally {
      await host('w2', ['sh', '-c', 'systemctl stop lab-cut; nft delete table inet lab_cut']);
    }
  });

  it('stays where the host is reached all the same, and leaves no timer', async () => {
    const file = await overlay('system: {sysctls: {net.ipv4.tcp_fin_timeout: "31"}}\n');
    await mcpkJson<RunResult>(['apply', '--yes', '--limit', 'w2'], 0, [file]);
    expect(await on('w2', 'cat', '/proc/sys/net/ipv4/tcp_fin_timeout')).toBe('31\n');
    expect(await on('w2', 'systemctl', 'list-units', '--all', '--no-legend', 'mcpk-deadman-*')).toBe('');
    await mcpkJson<RunResult>(['rollback', '--yes', '--limit', 'w2'], 0);
    expect(await on('w2', 'cat', '/proc/sys/net/ipv4/tcp_fin_timeout')).toBe('60\n');
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });
});
