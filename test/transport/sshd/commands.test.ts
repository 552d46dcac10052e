import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mcpk } from '../../commands/support.ts';
import { impossible, realSshd } from './real-sshd.ts';

const { sshd } = await realSshd();

/** One master that is reached at the real sshd. */
function inventory(ssh = ''): string {
  const file = join(sshd.folder, 'mcpk.yaml');
  writeFileSync(
    file,
    `name: small
ssh: { agent: false, port: ${sshd.port}, identityFiles: [${sshd.identity}], knownHostsFiles: [${sshd.knownHosts}]${ssh} }
hosts:
  - { name: m1, address: 127.0.0.1, internalAddress: 10.9.0.11, roles: [master] }
network: { plugin: none }
`,
  );
  return file;
}

describe.skipIf(impossible !== undefined)('a host on which nothing of mcpk is', () => {
  test('verify says just that, and asks no gate', async () => {
    const said = await mcpk(['verify', '-i', inventory()]);
    expect(said.stdout).toMatch(
      /^preflight\n.* nothing of mcpk is on m1 .*\n0 of 1 checks hold\. Mend with: mcpk apply /,
    );
    expect([said.code, said.stdout + said.stderr]).toEqual([16, expect.not.stringMatching(/socat|not found/)]);
  });

  test('has no kubeconfig to give', async () => {
    const said = await mcpk(['kubeconfig', '-i', inventory()]);
    expect([said.code, said.stdout]).toEqual([18, '']);
    expect(said.stderr).toMatch(
      /m1: .*ca\.crt.* are not there yet[^]*hint {2}Bring the cluster up first: mcpk apply -i /,
    );
  });
});
