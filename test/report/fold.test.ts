import { describe, expect, it } from 'vitest';
import { rosterOf } from '../../src/commands/shared/cluster.ts';
import { McpkError, type ErrorDetails } from '../../src/core/errors.ts';
import { renderErrors } from '../../src/report/error-text.ts';
import { hostsWithin } from '../../src/report/fold.ts';
import { PLAIN } from '../../src/report/theme.ts';
import { meshInquiry } from '../../src/states/preflight/mesh.ts';
import { bareHost } from '../../src/cluster/bare-host.ts';
import { hostKeyRefused } from '../../src/transport/host-key-errors.ts';
import { lockedError } from '../../src/transport/lock.ts';
import { cpuMs } from '../support/cpu.ts';
import { loadYaml } from '../inventory/load-text.ts';

const CLUSTER = await loadYaml(`name: c
endpoint: { address: 10.0.0.100 }
hosts:
${[1, 2, 3].map((n) => `  - { name: m${String(n)}, address: 10.0.0.${String(n)}, roles: [master] }`).join('\n')}
${[1, 2, 3, 4, 5, 6].map((n) => `  - { name: w${String(n)}, address: 10.0.0.1${String(n)}, roles: [worker] }`).join('\n')}
`);
const ROSTER = rosterOf(CLUSTER);
const WORKERS = CLUSTER.hosts.filter((host) => host.roles.includes('worker'));

/** What is said when each of these hosts fails so. */
function said(make: (host: { name: string; address: string }) => McpkError, hosts = WORKERS, verbose = false): string {
  return renderErrors(hosts.map(make), PLAIN, { roster: ROSTER, verbose });
}

const failed = (message: string, host: string, more: ErrorDetails = {}): McpkError =>
  new McpkError('stage', message, { host, ...more });

describe('what several hosts have in common is said of all of them', () => {
  it.each<[string, (host: { name: string; address: string }) => McpkError, string]>([
    ['a name before it', ({ name }) => failed(`${name}: no answer`, name), '✖ w*: no answer (exit 15)\n'],
    ['no name in it', ({ name }) => failed('is full', name), '✖ w*: is full (exit 15)\n'],
    ['a name in it', ({ name }) => failed(`etcd on ${name}: full`, name), '✖ etcd on w*: full (exit 15)\n'],
    ['a port of theirs', ({ name, address }) => failed(`no route to ${address}:22`, name), '✖ w*: no route to port 22 (exit 15)\n'], // prettier-ignore
    ['their addresses', ({ name, address }) => failed(`${name}: the key of ${address} is new`, name), '✖ w*: the key of their addresses is new (exit 15)\n'], // prettier-ignore
    ['a user at them', ({ name, address }) => failed(`${name}: no key for root@${address}`, name), '✖ w*: no key for root at their addresses (exit 15)\n'], // prettier-ignore
    ['figures', ({ name }) => failed(`has 1.${name.slice(1)} GiB; 3.0 GiB are needed`, name), '✖ w*: has 1.1 to 1.6 GiB; 3.0 GiB are needed (exit 15)\n'], // prettier-ignore
    ['a command for all', ({ name }) => failed('is new', name, { hint: `mcpk host-key pin --limit ${name}` }), "✖ w*: is new (exit 15)\n  hint  mcpk host-key pin --limit 'w*'\n"], // prettier-ignore
    ['a hint for one', ({ name }) => failed('is new', name, { hint: `Log in to ${name}.` }), '✖ w*: is new (exit 15)\n  hint  for w1: Log in to w1.\n'], // prettier-ignore
    ['details of all', ({ name }) => failed('is new', name, { details: ['tried ~/.ssh/k'] }), '✖ w*: is new (exit 15)\n  tried ~/.ssh/k\n'], // prettier-ignore
    ['details of each', ({ name }) => failed('is new', name, { details: [name.repeat(9)] }), '✖ w*: is new (exit 15)\n'], // prettier-ignore
  ])('%s', (_what, make, text) => {
    expect(said(make)).toBe(text);
  });

  it('of few hosts the first one is heard, and with --verbose all of them', () => {
    const make = ({ name }: { name: string }): McpkError => failed('is new', name, { details: [`by ${name}`, 'x'] });
    expect(said(make, WORKERS.slice(0, 2))).toBe('✖ w1, w2: is new (exit 15)\n  w1: by w1\n  w1: x\n');
    const all = said(
      (host) => failed('is new', host.name, { details: [`it is ${host.name.repeat(2)}`] }),
      WORKERS,
      true,
    );
    for (const { name } of WORKERS) expect(all).toContain(`  ${name}: it is ${name.repeat(2)}\n`);
  });

  it('the hint of what no host said names hosts as they are called', () => {
    const names = CLUSTER.hosts.map(({ name }) => name).join(', ');
    const error = new McpkError('refused', 'there is no host "x"', { hint: `Hosts are: ${names}` });
    expect(renderErrors([error], PLAIN, { roster: ROSTER })).toContain(`  hint  Hosts are: ${names}\n`);
  });

  it('of one host its address is said', () => {
    const make = ({ name, address }: { name: string; address: string }): McpkError =>
      failed(`${name}: no key for root@${address}, nor a way to ${address}:22`, name);
    expect(said(make, WORKERS.slice(0, 1))).toBe(
      '✖ w1: no key for root@10.0.0.11, nor a way to 10.0.0.11:22 (exit 15)\n',
    );
  });

  it.each([
    [6, '✖ w*: is new (exit 15)\n  w1: 2\n  w1: ntpsec\n  w4: 2\n  w4: lock\n'],
    [3, '✖ w1, w2, w4: is new (exit 15)\n  w1: 1\n  w1: 2\n  w1: ntpsec\n  w4: 1\n  w4: 2\n  w4: lock\n'],
  ])('of %d hosts one of each kind is heard, of many its end', (count, text) => {
    const hosts = count === 3 ? WORKERS.filter(({ name }) => ['w1', 'w2', 'w4'].includes(name)) : WORKERS;
    const why = (name: string): string => (['w1', 'w2', 'w3'].includes(name) ? 'ntpsec' : 'lock');
    expect(said(({ name }) => failed('is new', name, { details: ['1', '2', why(name)] }), hosts)).toBe(text);
  });

  it('but not what differs', () => {
    const text = said(({ name }) => failed(`port ${name === 'w1' ? '443' : '6443'} is taken`, name));
    expect(text).toBe('✖ w1: port 443 is taken (exit 15)\n✖ w2, w3, w4, w5, w6: port 6443 is taken (exit 15)\n');
  });

  it('a host key that is not known', () => {
    const text = said(({ name, address }) =>
      hostKeyRefused({ name, keyName: address, knownHostsFiles: ['~/k'] }, Buffer.from(name), { is: 'unknown' }),
    );
    expect(text.split('\n')[0]).toBe('✖ w*: the host key of their addresses is not known yet (exit 12)');
    expect(text.match(/^ {2}hint/gm)).toHaveLength(1);
  });
});

it('an internalAddress is not the address where they differ', async () => {
  const cluster = await loadYaml(`name: c
network: { plugin: calico }
hosts:
  - { name: m1, address: 10.0.0.1, roles: [master] }
${[1, 2].map((n) => `  - { name: w${String(n)}, address: 192.0.2.${String(n)}, internalAddress: 10.0.0.1${String(n)}, roles: [worker] }`).join('\n')}
`);
  const workers = cluster.hosts.filter(({ roles }) => roles.includes('worker'));
  const text = (make: (host: (typeof workers)[number]) => string): string =>
    renderErrors(workers.map((host) => failed(make(host), host.name)), PLAIN, { roster: rosterOf(cluster) }); // prettier-ignore
  expect(text((host) => `does not have its internalAddress ${host.internalAddress}; it has ${host.address}`)).toBe(
    '✖ w*: does not have its internalAddress; it has their addresses (exit 15)\n',
  );
  expect(text((host) => `no way to ${host.internalAddress} over ${host.address}`)).toBe(
    '✖ w*: no way to their internalAddresses over their addresses (exit 15)\n',
  );
  expect(text((host) => `no route to ${host.internalAddress}:22`)).toBe('✖ w*: no route to port 22 (exit 15)\n');
});

describe('rows of many hosts in one error', () => {
  it('take little time with 400 hosts, each with a list of its own', async () => {
    const hosts = Array.from({ length: 400 }, (_, index) => {
      const address = `10.1.${String(index >> 8)}.${String(index & 255)}`;
      return { name: `h${String(index)}`, address, internalAddress: address, source: '' };
    });
    const rows = Array.from({ length: 80 }, (_, index) => `no${String(index)}, route${String(index)}`).join('; ');
    const errors = hosts.map(({ name }) => failed(`${name}: ${rows}`, name));
    const roster = { hosts, words: () => 'all' };
    expect(await cpuMs(() => renderErrors(errors, PLAIN, { roster }))).toBeLessThan(400);
  });

  it('are said in words: who is locked', () => {
    const holder = { who: 'root@ops pid 1, apply', forMs: 1000 };
    const error = lockedError(new Map(WORKERS.map(({ name }) => [name, holder])));
    expect(renderErrors([error], PLAIN, { roster: ROSTER })).toMatch(/^✖ w\*: locked by root@ops pid 1, apply since/);
  });

  it('are said in words: who does not reach whom', () => {
    const hosts = new Map(CLUSTER.hosts.map(({ name, address }) => [name, bareHost(name, address)]));
    const facts = { hosts, unreachable: [], etcd: 'none' as const };
    const inquiry = meshInquiry({ cluster: CLUSTER, facts, newcomers: new Set(hosts.keys()) });
    const answers = (inquiry?.asks ?? []).map(({ host, stdin = '' }) => {
      const lanes = stdin.split('\n').flatMap((line) => {
        const [verb, kind, number, ...peers] = line.split(' ');
        return verb === 'reach'
          ? peers.map((peer) => `unreached ${String(kind)} ${String(number)} ${peer} timed out`)
          : [];
      });
      return { host, exitCode: 0, stdout: lanes.join('\n'), stderr: '' };
    });
    const errors = (inquiry?.judge(answers) ?? []).map(
      ({ message, ...more }) => new McpkError('preflight', message, more),
    );
    const text = renderErrors(errors, PLAIN, { roster: ROSTER });
    expect(errors.length).toBeGreaterThan(10);
    const heads = text.split('\n').filter((line) => line.startsWith('✖'));
    expect(heads).toContain('✖ m* do not reach m*:2379 (etcd): timed out (exit 14)');
    expect(heads).toContain('✖ all do not reach m*:6443 (API server): timed out (exit 14)');
    expect(heads).toContain('✖ m1, m2, m3 do not reach w*:10250 (kubelet): timed out (exit 14)');
    expect(text).toContain('from the addresses of all through to 10.0.0.2:');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});

describe('what a host says', () => {
  it.each(['a', '1', '1.', 'a, ', 'w1, ', ', ', '1 ', '1 s ', '.-', '--limit w1', 'w1 '])(
    'takes little time at 64 KiB of %j',
    async (part) => {
      const text = part.repeat(65_536 / part.length);
      const errors = WORKERS.slice(0, 3).map(({ name }) => failed(text, name, { hint: text }));
      expect(await cpuMs(() => renderErrors(errors, PLAIN, { roster: ROSTER }))).toBeLessThan(500);
    },
  );
});

describe('hosts in so many columns', () => {
  it.each([
    [100, ['m1', 'm2', 'm3'], 'm*'],
    [10, ['w1', 'w3', 'w5'], 'w1, w3, w5'],
    [26, ['m1', 'm3', 'w1', 'w3', 'w5', 'w6', 'gone', 'away', 'lost', 'left'], 'm1, m3, w1, … (10 hosts)'],
    [1, ['m1', 'm3', 'w1', 'w3', 'w5', 'w6', 'gone', 'away', 'lost', 'left'], 'm1, … (10 hosts)'],
  ])('%d', (most, names, text) => {
    expect(hostsWithin(most, names, ROSTER)).toBe(text);
  });
});
