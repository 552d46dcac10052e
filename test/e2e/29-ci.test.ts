import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATOR_KEY } from '../../lab/keys.ts';
import { powerOff, powerOn } from '../../lab/lab.ts';
import { onOperatorSide, operatorEnvironment } from '../../lab/operator.ts';
import type { History, PastRun } from '../../src/engine/past/past-types.ts';
import { ciJobs } from '../support/ci-jobs.ts';
import { carryOut, type Amid, type CiSaid } from '../support/ci-run.ts';
import { FULL } from '../support/tier.ts';
import { checkout, makeRepository } from './support/ci-checkout.ts';
import { isClear } from './support/hosts.ts';
import { allNodesReady, kubectl, mcpk, mcpkJson, NODES, on, overlay, writeKubeconfig } from './support/mcpk.ts';
import { Running } from './support/running.ts';
import { startFrom } from './support/start-from.ts';

/** The password of sudo on the hosts. */
const MCPK_SUDO = randomBytes(16).toString('hex');

let repository = '';
let key = '';
/** Stands for GitHub's own program. */
let bin = '';

interface Done extends CiSaid {
  folder: string;
}

interface Options {
  amid?: Amid;
  /** A change of the inventory: these words in the place of those. */
  change?: readonly [string, string];
}

/** Carries out a job from a clean checkout. No secret is in what it leaves. */
async function job(name: string, { amid, change }: Options = {}): Promise<Done> {
  const found = ciJobs().find((each) => `${each.system} ${each.name}` === name);
  if (found === undefined) throw new Error(`there is no job ${name}`);
  const folder = await checkout(repository);
  if (change !== undefined) {
    const file = join(folder, 'lab.yaml');
    const text = await readFile(file, 'utf8');
    // The repository has another name of the same file.
    await rm(file);
    await writeFile(file, text.replace(...change));
  }
  const given = operatorEnvironment();
  const env = { ...given, PATH: `${bin}:${given['PATH'] ?? ''}` };
  const place = { folder, secrets: { SSH_KEY: key, MCPK_SUDO }, env, wrap: onOperatorSide };
  const said = await carryOut(found, place, amid);
  const left = await Promise.all(
    ['apply.xml', 'verify.xml', 'plan.md'].map((path) => readFile(join(folder, path), 'utf8').catch(() => '')),
  );
  const shown = [said.log, said.summary, ...left].join('\n');
  for (const secret of [MCPK_SUDO, ...key.split('\n').filter((line) => line.length > 40)])
    expect(shown.includes(secret)).toBe(false);
  return { ...said, folder };
}

/** As `job`, to its end with this code. */
async function done(name: string, code = 0, options: Options = {}): Promise<Done> {
  const said = await job(name, options);
  expect(said.code, said.log.slice(-5000)).toBe(code);
  return said;
}

async function setPassword(password: string): Promise<void> {
  for (const name of NODES) await on(name, 'sh', '-c', `echo 'pw:${password}' | chpasswd`);
}

/** In the middle of an apply: HAProxy is laid down, etcd and the container runtime are not, or are just then. */
const MIDDLE = /(::group::|section_start:).*\bhaproxy\b/;

/** Begun on any host later than this, in the latest run. */
async function begunAfter(ms: number): Promise<{ run: PastRun; begun: string[] }> {
  const { runs } = await mcpkJson<History>(['history'], 0);
  const run = await mcpkJson<PastRun>(['history', runs.at(-1)?.run ?? ''], 0);
  const begun = run.hosts.flatMap(({ host, entries }) =>
    entries
      .filter(({ at, event }) => at > ms && (event === 'begin' || event === 'stage'))
      .map(({ at, event, words }) => [host, String(at - ms), event, ...words].join(' ')),
  );
  return { run, begun };
}

async function isUp(): Promise<void> {
  await writeKubeconfig();
  await allNodesReady();
}

/** Each goes on with the hosts as the one before left them. */
describe.runIf(FULL)('the recipes of docs/ci.md, from clean checkouts with a cache', () => {
  startFrom('bare');

  beforeAll(async () => {
    await setPassword(MCPK_SUDO);
    key = await readFile(OPERATOR_KEY, 'utf8');
    repository = await makeRepository();
    bin = await mkdtemp(join(tmpdir(), 'mcpk-ci-bin-'));
    await writeFile(join(bin, 'gh'), '#!/bin/sh\necho "$*" >gh-words\n', { mode: 0o755 });
  });
  afterAll(() => setPassword('lab'));

  it('bring-up ended by SIGTERM: after 10 s nothing new begins, 130', async () => {
    let told = Number.POSITIVE_INFINITY;
    const amid: Amid = async (running, step) => {
      if (step.name !== 'apply') return false;
      await running.must(MIDDLE);
      told = Date.now();
      running.kill('SIGTERM');
      return false;
    };
    const { folder } = await done('github apply', 130, { amid });
    const { run, begun } = await begunAfter(told + 10_000);
    expect(run).toMatchObject({ command: 'apply', result: 'interrupted', exitCode: 130 });
    expect(begun).toEqual([]);
    expect(await readFile(join(folder, 'apply.xml'), 'utf8')).toContain('<testsuites name="mcpk apply"');
  });

  it.each(['github apply', 'gitlab apply'])('%s goes on, to a cluster that is verified', async (name) => {
    const { folder, log } = await done(name);
    // The second one finds nothing to do, so nothing folds.
    expect(log).toMatch(name.startsWith('github') ? /^::group::/m : /^Nothing was to be done\.$/m);
    for (const file of ['apply.xml', 'verify.xml'])
      expect(await readFile(join(folder, file), 'utf8')).toMatch(/<testsuites [^>]* failures="0"/);
    await isUp();
  });

  it.each(['github plan', 'gitlab plan'])('%s tells what a change comes to, and changes nothing', async (name) => {
    const { folder, summary } = await done(name, 0, { change: ['maxconn: 4000', 'maxconn: 4001'] });
    const plan = await readFile(join(folder, 'plan.md'), 'utf8');
    expect(plan).toMatch(/maxconn 4001/);
    if (name.startsWith('github')) {
      expect(summary).toBe(plan);
      expect(await readFile(join(folder, 'gh-words'), 'utf8')).toMatch(/^pr comment 7 .*--body-file plan\.md$/m);
    }
    expect(await on('m1', 'cat', '/etc/haproxy/haproxy.cfg')).not.toContain('4001');
  });

  it.each(['github drift', 'gitlab drift'])('%s is green, and red when somebody changed a host', async (name) => {
    await done(name);
    await on('w1', 'chmod', '0777', '/etc/kubernetes/kubelet');
    const { folder } = await done(name, 2);
    expect(await readFile(join(folder, 'plan.md'), 'utf8')).toContain('/etc/kubernetes/kubelet');
    await done('github apply');
  });

  it.each(['github apply', 'gitlab apply'])('%s waits for who holds the lock', async (name) => {
    // Three API servers restart, one after the other: long enough for a job to come.
    const first = new Running(['apply', '--yes'], [await overlay('apiServer: { audit: { maxAge: 31 } }\n')]);
    await first.must(/api-server m\d: update file:.*, changed/);
    const amid: Amid = async (running, step) => {
      if (step.name === 'apply' || step.name === 'script')
        await running.must(/waits up to 15 min for \S+@\S+ pid \d+, apply since/);
      return false;
    };
    await done(name, 0, { amid });
    expect((await first.end()).code).toBe(0);
  });

  it('the machines of that cluster are given back', async () => {
    const said = await mcpk(['reset', '--yes', '--cluster', 'lab']);
    expect(said.code, said.stderr).toBe(0);
    for (const host of NODES) await isClear(host);
  });

  it.each(['github versions 1.36', 'gitlab versions 1.36', 'github versions 1.37', 'gitlab versions 1.37'])(
    '%s goes from bare machines to a verified cluster, and back',
    async (name) => {
      const seen: string[] = [];
      // Those of GitLab are on when the job comes, those of GitHub boot while it waits for them.
      const boots = name.startsWith('github');
      if (boots) await Promise.all(NODES.map(powerOff));
      const amid: Amid = async (_running, { name: step }) => {
        if (step === 'apply' && boots) await Promise.all(NODES.map(powerOn));
        if (step !== 'verify') return false;
        await writeKubeconfig();
        seen.push(await kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].status.nodeInfo.kubeletVersion}'));
        return false;
      };
      const { folder, log } = await done(name, 0, { amid });
      expect(log).toMatch(name.startsWith('github') ? /^::group::/m : /section_start:\d+:/);
      // GitLab runs all lines as one step.
      const minor = new RegExp(`^(v${name.slice(-4).replace('.', '\\.')}\\.\\d+ ?){5}$`);
      if (name.startsWith('github')) expect(seen).toEqual([expect.stringMatching(minor)]);
      expect(await readFile(join(folder, 'verify.xml'), 'utf8')).toMatch(/<testsuites [^>]* failures="0"/);
      for (const host of NODES) await isClear(host);
    },
  );

  it.each(['github versions 1.37', 'gitlab versions 1.37'])(
    '%s that is cancelled in the middle gives the machines back bare',
    async (name) => {
      const amid: Amid = async (running, { name: step }) => {
        if (step !== 'apply' && step !== 'script') return false;
        await running.must(MIDDLE);
        return true;
      };
      expect((await job(name, { amid })).code).not.toBe(0);
      for (const host of NODES) await isClear(host);
    },
  );
});
