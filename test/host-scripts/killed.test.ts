import { mkdirSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Secret } from '../../src/core/secret.ts';
import type { FileResource, Resource, UnitResource } from '../../src/resources/types.ts';
import { ME } from './support/scratch.ts';
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
const UNIT = '/etc/systemd/system/x.service';
const CONFIG = '/etc/x/x.conf';

const file = (path: string, content: string | Secret, mode = '0644'): FileResource => ({
  kind: 'file',
  path,
  content,
  mode,
  ...ME,
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
    { kind: 'directory', path: '/etc/x', mode: next ? '0750' : '0755', ...ME },
    ...(next ? [{ kind: 'directory', path: '/etc/x/new', mode: '0755', ...ME } as const] : []),
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

/** A host on which version 1 runs. */
async function installed(): Promise<void> {
  mkdirSync(world.host.at('/etc/systemd/system'), { recursive: true });
  await world.apply(service(1));
}

describe('a stream that is killed', () => {
  it('before any of its calls: the next one ends as an undisturbed one does', { timeout: 240_000 }, async () => {
    await installed();
    world.killable(PROGRAMS);
    world.keep();
    await world.apply(service(1));
    const stayed = world.picture();
    const calls = await world.count(service(2));
    const went = world.picture();
    expect(went).toMatchObject({
      temporary: '',
      unit: expect.stringMatching(/^active enabled version 2 /) as string,
    });
    expect(calls).toBeGreaterThan(25);
    for (let call = 1; call <= calls; call += 1) {
      // Now and then someone thinks better of it, and goes back to what was there.
      for (const [version, picture] of [[2, went] as const, ...(call % 4 === 0 ? [[1, stayed] as const] : [])]) {
        const where = `version ${version} after a kill before call ${call} of ${calls}`;
        world.back();
        expect(await world.apply(service(2), call), where).toBe(false);
        await world.apply(service(version));
        expect(world.picture(), where).toEqual(picture);
        expect(world.plan(service(version)).changes, where).toEqual([]);
      }
    }
  });
});
