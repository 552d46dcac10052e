import { mkdirSync, symlinkSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Secret } from '../../src/core/secret.ts';
import type { FileResource, Resource, UnitResource } from '../../src/resources/types.ts';
import { World } from './support/world.ts';

const PROGRAMS = [
  'dd',
  'mv',
  'ln',
  'chown',
  'chmod',
  'sync',
  'cp',
  'rm',
  'rmdir',
  'mkdir',
  'date',
  'stat',
  'systemctl',
];
const ROOT = { owner: 'root', group: 'root' };
const UNIT = '/etc/systemd/system/x.service';
const CONFIG = '/etc/x/x.conf';

const file = (path: string, content: string | Secret, mode = '0644'): FileResource => ({
  kind: 'file',
  path,
  content,
  mode,
  ...ROOT,
});

/** A service in two versions: nearly everything about it differs, and something of it leaves. */
function service(version: 1 | 2): Resource[] {
  const next = version === 2;
  const unit: UnitResource = {
    kind: 'unit',
    name: 'x.service',
    enabled: true,
    state: 'running',
    inputs: [
      { ref: `file:${CONFIG}`, on: 'restart' },
      { ref: 'link:/etc/x/current', on: 'restart' },
    ],
  };
  return [
    { kind: 'directory', path: '/etc/x', mode: next ? '0750' : '0755', ...ROOT },
    ...(next ? [{ kind: 'directory', path: '/etc/x/new', mode: '0755', ...ROOT } as const] : []),
    file(UNIT, `[Service]\nExecStart=/usr/local/bin/x --version=${version}\n`),
    file(CONFIG, `version ${version}\n`),
    file('/etc/x/secret', new Secret(`secret ${version}`, 'password'), next ? '0600' : '0640'),
    file(next ? '/etc/x/new/file' : '/etc/x/old', 'x'),
    { kind: 'link', path: '/etc/x/current', target: `/opt/x-${version}` },
    unit,
  ];
}

let world: World;
beforeEach(() => {
  world = new World('x.service', CONFIG);
});
afterEach(() => {
  world.remove();
});

/** A host on which version 1 runs, and a link that someone left where a folder will be. */
async function installed(): Promise<void> {
  mkdirSync(world.host.at('/etc/systemd/system'), { recursive: true });
  await world.apply(service(1));
  symlinkSync('/nowhere', world.host.at('/etc/x/new'));
}

describe('a stream that is killed', () => {
  it('before any of its calls: the next one ends as an undisturbed one does', async () => {
    await installed();
    world.killable(PROGRAMS);
    world.keep();
    const calls = await world.count(service(2));
    const undisturbed = world.picture();
    expect(undisturbed).toMatchObject({
      temporary: '',
      unit: expect.stringMatching(/^active enabled version 2 /) as string,
    });
    expect(calls).toBeGreaterThan(25);
    for (let call = 1; call <= calls; call += 1) {
      world.back();
      expect(await world.apply(service(2), call), `killed before call ${call} of ${calls}`).toBe(false);
      await world.apply(service(2));
      expect(world.picture(), `killed before call ${call} of ${calls}`).toEqual(undisturbed);
      expect(world.plan(service(2)).changes, `killed before call ${call} of ${calls}`).toEqual([]);
    }
  });
});
