import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, GateCheck } from '../../src/cluster/gate.ts';
import { verify } from '../../src/states/verify.ts';
import { factsOf, hostFacts, labCluster } from '../states/cluster.ts';
import { Scratch } from './support/scratch.ts';

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
});
afterEach(() => {
  host.remove();
});

const cluster = await labCluster();
const hosts = new Map(cluster.hosts.map(({ name, address }) => [name, hostFacts(address, { hostname: name })]));
const said = (body: unknown): Answer => ({
  host: 'm1',
  exitCode: 0,
  stdout: `HTTP/1.1 200 OK\r\n\r\n${JSON.stringify(body)}`,
  stderr: '',
});
const POD = {
  metadata: { name: 'web-m1' },
  spec: { nodeName: 'm1' },
  status: { podIP: '10.244.0.2', conditions: [{ type: 'Ready', status: 'True' }] },
};
const CHECKS: readonly GateCheck[] =
  verify
    .verify?.({ cluster, facts: factsOf(cluster, { hosts }), hosts: ['m1'] })
    .checks[0]?.next?.([said({ items: [POD] }), said({ spec: { clusterIP: '10.254.9.9' } })]) ?? [];

/** What is wrong by each check, once the words that kubectl would run in the pod ran here. */
function tried(): (string | undefined)[] {
  const { argv = [] } = CHECKS[0]?.asks[0] ?? {};
  const words = argv.slice(argv.indexOf('--') + 1);
  const PATH = `${host.stubs}:/usr/bin:/bin`;
  const { status, stdout, stderr } = spawnSync('dash', words.slice(1), { env: { PATH }, encoding: 'utf8' });
  return CHECKS.map((check) => check.check([{ host: 'm1', exitCode: status ?? 1, stdout, stderr }]));
}

const PAGES = 'echo m1';
// As busybox has it: the server first, whose address begins as the one that is asked for.
const found = (address: string): string =>
  `echo "Server: 10.254.0.10"; echo "Address: 10.254.0.10:53"; echo; echo "Name: kubernetes.default"; echo "Address: ${address}"; exit 1`;

describe('a test pod', () => {
  it('finds nothing wrong where all is well', () => {
    host.stub('wget', PAGES);
    host.stub('nslookup', found('10.254.0.1'));
    expect(tried()).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('tells by each try what came in place of what was wanted', () => {
    host.stub(
      'wget',
      'case $* in *10.244*) echo w9 ;; *10.254*) echo "wget: timed out" >&2; exit 1 ;; *) echo m1 ;; esac',
    );
    host.stub('nslookup', found('10.9.9.9'));
    expect(tried()).toEqual([
      'w9 from the pods on m1',
      'nothing (wget: timed out)',
      undefined,
      'nslookup: Address: 10.9.9.9',
    ]);
  });
});
