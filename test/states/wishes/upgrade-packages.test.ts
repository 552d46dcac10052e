import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { upgrade } from '../../../src/cluster/apt-upgrades.ts';
import type { Plan } from '../../../src/engine/types.ts';
import { upgradeWish } from '../../../src/states/wishes/upgrade-packages.ts';
import { wishPlan } from '../../engine/support/wish-plan.ts';
import { factsOf, labCluster, registered } from '../cluster.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const lab = await labCluster();
const facts = factsOf(lab, { nodes: registered(lab), etcd: 'formed', apiHost: 'm1' });
const among = lab.hosts.map(({ name }) => name);

const OPENSSL = 'openssl [3.5.1-1] (3.5.1-1+deb13u1 Debian-Security:13/stable-security [amd64])\n';
const KERNEL = 'linux-image-6.12.48 (6.12.48-1 Debian-Security:13/stable-security [amd64])\n';

/** `said`: what apt tells, by host; it fails where that is an exit code. */
async function planned(said: Record<string, string | number>): Promise<Plan> {
  const wish = upgradeWish({ among, which: 'security' });
  const made = await wish.stagesOf?.({
    facts,
    run: 'r',
    ask: (asks) =>
      Promise.resolve(
        asks.map(({ host }) => {
          const answer = said[host] ?? '';
          return typeof answer === 'number'
            ? { host, exitCode: answer, stdout: '', stderr: 'E: no lists\n' }
            : { host, exitCode: 0, stdout: answer, stderr: '' };
        }),
      ),
  });
  return wishPlan({ cluster: lab, facts, stages: made?.stages ?? [] });
}

it('hosts upgrade in turn what apt told of each, exactly that, and others do nothing', async () => {
  const { stages, summary } = await planned({ w2: OPENSSL, m2: OPENSSL + KERNEL });
  expect(stages.map(({ name, batches }) => [name, batches])).toEqual([['packages', [['m2'], ['w2']]]]);
  expect(stages[0]?.steps.map(({ when, title, long }) => [when, title, long])).toEqual([
    ['work', 'upgrade on m2: openssl 3.5.1-1 → 3.5.1-1+deb13u1, linux-image-6.12.48 new → 6.12.48-1', true],
    ['work', 'upgrade on w2: openssl 3.5.1-1 → 3.5.1-1+deb13u1', true],
  ]);
  expect(stages[0]?.steps[1]?.run.slice(-3)).toEqual(['go', 'security', sha256(OPENSSL)]);
  expect(summary).toMatchObject({ changes: 2, hosts: 2 });
});

it('is a command that systemd-run and the kernel take as it is, however much apt told', () => {
  for (const word of upgrade('all', OPENSSL.repeat(5000))) {
    expect(word).not.toContain('${');
    expect(word.length).toBeLessThan(128 * 1024);
  }
});

it('there is nothing to do where apt has nothing', async () => {
  expect((await planned({})).summary).toMatchObject({ changes: 0, deferred: 0 });
});

it('a host whose apt fails ends the run before anything changes, with its words', async () => {
  await expect(planned({ w1: 100, w2: OPENSSL })).rejects.toMatchObject({
    code: 'preflight',
    host: 'w1',
    details: ['E: no lists'],
  });
});

it('of many packages the first are named', async () => {
  const many = Array.from({ length: 30 }, (_, index) => `p${index} [1] (2 x)\n`).join('');
  const [step] = (await planned({ w1: many })).stages[0]?.steps ?? [];
  expect(step?.title).toMatch(/^upgrade on w1: p0 1 → 2, .*, p19 1 → 2, and 10 more$/);
});
