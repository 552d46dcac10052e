import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { bareHost } from '../../../src/cluster/bare-host.ts';
import { compare, type Comparisons } from '../../../src/engine/plan/compare.ts';
import { convergeHost } from '../../../src/engine/work/converge.ts';
import { parseOwned, type Ownership } from '../../../src/engine/plan/owned.ts';
import type { Means } from '../../../src/engine/work/means.ts';
import { runOf } from '../../engine/support/fake-run.ts';
import { changesOf, type HostPlan } from '../../../src/engine/types.ts';
import { decodeObserved, emptyReads, encodeReads } from '../../../src/engine/wire/wire.ts';
import { kindOf } from '../../../src/resources/kinds.ts';
import type { Resource } from '../../../src/resources/types.ts';
import type { SessionRecord } from '../../../src/transport/types.ts';
import { Scratch } from './scratch.ts';

const STAGE = 'etcd';

/** One host with one unit, on which the engine's own way runs: probe, compare, converge. Only systemd is a stand-in. */
export class World {
  readonly host = new Scratch();
  readonly #unit = join(this.host.stubs, '.unit');
  readonly #wrappers = mkdtempSync(join(this.host.stubs, '.wrapped-'));
  readonly #kept = mkdtempSync(join(this.host.stubs, '.kept-'));
  #runs = 0;

  constructor(unit: string, config: string) {
    mkdirSync(this.#unit);
    for (const name of ['running', 'loaded', 'enabled', 'active', 'invocation'])
      writeFileSync(join(this.#unit, name), '');
    writeFileSync(join(this.#unit, 'started'), 'Thu 1970-01-01 00:00:00.000000 UTC');
    this.host.stub(
      'systemctl',
      systemctl(this.#unit, this.host.at(`/etc/systemd/system/${unit}`), this.host.at(config)),
    );
    this.host.stub('journalctl', '');
  }

  /** Every call of these programs is counted; the one whose turn it is kills the stream instead (SIGKILL, all of it). */
  killable(programs: readonly string[]): void {
    for (const name of programs) {
      const real = existsSync(join(this.host.stubs, name)) ? join(this.host.stubs, name) : `/usr/bin/${name}`;
      const file = join(this.#wrappers, name);
      const count = `n=0; IFS= read -r n <"${this.#wrappers}/.count"; n=$((n + 1)); echo "$n" >"${this.#wrappers}/.count"`;
      writeFileSync(file, `#!/bin/sh\n${count}\n${KILL}\nexec ${real} "$@"\n`);
      chmodSync(file, 0o755);
    }
  }

  /** What differs, and all that a stream would need. */
  plan(resources: Resource[]): { means: Means; plan: HostPlan; changes: string[] } {
    const reads = emptyReads();
    for (const resource of resources) kindOf(resource).reads(resource, reads);
    const observed = new Map([['m1', decodeObserved(this.host.run('probe', encodeReads(reads)).records, reads)]]);
    const ownedFile = this.host.at('/var/lib/mcpk/owned.json');
    const owned = parseOwned(existsSync(ownedFile) ? readFileSync(ownedFile, 'utf8') : '', 'm1');
    const states = { host: 'm1', stage: STAGE, resources };
    const comparisons = compare({
      tree: { hosts: ['m1'], stages: [{ name: STAGE, title: STAGE, needs: [], hosts: [states] }] },
      observed,
      facts: new Map([['m1', { ...bareHost('m1', '10.0.0.1'), owned }]]),
      apiOwned: new Map(),
      now: new Date(),
    });
    const [plan] = comparisons.stages.get(STAGE) ?? [];
    if (!plan) throw new Error('no plan');
    const changes = changesOf(plan).map((item) => `${item.comparison.verb} ${item.ref}`);
    return { means: this.#means(comparisons, observed, owned), plan, changes };
  }

  /** False when it was killed, before the n-th of its calls. */
  async apply(resources: Resource[], killAt?: number): Promise<boolean> {
    writeFileSync(join(this.#wrappers, '.count'), '0\n');
    this.#killAt = killAt;
    this.#runs += 1;
    const { means, plan } = this.plan(resources);
    return convergeHost(means, STAGE, plan).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Killed) return false;
        throw error;
      },
    );
  }

  /** How many calls a stream makes; at the end it is done. */
  async count(resources: Resource[]): Promise<number> {
    await this.apply(resources, Infinity);
    return Number(readFileSync(join(this.#wrappers, '.count'), 'utf8'));
  }

  /** Remembers the host as it is; {@link back} makes it so again. */
  keep(): void {
    this.#copy(this.host.root, `${this.#kept}/root`);
    this.#copy(this.#unit, `${this.#kept}/unit`);
  }

  back(): void {
    this.#copy(`${this.#kept}/root`, this.host.root);
    this.#copy(`${this.#kept}/unit`, this.#unit);
  }

  #copy(from: string, to: string): void {
    rmSync(to, { recursive: true, force: true });
    spawnSync('cp', ['-a', from, to]);
  }

  /** Everything that must not depend on how often it was killed. */
  picture(): Record<string, string> {
    const script =
      'find etc -printf "%p %y %m %l\\n" | sort; find etc -type f | sort | xargs -d "\\n" sha256sum; cat var/lib/mcpk/owned.json';
    const inUnit = (name: string): string => readFileSync(join(this.#unit, name), 'utf8').trim();
    return {
      files: spawnSync('sh', ['-c', script], { cwd: this.host.root, encoding: 'utf8' }).stdout,
      temporary: spawnSync('find', [this.host.root, '-name', '*.mcpk', '-o', '-name', '*.new'], { encoding: 'utf8' })
        .stdout,
      unit: `${inUnit('active')} ${inUnit('enabled')} ${inUnit('running')} ${inUnit('loaded')}`,
    };
  }

  remove(): void {
    this.host.remove();
  }

  #killAt: number | undefined;

  #means(comparisons: Comparisons, observed: Means['observed'], owned: ReturnType<typeof parseOwned>): Means {
    const request = (_host: string, _op: string, body: Buffer, onRecord: (record: SessionRecord) => void): number => {
      const own = `${this.host.stubs}:/usr/bin:/bin`;
      const at = this.#killAt;
      const environment = at === undefined ? { PATH: own } : { PATH: `${this.#wrappers}:${own}`, KILL_AT: String(at) };
      // In a process group of its own it can be killed as a whole.
      const { exitCode, records } = this.host.run('converge', body, { environment, under: ['setsid'] });
      if (exitCode === null) throw new Killed();
      records.forEach(onRecord);
      return exitCode;
    };
    const { means } = runOf({});
    return {
      ...means,
      state: { ...means.state, id: `R${this.#runs}` },
      comparisons,
      observed,
      owned: new Map([['m1', new Map(owned.map(({ ref, ...rest }): [string, Ownership] => [ref, rest]))]]),
      journal: { ...means.journal, caller: 'ana%40laptop apply 0' },
      fleet: { ...means.fleet, request: async (...args: Parameters<typeof request>) => request(...args) },
    };
  }
}

class Killed extends Error {}

/** `timeout` makes a process group of its own: the stream's is that of its session's leader. */
const KILL =
  'if [ "$n" = "$KILL_AT" ]; then read -r _ _ _ _ _ session _ </proc/$$/stat; kill -KILL "-$session"; kill -KILL 0; fi';

/** What of systemd decides: what it has read, what runs with which configuration, since when. */
function systemctl(state: string, unit: string, config: string): string {
  const file = (name: string): string => `"${state}/${name}"`;
  const read = (name: string): string => `"$(cat ${file(name)})"`;
  return `case "$*" in
  *show*)
    stale=no
    cmp -s "${unit}" ${file('loaded')} || stale=yes
    printf 'Id=x.service\\nLoadState=loaded\\nActiveState=%s\\nUnitFileState=%s\\nNeedDaemonReload=%s\\nInvocationID=%s\\nExecMainStartTimestamp=%s\\n' \\
      ${read('active')} ${read('enabled')} $stale ${read('invocation')} ${read('started')}
    ;;
  daemon-reload) cp "${unit}" ${file('loaded')} ;;
  *enable*) echo enabled >${file('enabled')} ;;
  start* | restart*)
    echo active >${file('active')}
    cp "${config}" ${file('running')}
    echo "x$(cat ${file('invocation')})" >${file('invocation')}
    date -u '+%a %Y-%m-%d %H:%M:%S.%6N UTC' >${file('started')}
    ;;
esac`;
}
