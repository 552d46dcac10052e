import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { decodeConverge, encodeConverge, type ConvergeRequest } from '../../src/engine/wire/wire-converge.ts';
import type { Op } from '../../src/resources/types.ts';
import { Debian, HAS_APT, type Deb } from './support/debian.ts';
import { Scratch } from './support/scratch.ts';

let host: Scratch;
let debian: Debian;
beforeEach(() => {
  host = new Scratch();
  debian = new Debian(host);
});
afterEach(() => host.remove());

/** What is said of the one step: `changed`, or why it failed. */
function install(packages: string[], more: Partial<Extract<Op, { op: 'install' }>> = {}): string {
  const hold = packages.map((name) => name.replace(/=.*/, ''));
  const op: Op = { op: 'install', packages, mask: [], hold, replaced: [], ...more };
  const request: ConvergeRequest = {
    run: 'R1',
    stage: 'runtime',
    caller: 'ana%40laptop apply 0123',
    notes: [],
    steps: [{ ref: 'package:x', ops: [op] }],
    preconditions: [],
    ownedBefore: '',
    ownedAfter: '',
  };
  const { environment } = debian;
  const { records } = host.run('converge', encodeConverge(request), { environment });
  const events = records.flatMap((record) => decodeConverge(request, record) ?? []);
  const [said] = events.flatMap((event) => (event.type === 'resource' ? [event] : []));
  return said?.status === 'failed' ? (said.message ?? '') : (said?.status ?? 'nothing');
}

const lib = (version: string): Deb => ({ name: 'lib', version });
const runc = (version: string): Deb => ({ name: 'runc', version });
const containerd = (version: string, depends: string): Deb => ({ name: 'containerd', version, depends });

describe.runIf(HAS_APT)('a package in an exact version', () => {
  beforeEach(() => {
    debian.offers([
      ...[lib('1'), lib('2'), runc('1'), runc('2'), { name: 'rival', version: '1' }],
      containerd('1', 'lib (>= 1), runc (>= 1)'),
      containerd('2', 'lib (>= 1), runc (>= 2)'),
      containerd('3', 'lib (>= 2), runc (>= 2)'),
      { name: 'containerd', version: '4', depends: 'lib', conflicts: 'rival' },
    ]);
    debian.apt('install', 'lib=1', 'runc=1', 'containerd=1', 'rival');
    debian.hold('containerd', 'runc');
  });

  it('is changed although it is held, with what it needs that we hold, and both stay held', () => {
    expect(install(['containerd=2'], { moved: ['runc'] })).toBe('changed');
    expect(debian.installed).toEqual(['hold containerd 2', 'hold runc 2', 'lib 1', 'rival 1']);
  });

  it('goes back to an older one', () => {
    expect(install(['containerd=2'], { moved: ['runc'] })).toBe('changed');
    expect(install(['containerd=1'], { moved: ['runc'] })).toBe('changed');
    expect(debian.installed).toContain('hold containerd 1');
  });

  it('is not changed where that would change what somebody else holds', () => {
    debian.hold('lib');
    expect(install(['containerd=3'], { moved: ['runc'] })).toContain('containerd : Depends: lib (>= 2)');
    expect(debian.installed).toEqual(['hold containerd 1', 'hold lib 1', 'hold runc 1', 'rival 1']);
  });

  it('leaves alone what somebody else holds and it does not need', () => {
    debian.hold('lib');
    expect(install(['containerd=2'], { moved: ['runc'] })).toBe('changed');
    expect(debian.installed).toEqual(['hold containerd 2', 'hold lib 1', 'hold runc 2', 'rival 1']);
  });

  it('takes nothing off that the plan does not name', () => {
    expect(install(['containerd=4'])).toContain('E: Packages need to be removed but remove is disabled.');
    expect(debian.installed).toContain('hold containerd 1');
    expect(install(['containerd=4'], { replaced: ['rival'] })).toBe('changed');
    expect(debian.installed).not.toContain('rival 1');
  });

  it('that is new does not change what somebody holds, either', () => {
    debian.offers([lib('1'), lib('2'), { name: 'haproxy', version: '3', depends: 'lib (>= 2)' }]);
    debian.hold('lib');
    expect(install(['haproxy'])).not.toBe('changed');
    expect(debian.installed).toContain('hold lib 1');
  });
});
