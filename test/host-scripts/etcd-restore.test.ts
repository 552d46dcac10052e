import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { bareHost } from '../../src/cluster/bare-host.ts';
import { restoringOn, type RestorePhase } from '../../src/cluster/restoring.ts';
import { PATHS } from '../../src/core/paths.ts';
import { abandonStages, restoreStages, type RestoreGoal } from '../../src/states/wishes/etcd-restore/stages.ts';
import type { Stage, StepAround } from '../../src/states/stage.ts';
import { factsOf, labCluster } from '../states/cluster.ts';

const RUN = '20261128T174300Z-3f9a';
const SHA256 = 'ab'.repeat(32);
const DATA = '/var/lib/etcd';
const ENCRYPTION = '/etc/kubernetes/api-server/encryption.yaml';
const PROGRAMS = ['cat', 'chmod', 'chown', 'cp', 'find', 'mkdir', 'mv', 'rm', 'rmdir', 'sync', 'systemctl'];
/** Of the master that stands for all of them. */
const HOST = 'm1';

const cluster = await labCluster();
const withLog = await labCluster('etcd: {config: {wal-dir: /var/lib/log}}');

/** A master's files, and programs that end whoever calls them when it is their turn. */
class Master {
  readonly root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'mcpk-restore-'));
  readonly #bin = join(this.root, '.bin');
  readonly #count = join(this.root, '.count');

  constructor(wal: string | undefined) {
    mkdirSync(this.#bin);
    this.put('/usr/local/bin/etcdutl', ETCDUTL, 0o755);
    for (const folder of [DATA, PATHS.units, PATHS.restore]) mkdirSync(this.at(folder), { recursive: true });
    this.put(`${DATA}/member/snap/db`, 'old');
    this.put(ENCRYPTION, 'old key');
    this.put(`${wal ?? `${DATA}/member/wal`}/0.wal`, 'old');
    this.put(`${wal ?? `${DATA}/member/wal`}/1.wal`, 'old');
    for (const name of PROGRAMS) {
      const real = ['systemctl', 'chown'].includes(name) ? ': ' : `exec /usr/bin/${name} "$@"`;
      writeFileSync(
        join(this.#bin, name),
        `#!/bin/sh\nread -r n at <${this.#count}; n=$((n + 1)); echo "$n $at" >${this.#count}\n[ "$n" != "$at" ] || { kill -9 "$PPID"; exit; }\n${real}\n`,
      );
      chmodSync(join(this.#bin, name), 0o755);
    }
  }

  at(path: string): string {
    return join(this.root, path);
  }

  put(path: string, text: string, mode = 0o644): void {
    mkdirSync(join(this.at(path), '..'), { recursive: true });
    writeFileSync(this.at(path), text);
    chmodSync(this.at(path), mode);
  }

  text(path: string): string {
    return existsSync(this.at(path)) ? readFileSync(this.at(path), 'utf8') : 'none';
  }

  /** Takes steps in order; killed before the call `at`, 0 = never. False when it was. Throws when a step fails. */
  take(steps: readonly StepAround[], at = 0): boolean {
    writeFileSync(this.#count, `0 ${at}\n`);
    for (const { run, sends, title } of steps) {
      if (sends === 'snapshot.db') this.put(`${PATHS.restore}/snapshot.db`, 'new');
      const argv = run.map((word) => word.replaceAll(/(?<![\w.}"$/])\/(var|etc|usr\/local)\b/g, `${this.root}/$1`));
      const [program = '', ...words] = argv;
      const env = { PATH: `${this.#bin}:/usr/bin:/bin` };
      const { status, signal, stderr } = spawnSync(program, words, { env, input: 'new key', encoding: 'utf8' });
      if (signal !== null || (at !== 0 && this.calls >= at)) return false;
      if (status !== 0) throw new Error(`${title}: ${stderr}`);
    }
    return true;
  }

  get calls(): number {
    return Number(readFileSync(this.#count, 'utf8').split(' ')[0]);
  }

  get phase(): RestorePhase | undefined {
    const files = existsSync(this.at(PATHS.restoring)) ? { [PATHS.restoring]: this.text(PATHS.restoring) } : {};
    const found = restoringOn({ hosts: new Map([[HOST, { ...bareHost(HOST, ''), files }]]) }).get(HOST);
    if (found === 'unknown') throw new Error(`it can't be read: ${this.text(PATHS.restoring)}`);
    return found?.phase;
  }

  /** What starts with the host, and on what. */
  picture(wal = `${DATA}/member/wal`): Record<string, unknown> {
    const before = `${DATA}.before-${RUN}`;
    return {
      data: this.text(`${DATA}/member/snap/db`),
      log: ['0.wal', '1.wal'].map((name) => this.text(`${wal}/${name}`)),
      aside: this.text(`${before}/member/snap/db`),
      key: this.text(ENCRYPTION),
      barred: readdirSync(this.at(PATHS.units)),
      phase: this.phase,
      left: [...readdirSync(this.at('/var/lib')), ...readdirSync(this.at(PATHS.restore))].filter((name) =>
        /\.part$|new-/.test(name),
      ),
    };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Makes of a snapshot what etcdutl does, with the log where it is told to. */
const ETCDUTL = `#!/bin/sh
[ "$1 $2" = "snapshot restore" ] || exit 1
snapshot=$3
for word; do
  case $word in
    --data-dir=*) data=\${word#*=} ;;
    --wal-dir=*) wal=\${word#*=} ;;
  esac
done
[ ! -e "$data" ] || exit 1
/usr/bin/mkdir -p "$data/member/snap" "\${wal:=$data/member/wal}"
/usr/bin/cp "$snapshot" "$data/member/snap/db"
/usr/bin/cp "$snapshot" "$wal/0.wal"
`;

let master: Master;
let of = cluster;
afterEach(() => master.remove());

function stepsOf(stages: readonly Stage[], names: readonly string[]): StepAround[] {
  const facts = factsOf(of);
  return stages
    .filter(({ name }) => names.includes(name))
    .filter((stage) => stage.due?.(of, facts).includes(HOST))
    .flatMap((stage) => stage.around?.({ cluster: of, facts, batch: [HOST] }).before ?? [])
    .filter(({ on }) => on === HOST);
}

/** The steps that a restore has still to take on the master, until before its API server starts. */
function ahead(): StepAround[] {
  const phases = new Map(master.phase === undefined ? [] : [[HOST, master.phase]]);
  const file = { host: HOST, path: ENCRYPTION, owner: 'root', group: 'root', mode: '0600', sends: 'encryption.yaml' };
  const goal: RestoreGoal = { run: RUN, sha256: SHA256, phases, files: [file] };
  const untilBack = stepsOf(restoreStages(goal), ['serve']).filter(({ together }) => together === 'put');
  return [...stepsOf(restoreStages(goal), ['stop', 'aside', 'load', 'start']), ...untilBack];
}

function back(): StepAround[] {
  const phases = new Map(master.phase === undefined ? [] : [[HOST, master.phase]]);
  return stepsOf(abandonStages({ run: RUN, sha256: SHA256, phases }), ['back']);
}

describe.each([
  ['with its log', cluster, undefined, 1],
  // The same calls, but for a few.
  ['with its log elsewhere', withLog, '/var/lib/log', 3],
] as const)('a master %s', (_what, inventory, wal, stride) => {
  beforeEach(() => {
    of = inventory;
    master = new Master(wal);
  });

  const anew = (): void => {
    master.remove();
    master = new Master(wal);
  };

  it('has the snapshot, the old data aside, and nothing that holds etcd back any more', () => {
    const before = master.picture(wal);
    expect(master.take(ahead())).toBe(true);
    const after = master.picture(wal);
    expect(after).toEqual({
      data: 'new',
      log: ['new', 'none'],
      aside: 'old',
      key: 'new key',
      barred: ['kube-apiserver.service.d', 'kube-controller-manager.service.d', 'kube-scheduler.service.d'],
      phase: 'started',
      left: [],
    });
    expect(master.take(back())).toBe(true);
    expect(master.picture(wal)).toEqual(before);
  });

  it('killed before any call of a program, the next run ends as an undisturbed one does, or puts all back', () => {
    const before = master.picture(wal);
    master.take(ahead());
    const calls = master.calls;
    const after = master.picture(wal);
    expect(calls).toBeGreaterThan(40);
    for (let call = 1; call <= calls; call += stride) {
      for (const way of ['on', 'back'] as const) {
        anew();
        const where = `${way} after a kill before call ${call} of ${calls}`;
        expect(master.take(ahead(), call), where).toBe(false);
        // What is barred starts nothing, and what is not has not lost anything.
        if (master.phase === undefined) expect(master.text(`${DATA}/member/snap/db`), where).toBe('old');
        if (way === 'back' && master.phase === undefined) continue;
        master.take(way === 'on' ? ahead() : back());
        expect(master.picture(wal), where).toEqual(way === 'on' ? after : before);
      }
    }
  });

  it('killed while the old data come back, it goes on with that, or with the restore', () => {
    const before = master.picture(wal);
    master.take(ahead());
    const after = master.picture(wal);
    master.take(back());
    const calls = master.calls;
    for (let call = 1; call <= calls; call += stride) {
      for (const way of ['on', 'back'] as const) {
        anew();
        master.take(ahead());
        const where = `${way} after a kill before call ${call} of ${calls}`;
        expect(master.take(back(), call), where).toBe(false);
        const isOver = master.phase === undefined;
        master.take(way === 'on' ? ahead() : back());
        const left = master.picture(wal);
        // Where the state is gone only drop-ins may be left, which then hold nothing back.
        expect({ ...left, barred: [] }, where).toEqual({ ...(way === 'on' ? after : before), barred: [] });
        if (!isOver || way === 'on') expect(left, where).toEqual(way === 'on' ? after : before);
      }
    }
  });
});
