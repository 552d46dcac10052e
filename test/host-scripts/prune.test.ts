import { existsSync, linkSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Scratch } from './support/scratch.ts';

const GENERATIONS = '/var/lib/mcpk/generations';
const STORE = '/var/lib/mcpk/store';

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
  mkdirSync(host.at('/etc'));
  // The real one, and it is seen what it was given.
  host.stub('shred', 'exec /usr/bin/shred "$@"');
});
afterEach(() => {
  host.remove();
});

function prune(keep: number, megabytes = 100): string[] {
  const { exitCode, stderr } = host.run('prune', Buffer.from(`${keep} ${megabytes}\n`));
  expect([exitCode, stderr]).toEqual([0, '']);
  return existsSync(host.at(GENERATIONS)) ? readdirSync(host.at(GENERATIONS)).sort() : [];
}

const shredded = (): string[] =>
  host.calls.filter((call) => call.startsWith('shred ')).map((call) => call.split(' ').at(-1)!.split('/').at(-1)!);

describe('generations', () => {
  const lay = (run: string, name: string, mode = 0o600): void =>
    host.put(`${GENERATIONS}/${run}/etcd/etc/${name}`, `secret of ${run}`, mode);

  it('of the last runs stay, with what those put back; older ones go', () => {
    for (const run of ['R1', 'R2', 'R2-back', 'R3', 'R4']) lay(run, 'key');
    expect(prune(3)).toEqual(['R2', 'R2-back', 'R3', 'R4']);
    expect(prune(2)).toEqual(['R3', 'R4']);
    expect(prune(2)).toEqual(['R3', 'R4']);
  });

  it('go, the oldest first, until the rest fits; the last one stays whatever its size', () => {
    for (const run of ['R1', 'R2', 'R3']) host.put(`${GENERATIONS}/${run}/etcd/big`, Buffer.alloc(2 << 20), 0o644);
    expect(prune(5, 5)).toEqual(['R2', 'R3']);
    expect(prune(5, 1)).toEqual(['R3']);
  });

  it('are shredded where they are secret, and only there', () => {
    lay('R1', 'key');
    lay('R1', 'public', 0o644);
    lay('R2', 'key');
    prune(1);
    expect(shredded()).toEqual(['key']);
  });

  it('never cost a live file its bytes, nor one that another generation keeps', () => {
    host.put('/etc/live', 'live secret', 0o600);
    lay('R1', 'own');
    linkSync(host.at('/etc/live'), host.at(`${GENERATIONS}/R1/etcd/etc/live`));
    mkdirSync(host.at(`${GENERATIONS}/R2/etcd/etc`), { recursive: true });
    lay('R1', 'shared');
    linkSync(host.at(`${GENERATIONS}/R1/etcd/etc/shared`), host.at(`${GENERATIONS}/R2/etcd/etc/shared`));
    expect(prune(1)).toEqual(['R2']);
    expect(host.read('/etc/live')).toBe('live secret');
    expect(host.read(`${GENERATIONS}/R2/etcd/etc/shared`)).toBe('secret of R1');
    expect(shredded()).toEqual(['own']);
  });

  it('are shredded once their last name goes, also when they had two in one run', () => {
    lay('R1', 'a');
    linkSync(host.at(`${GENERATIONS}/R1/etcd/etc/a`), host.at(`${GENERATIONS}/R1/etcd/etc/b`));
    lay('R2', 'key');
    prune(1);
    expect(shredded()).toHaveLength(1);
  });
});

describe('binaries in the store', () => {
  const sums = ['linked', 'owned', 'kept', 'owned-then', 'running', 'unused'].map((name, index) => [
    name,
    String(index + 1).repeat(64),
  ]);
  const of = Object.fromEntries(sums) as Record<string, string>;

  it('stay where a link, owned.json, a generation or a process leads to them; the rest goes', () => {
    for (const [, sum] of sums) host.put(`${STORE}/${sum}`, 'binary', 0o755);
    host.put(`${STORE}/.${of['unused']}.part`, 'on its way');
    for (const folder of ['/usr/local/bin', `${GENERATIONS}/R1/api/usr/local/bin`, '/proc/7'])
      mkdirSync(host.at(folder), { recursive: true });
    symlinkSync(`${STORE}/${of['linked']}`, host.at('/usr/local/bin/etcd'));
    symlinkSync(`${STORE}/${of['kept']}`, host.at(`${GENERATIONS}/R1/api/usr/local/bin/etcd`));
    symlinkSync(`${STORE}/${of['running']} (deleted)`, host.at('/proc/7/exe'));
    host.put('/var/lib/mcpk/owned.json', `{"hash":"${of['owned']}"}`);
    host.put(`${GENERATIONS}/R1/api/var/lib/mcpk/owned.json`, `{"hash":"${of['owned-then']}"}`, 0o600);
    prune(5);
    const left = readdirSync(host.at(STORE)).filter((name) => !name.startsWith('.'));
    expect(left.map((sum) => sums.find((each) => each[1] === sum)?.[0])).toEqual([
      'linked',
      'owned',
      'kept',
      'owned-then',
      'running',
    ]);
    expect(existsSync(host.at(`${STORE}/.${of['unused']}.part`))).toBe(true);
  });

  it('are left alone on a host that has none', () => {
    expect(prune(5)).toEqual([]);
  });
});
