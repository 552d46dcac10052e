import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { fingerprint } from '../../../src/transport/known-hosts.ts';
import { mcpk, type Said } from '../../commands/support.ts';
import { freePort, until } from '../sshd.ts';
import { impossible, realSshd } from './real-sshd.ts';

const { runs, sshd } = await realSshd();

/** One master, which is reached at the real sshd unless it says otherwise, and perhaps `more` hosts. */
function inventory({ known = sshd.knownHosts, ssh = '', m1 = '', more = '' } = {}): string {
  const file = join(sshd.folder, 'mcpk.yaml');
  writeFileSync(
    file,
    `name: small
ssh: { agent: false, port: ${sshd.port}, identityFiles: [${sshd.identity}], knownHostsFiles: [${known}]${ssh} }
hosts:
  - { name: m1, address: 127.0.0.1, internalAddress: 10.9.0.11, roles: [master]${m1} }
${more}network: { plugin: none }
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

  test.each([
    ['history', 'no run ends with "3f9a" (exit 18)\n  hint  No run has changed these hosts.'],
    ['rollback', 'no host keeps 3f9a (exit 18)\n  hint  Hosts keep what apply replaces; on these nothing is.'],
  ])('%s knows no run there', async (command, text) => {
    const said = await mcpk([command, '3f9a', '-i', inventory()]);
    expect([said.code, said.stderr]).toEqual([18, expect.stringContaining(`✖ ${text}`)]);
  });

  test('a reset finds nothing there, and tells of nothing that stays', async () => {
    const said = await mcpk(['reset', '--yes', '--cluster', 'small', '-i', inventory()]);
    expect([said.code, said.stdout]).toEqual([0, expect.stringMatching(/^Nothing was to be done\.\n$/m)]);
    expect(said.stdout).not.toContain('stays');
  });

  test('has no kubeconfig to give', async () => {
    const said = await mcpk(['kubeconfig', '-i', inventory()]);
    expect([said.code, said.stdout]).toEqual([18, '']);
    expect(said.stderr).toMatch(
      /m1: is no master of a cluster yet .*\n {2}there is no .*ca\.crt.*\n {2}hint {2}Bring the cluster up first: mcpk apply -i /,
    );
  });
});

describe.skipIf(impossible !== undefined)('hosts that nobody asks for', () => {
  const W1 = '  - { name: w1, address: 127.0.0.1, internalAddress: 10.9.0.21, roles: [worker] }\n';
  const run = async (command: string, ...words: string[]): Promise<Said> => {
    const file = inventory({ m1: `, ssh: { port: ${await freePort()} }`, more: W1 });
    return mcpk([command, '-i', file, ...words]);
  };

  test('are not contacted by exec', async () => {
    expect(await run('exec', '--limit', 'w1', '--', 'echo', 'here')).toEqual({
      code: 0,
      stdout: 'w1  here\n',
      stderr: '',
    });
  });

  test('are not contacted by facts, and of the cluster nothing is told then', async () => {
    const said = await run('facts', '--limit', 'w1');
    expect([said.code, said.stdout]).toEqual([0, expect.stringMatching(/^w1\n {2}system /)]);
    expect(said.stdout).not.toMatch(/^etcd:/m);
    expect(Object.keys(JSON.parse((await run('facts', '--limit', 'w1', '--json')).stdout) as object)).toEqual(['hosts', 'unreachable', 'errors']); // prettier-ignore
  });

  test('are, where the command means all', async () => {
    expect((await run('facts')).code).toBe(11);
    expect((await run('plan', '--limit', 'w1')).code).toBe(11);
  });
});

describe.skipIf(impossible !== undefined)('a command that does not come to its end', () => {
  const AFTERWARDS =
    'hint  It may have run on some of the hosts, wholly or in part: look there before you run it again.';

  test('as somebody interrupts it, is no failure of the host', async () => {
    const running = mcpk(['exec', '-i', inventory(), '--', 'sleep', '63.5']);
    await until('the command at work', () => runs('sleep 63[.]5'));
    process.emit('SIGTERM');
    const said = await running;
    expect([said.code, said.stdout]).toEqual([130, '']);
    expect(said.stderr).toContain(`✖ interrupted (exit 130)\n  ${AFTERWARDS}\n`);
  });

  test('in the time that is given for it says so, below what other hosts answered', async () => {
    const w1 = '  - { name: w1, address: localhost, internalAddress: 10.9.0.21, roles: [worker] }\n';
    const command = `mkdir ${sshd.folder}/first && exec echo done; exec sleep 64.5`;
    const file = inventory({ more: w1 });
    const flags = ['-i', file, '--accept-new-host-keys', '--timeout', '3s'];
    const said = await mcpk(['exec', ...flags, '--', 'sh', '-c', command]);
    expect([said.code, said.stdout]).toEqual([130, expect.stringMatching(/^[mw]1 {2}done\n$/)]);
    expect(said.stderr).toContain(`✖ not done within 3 s (--timeout) (exit 130)\n  ${AFTERWARDS}\n`);
  });
});

test.skipIf(impossible !== undefined).each([
  [['nosuchprog', 'x;y'], 'm1  nosuchprog: not found', ''],
  [['uptime; free'], 'm1  uptime; free: not found', "  hint  The words after -- are run without a shell. With one: mcpk exec -- sh -c 'uptime; free'\n"], // prettier-ignore
])('a program that is not there is told by its name alone: %j', async (argv, line, stderr) => {
  const said = await mcpk(['exec', '-i', inventory(), '--', ...argv]);
  expect(said).toEqual({ code: 15, stdout: `${line}\nm1  exit 127\n`, stderr });
});

describe.skipIf(impossible !== undefined)('a worker that is not reached', () => {
  const W1 = '  - { name: w1, address: 127.0.0.12, internalAddress: 10.9.0.21, roles: [worker], ssh: { port: 1 } }\n';
  const run = (command: string, ...words: string[]): Promise<Said> =>
    mcpk([command, '-i', inventory({ more: W1 }), ...words]);
  const ERROR = `✖ w1: nothing listens on 127.0.0.12:1 (connection refused) (exit 11)
  hint  Start sshd there, or mend ssh.port in the inventory. Or go on without: --skip-unreachable 1
`;

  test('keeps facts from nothing that the others tell, and is named at the end', async () => {
    const { code, stdout, stderr } = await run('facts');
    expect([code, stderr]).toEqual([11, ERROR]);
    expect(stdout).toMatch(/^m1\n {2}system [^]*\nw1 {2}did not answer\n$/);
  });

  test('nor exec from running on them', async () => {
    const said = await run('exec', '--', 'sh', '-c', 'echo here; exit 3');
    expect(said).toEqual({ code: 11, stdout: 'm1  here\nm1  exit 3\n', stderr: ERROR });
  });

  test.each([['facts'], ['exec', '--', 'id']])('has its error in the JSON of %s', async (command, ...words) => {
    const { code, stdout } = await run(command, '--json', ...words);
    const { errors } = JSON.parse(stdout) as { errors: unknown };
    expect([code, errors]).toEqual([11, [expect.objectContaining({ host: 'w1', exitCode: 11 })]]);
  });

  test('and may be away is only told of', async () => {
    const { code, stdout, stderr } = await run('exec', '--skip-unreachable', '1', '--', 'echo', 'here');
    expect([code, stdout]).toEqual([0, 'm1  here\n']);
    expect(stderr).toBe('! w1: nothing listens on 127.0.0.12:1 (connection refused)\n');
  });

  test('ends a plan with the flag that goes on without it', async () => {
    const { code, stderr } = await run('plan');
    expect([code, stderr]).toEqual([11, ERROR]);
  });

  test('is not removed, in one answer: what is down, that the file is as it was, what to do', async () => {
    const file = inventory({ more: W1 });
    const before = readFileSync(file, 'utf8');
    const said = await mcpk(['node', 'remove', 'w1', '--yes', '-i', file]);
    expect(said).toEqual({
      code: 11,
      stdout: '',
      stderr: `✖ w1: nothing listens on 127.0.0.12:1 (connection refused) (exit 11)
  Start sshd there, or mend ssh.port in the inventory.
  The inventory is as it was.
  hint  If it is dead, or must not be touched, say so: mcpk node remove -i ${file} w1 --gone
`,
    });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test('is all that was asked for', async () => {
    const { code, stdout, stderr } = await run('facts', '--limit', 'w1');
    expect([code, stdout, stderr]).toEqual([11, '', expect.not.stringContaining('--skip-unreachable')]);
  });
});

describe.skipIf(impossible !== undefined)('a jump host whose key is not known', () => {
  // The one sshd under two names.
  const jump = (): string => `[localhost]:${sshd.port}`;
  const host = (): string => `[127.0.0.1]:${sshd.port}`;
  const known = (): string => join(sshd.folder, 'fresh_known_hosts');
  const run = (...words: string[]): Promise<Said> =>
    mcpk([...words, '-i', inventory({ known: known(), ssh: `, jump: ['ops@localhost:${sshd.port}']` })]);
  const recorded = (): string[] => readFileSync(known(), 'utf8').trim().split('\n').map((line) => line.split(' ')[0] ?? ''); // prettier-ignore

  beforeEach(() => rmSync(known(), { force: true }));

  test('ends a run with what to do, and that does it: pinned hop by hop', async () => {
    const refused = await run('facts');
    expect([refused.code, refused.stdout]).toEqual([12, '']);
    const hint = /then (mcpk host-key pin -i \S+ --limit m1),/.exec(refused.stderr.replaceAll(/\s+/g, ' '))?.[1] ?? '';
    const pinned = await mcpk([...hint.split(' ').slice(1), '--yes']);
    const print = fingerprint(sshd.hostKey);
    expect(pinned).toMatchObject({
      code: 0,
      stdout: `jump host localhost: pinned  ${print}  as ${jump()} in ${known()}\nm1: pinned  ${print}  as ${host()} in ${known()}\n`,
    });
    expect(recorded()).toEqual([jump(), host()]);
    expect((await run('facts')).code).toBe(0);
    const shown = await run('host-key', 'show');
    expect(shown.stdout).toMatch(/^jump host localhost {2}SHA256:.*\nm1 +SHA256:.*\n$/);
  });

  test('is shown by scan, which goes no further; the hosts behind are shown once it is known', async () => {
    const scanned = await run('host-key', 'scan');
    expect(scanned).toMatchObject({ code: 12, stdout: expect.stringMatching(/^jump host localhost {2}unknown .*\n$/) as string }); // prettier-ignore
    writeFileSync(known(), readFileSync(sshd.knownHosts, 'utf8').replace(host(), jump()));
    expect(await run('host-key', 'scan')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^jump host localhost {2}known .*\nm1 +unknown .*\n$/) as string,
    });
  });

  test('is recorded on the way by --accept-new-host-keys, and so is the host', async () => {
    expect((await run('facts', '--accept-new-host-keys')).code).toBe(0);
    expect(recorded()).toEqual([jump(), host()]);
  });

  test('is not recorded where nobody can be asked', async () => {
    const said = await run('host-key', 'pin');
    expect([said.code, said.stderr]).toEqual([64, expect.stringMatching(/jump host localhost {2}SHA256:.* as \[localhost\]/)]); // prettier-ignore
    expect(() => recorded()).toThrow('ENOENT');
  });
});
