import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { askUpgrades, parseUpgrades, upgrade, type Upgrades } from '../../src/cluster/apt-upgrades.ts';
import { Debian, HAS_APT, type Deb } from './support/debian.ts';
import { Scratch } from './support/scratch.ts';

let host: Scratch;
let debian: Debian;

const deb = (name: string, version: string, more: Partial<Deb> = {}): Deb => ({ name, version, ...more });
const security = { suite: 'security' } as const;

beforeEach(() => {
  host = new Scratch();
  debian = new Debian(host);
  debian.offers([
    deb('openssl', '1'),
    deb('vim', '1'),
    deb('held', '1'),
    deb('linux', '1'),
    deb('old', '1'),
    deb('kept', '1'),
  ]);
  debian.apt('install', 'openssl', 'vim', 'held', 'linux', 'old', 'kept');
  debian.hold('held');
  debian.offers([
    deb('openssl', '1.1', security),
    // Also newer elsewhere: then security's own counts.
    deb('openssl', '3'),
    deb('vim', '2'),
    deb('held', '2', security),
    deb('linux', '2', { ...security, depends: 'linux-image-2' }),
    deb('linux-image-2', '2', security),
    deb('old', '2', { ...security, conflicts: 'kept' }),
  ]);
});
afterEach(() => host.remove());

function run(argv: readonly string[]): { exitCode: number | null; stdout: string; stderr: string } {
  const [program = '', ...args] = argv;
  const PATH = `${host.stubs}:/usr/sbin:/usr/bin:/sbin:/bin`;
  const env = { PATH, ...debian.environment };
  const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8' });
  return { exitCode: status, stdout, stderr };
}

const look = (which: Upgrades): string => {
  const { exitCode, stdout, stderr } = run(askUpgrades('w1', which).argv);
  expect([exitCode, stderr]).toEqual([0, '']);
  return stdout;
};

/** Without systemd's unit around it. */
const go = (which: Upgrades, told: string): ReturnType<typeof run> => {
  const [script = '', ...words] = upgrade(which, told).slice(4);
  return run(['sh', '-c', script, ...words]);
};

describe.runIf(HAS_APT)('packages that apt upgrades', () => {
  it('are those of the security archive in its version, with what they need anew; nothing held, nothing that takes another off', () => {
    expect(parseUpgrades({ stdout: look('security') })).toEqual([
      { name: 'linux', from: '1', to: '2' },
      { name: 'linux-image-2', to: '2' },
      { name: 'openssl', from: '1', to: '1.1' },
    ]);
  });

  it('are upgraded as was told, and nothing else is', () => {
    expect(go('security', look('security'))).toMatchObject({ exitCode: 0, stderr: '' });
    expect(debian.installed).toEqual([
      'hold held 1',
      'kept 1',
      'linux 2',
      'linux-image-2 2',
      'old 1',
      'openssl 1.1',
      'vim 1',
    ]);
    expect(look('security')).toBe('');
  });

  it('are all that are newer where that is asked for', () => {
    expect(go('all', look('all'))).toMatchObject({ exitCode: 0 });
    expect(debian.installed).toEqual([
      'hold held 1',
      'kept 1',
      'linux 2',
      'linux-image-2 2',
      'old 1',
      'openssl 3',
      'vim 2',
    ]);
  });

  it('stay where apt would do something else by now', () => {
    const told = look('security');
    debian.offers([deb('openssl', '1.2', security)]);
    expect(go('security', told)).toMatchObject({
      exitCode: 1,
      stderr: 'apt would do something else than when this was planned: run the same command again\n',
    });
    expect(debian.installed).toContain('openssl 1');
  });

  it('are not told where apt cannot read its lists', () => {
    host.put('/etc/apt/sources.list', 'deb [trusted=yes] file:/nowhere ./\n');
    const { exitCode, stderr } = run(askUpgrades('w1', 'security').argv);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('/nowhere')]);
  });
});
