import { describe, expect, it } from 'vitest';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { changesOf } from '../../src/engine/types.ts';
import { kubectl, MASTERS, mcpk, mcpkJson, on, overlay, unitStarts } from './support/mcpk.ts';

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
