import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compile } from '../../src/engine/plan/compile.ts';
import { osRelease } from '../../src/engine/wire/wire-facts.ts';
import { renderedFiles } from '../../src/commands/shared/rendered-files.ts';
import { PATHS } from '../../src/core/paths.ts';
import { HAPROXY_STATE } from '../../src/states/haproxy.ts';
import { STAGES } from '../../src/states/index.ts';
import { anyArtifact, factsOf, labCluster, registered } from '../states/cluster.ts';
import { Scratch } from './support/scratch.ts';

const env = { ...process.env, PATH: [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter) };
const isHere = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`], { env }).status === 0;
const root = process.getuid?.() === 0;
for (const program of ['systemd-analyze', 'nft', 'keepalived'])
  if (!root || !isHere(program)) process.stderr.write(`skipped: what ${program} says of mcpk's files (it is not here, or this is not root)\n`); // prettier-ignore

/** This machine's programs read the files: what they know goes by it. */
const OWN_SYSTEM = osRelease(readFileSync('/etc/os-release', 'utf8'));

let scratch: Scratch;
beforeEach(() => (scratch = new Scratch()));
afterEach(() => scratch.remove());

/** Lays what mcpk would lay on a host of the lab into the scratch root. */
async function lay(host: string, over = ''): Promise<string[]> {
  const cluster = await labCluster(over);
  const facts = factsOf(cluster, { etcd: 'formed', nodes: registered(cluster) }, { os: OWN_SYSTEM });
  const tree = compile({ cluster, facts, stages: STAGES, artifacts: anyArtifact, manifests: new Map() });
  const files = (await renderedFiles(tree)).filter(({ path }) => path.startsWith(`${host}/`));
  for (const { path, text } of files) scratch.put(path.slice(host.length), text);
  return files.map(({ path }) => path.slice(host.length));
}

/** In a network and with a /run of its own; nothing of it outlives the script. */
function apart(script: string): { code: number | null; said: string } {
  const argv = [
    '-n',
    '-m',
    '-p',
    '--fork',
    '--kill-child',
    '--propagation',
    'private',
    'sh',
    '-euc',
    `mount -t tmpfs tmpfs /run\n${script}`,
  ];
  const { status, stdout, stderr } = spawnSync('unshare', argv, { env, encoding: 'utf8' });
  return { code: status, said: stdout + stderr };
}

/** What the distribution has beside our drop-ins. */
const NFTABLES = `[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/nftables.conf
ExecReload=/usr/sbin/nft -f /etc/nftables.conf
ExecStop=/usr/sbin/nft flush ruleset
`;
const SERVICE = '[Service]\nExecStart=/bin/true\n';

describe.skipIf(!root || !isHere('systemd-analyze'))("systemd reads mcpk's units and drop-ins", () => {
  /** All that it finds wrong, but that a program is not on this machine. */
  function complaints(files: readonly string[]): string[] {
    const units = [...new Set(files.flatMap((path) => /[\w-]+\.service/.exec(path)?.[0] ?? []))];
    for (const unit of units.filter((name) => !files.includes(`${PATHS.units}/${name}`)))
      scratch.put(`${PATHS.units}/${unit}`, unit === 'nftables.service' ? NFTABLES : SERVICE);
    const folder = scratch.at(PATHS.units);
    const argv = ['verify', '--man=no', ...units.map((unit) => `${folder}/${unit}`)];
    const { stderr } = spawnSync('systemd-analyze', argv, { env: { ...env, SYSTEMD_UNIT_PATH: `${folder}:` }, encoding: 'utf8' }); // prettier-ignore
    return stderr.split('\n').filter((line) => line !== '' && !/ is not executable: No such file or directory$/.test(line)); // prettier-ignore
  }
  const unitsOf = (files: readonly string[]): string[] => files.filter((path) => path.startsWith(`${PATHS.units}/`));

  it.each(['m1', 'w1'])('of %s', async (host) => {
    const files = unitsOf(await lay(host, 'etcd: { backup: { schedule: daily } }'));
    expect(files).toContain(`${PATHS.units}/nftables.service.d/10-mcpk-network.conf`);
    expect(complaints(files)).toEqual([]);
  });

  it.each([
    ['a drop-in', 'nftables.service.d/10-mcpk-network.conf', 'ExecStartPost=', 'ExecStartPots='],
    ['a unit', 'mcpk-network.service', 'Type=oneshot', 'Type=once'],
  ])('and finds what is wrong in %s', async (_what, name, good, bad) => {
    const files = unitsOf(await lay('w1'));
    const path = `${PATHS.units}/${name}`;
    scratch.put(path, scratch.read(path).replace(good, bad));
    expect(complaints(files)[0]).toContain(name);
  });
});

describe.skipIf(!root || !isHere('nft'))('nft', () => {
  it.each(['ExecStartPost', 'ExecReload', 'ExecStopPost'])(
    "brings the pods' rules back after nftables.service flushed all: %s",
    async (when) => {
      await lay('w1');
      const dropIn = scratch.read(`${PATHS.units}/nftables.service.d/10-mcpk-network.conf`);
      const [, command = 'false'] = new RegExp(`^${when}=-/usr/sbin/(.*)$`, 'm').exec(dropIn) ?? [];
      const { code, said } = apart(`nft flush ruleset; ${command.replace('/etc/', `${scratch.root}/etc/`)}; nft list ruleset`); // prettier-ignore
      expect([code, said]).toEqual([0, expect.stringContaining('ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade')]); // prettier-ignore
    },
  );
});

/** m1 of the lab with a second interface, and nobody at the other ends of the lines. */
const LINES = `ip link set lo up
for name in eth0 eth1; do ip link add $name type veth peer name $name-end; ip link set $name up; ip link set $name-end up; done
ip address add 10.77.0.11/24 dev eth0
`;

describe.skipIf(!root || !isHere('keepalived'))('Keepalived', () => {
  const config = (): string => scratch.at(PATHS.keepalivedConfig);

  it.each(['', 'endpoint: { interface: eth1 }'])('takes its configuration: %s', async (over) => {
    await lay('m1', over);
    expect(apart(`${LINES}keepalived -t -f ${config()}`)).toEqual({ code: 0, said: '' });
  });

  it('and says so where it does not', async () => {
    await lay('m1');
    scratch.put(PATHS.keepalivedConfig, scratch.read(PATHS.keepalivedConfig).replace('  nopreempt', '  nopremt'));
    const { code, said } = apart(`${LINES}keepalived -t -f ${config()}`);
    expect(said).toContain("Unknown keyword 'nopremt'");
    expect(code).not.toBe(0);
  });

  it('keeps the VIP on a second interface while HAProxy lives', async () => {
    await lay('m1', 'endpoint: { interface: eth1 }');
    const until = (test: string): string => `n=0; until ${test}; do n=$((n + 1)); [ $n -lt 200 ]; sleep 0.05; done\n`;
    const vip = 'ip -4 -oneline address show dev eth1 | grep -q "10.77.0.100/32"';
    const { code, said } = apart(`${LINES}echo 0 >${HAPROXY_STATE}
keepalived --dont-fork --vrrp --pid /run/k.pid --vrrp_pid /run/v.pid -f ${config()} &
${until(vip)}echo came
echo 1 >${HAPROXY_STATE}
${until(`! ${vip}`)}echo left
kill $!
wait $! || true`);
    expect([code, said.match(/^(came|left)$/gm)]).toEqual([0, ['came', 'left']]);
  });
});
