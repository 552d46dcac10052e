import type { Command, CommandResult, Fleet } from '../../../src/engine/hosts/fleet.ts';
import { CONVERGE_TAGS as TAGS } from '../../../src/engine/wire/wire-tags.ts';
import type { SessionRecord } from '../../../src/transport/types.ts';

/** What a stage that goes back starts again. */
const UNITS: Readonly<Record<string, string>> = { etcd: 'etcd.service', 'api-server': 'kube-apiserver.service' };

export type Service = 'etcd' | 'kube-apiserver';

/** What goes wrong at the n-th stream of a stage. */
export interface Failure {
  stage: string;
  at: number;
  /**
   * refused: before anything is done · broken: with the unit stopped and not started · sick: the unit runs and is
   * never ready · death: well, and then the service of another host dies by itself.
   */
  how: 'refused' | 'broken' | 'sick' | 'death';
  /** Of the death. */
  host: string;
}

export interface World {
  masters: readonly string[];
  up: Record<Service, Set<string>>;
  holder: string | undefined;
  leader: string | undefined;
  /** The cluster served when the run began: from then on nobody may be cut off. */
  serves: boolean;
  failure: Failure | undefined;
  /** `--force-unsafe`: quorum and the last API server are not held against the run. */
  forced: boolean;
  /** Milliseconds that the next thing takes. */
  pace: () => number;
}

/** A step with its number, its name and its operations; an operation on a unit. */
const STEP = new RegExp(`^${TAGS.step} (\\d+) (\\S+)\\n((?:(?!${TAGS.stepEnd} $).*\\n)*)`, 'gm');
const UNIT = new RegExp(`^${TAGS.operation} unit\\n${TAGS.argument} (\\S+)\\n${TAGS.argument} (\\S+)\\n`, 'gm');

/** Hosts that run the units which converge's data and the steps name, and that watch what is done to them. */
export class SimulatedFleet implements Fleet {
  readonly sessions: Fleet['sessions'];
  readonly unreachable: Fleet['unreachable'] = new Map();
  /** What must never be and was. */
  readonly violations: string[] = [];
  /** `stage host ref` → how often. */
  readonly done = new Map<string, number>();
  /** `stage host` in the order in which streams began. */
  readonly streams: { stage: string; host: string; refs: string[] }[] = [];
  readonly #world: World;
  /** Served, until the run itself took them down. */
  readonly #ours: Record<Service, Set<string>> = { etcd: new Set(), 'kube-apiserver': new Set() };
  readonly #sick = new Set<string>();

  constructor(world: World, hosts: readonly string[]) {
    this.#world = world;
    this.sessions = new Map(hosts.map((host) => [host, {}])) as unknown as Fleet['sessions'];
  }

  async request(host: string, _op: string, body: Buffer, onRecord: (record: SessionRecord) => void): Promise<number> {
    const text = body.toString('latin1');
    const stage = /^converge +\d+ \x1f \S+ (\S+)\n/.exec(text)?.[1] ?? '';
    const steps = [...text.matchAll(STEP)].map(([, number = '', ref = '', ops = '']) => ({
      number,
      ref: decodeURIComponent(ref),
      units: [...ops.matchAll(UNIT)].map(([, action = '', unit = '']) => ({
        action,
        unit,
      })),
    }));
    const { failure } = this.#world;
    const number = this.streams.filter((each) => each.stage === stage).length;
    const fails = failure?.stage === stage && failure.at === number ? failure : undefined;
    this.streams.push({ stage, host, refs: steps.map((step) => step.ref) });
    await this.#time();
    if (fails?.how === 'refused') return 15;
    for (const { number, ref, units } of steps) {
      for (const { action, unit } of units) await this.#act(host, action, unit, fails?.how);
      if (ref.startsWith('generation:')) await this.#act(host, 'restart', UNITS[stage] ?? '');
      if (fails?.how === 'broken' && units.length > 0) {
        onRecord({ kind: 'event', args: [number, encodeURIComponent(ref), 'failed', '1'], body: Buffer.alloc(0) });
        return 15;
      }
      const key = `${stage} ${host} ${ref}`;
      this.done.set(key, (this.done.get(key) ?? 0) + 1);
      onRecord({ kind: 'event', args: [number, encodeURIComponent(ref), 'changed', '1'], body: Buffer.alloc(0) });
    }
    if (fails?.how === 'death') this.#die(fails.host);
    return 0;
  }

  async exec(host: string, commands: readonly Command[]): Promise<CommandResult[]> {
    await this.#time();
    const results: CommandResult[] = [];
    for (const command of commands) results.push(await this.#run(host, command));
    return results;
  }

  read(): Promise<Buffer> {
    return Promise.reject(new Error('not asked for'));
  }

  upload(): Promise<void> {
    return Promise.reject(new Error('not asked for'));
  }

  download(): Promise<never> {
    return Promise.reject(new Error('not asked for'));
  }

  rejoin: Fleet['rejoin'] = () => Promise.reject(new Error('no host boots'));

  /** Reached at once: whatever is armed is confirmed. */
  reach: Fleet['reach'] = () =>
    Promise.resolve({
      exec: (commands) => Promise.resolve(commands.map(() => ({ exitCode: 0, stdout: '', stderr: '' }))),
      close: () => Promise.resolve(),
    });

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #run(host: string, { argv }: Command): Promise<CommandResult> {
    if (argv.includes('socat')) return this.#socket(host, argv.at(-1) ?? '');
    if (argv[0] === 'ip') return said(this.#world.holder === host ? '10.77.0.100/32' : '');
    if (argv[0] === 'systemctl') await this.#act(host, argv[1] ?? '', argv[2] ?? '');
    if (argv[0] === 'sh' && this.#world.leader === host)
      this.#world.leader = [...this.#world.up.etcd].find((other) => other !== host) ?? host;
    return said('');
  }

  #socket(host: string, address: string): CommandResult {
    const { up, masters } = this.#world;
    const leader = up.etcd.has(this.#world.leader ?? '') ? this.#world.leader : [...up.etcd][0];
    const id = (name: string | undefined): string => String(masters.indexOf(name ?? '') + 1);
    if (address.startsWith('UNIX-CONNECT')) {
      const rows = masters.map((name) => `kube-apiservers,${name},${this.#ready(name) ? 'UP' : 'DOWN'},L7`);
      return said(['Name: HAProxy', '', '# pxname,svname,status,check_status', ...rows].join('\n'));
    }
    const service: Service = address.includes(':6443') ? 'kube-apiserver' : 'etcd';
    if (!up[service].has(host)) return { exitCode: 1, stdout: '', stderr: 'Connection refused' };
    if (service === 'kube-apiserver') return http(this.#ready(host), 'ok');
    if (address.includes(':2381'))
      return http(this.#healthy(host), JSON.stringify({ health: String(this.#healthy(host)) }));
    const header = { cluster_id: '1', member_id: id(host), revision: '1' };
    return http(
      true,
      JSON.stringify({ header, leader: this.#quorum() ? id(leader) : '0', raftIndex: '1', version: '3.7.3' }),
    );
  }

  async #act(host: string, action: string, unit: string, how?: Failure['how']): Promise<void> {
    if (unit === 'keepalived.service' && action !== 'stop') this.#world.holder ??= host;
    const service = unit.replace('.service', '') as Service;
    if (unit === 'keepalived.service' && action === 'stop' && this.#world.holder === host)
      this.#world.holder = this.#world.masters.find((other) => other !== host) ?? host;
    if (service !== 'etcd' && service !== 'kube-apiserver') return;
    if (action === 'stop' || action === 'restart') this.#takeDown(service, host);
    await this.#time();
    if (action === 'stop' || how === 'broken') return;
    this.#world.up[service].add(host);
    this.#sick.add(`${service} ${host}`);
    if (how === 'sick') return;
    // It runs, and a while later it is ready.
    void this.#time(8).then(() => {
      this.#sick.delete(`${service} ${host}`);
      this.#ours[service].delete(host);
    });
  }

  #takeDown(service: Service, host: string): void {
    const { up, masters, serves, forced } = this.#world;
    const served = service === 'etcd' ? this.#healthy(host) : this.#ready(host);
    if (serves && served) {
      const ours = this.#ours[service];
      if (ours.size > 0 && !ours.has(host)) this.violations.push(`${service}: ${host} beside ${[...ours].join(', ')}`);
      const others = masters.filter((other) => other !== host);
      const left = others.filter((other) => this.#healthy(other)).length;
      if (service === 'etcd' && masters.length >= 3 && !forced && left * 2 <= masters.length)
        this.violations.push(`etcd: ${host} taken down, ${String(left)} of ${String(masters.length)} stay`);
      if (service === 'kube-apiserver' && masters.length >= 2 && !forced && !others.some((other) => this.#ready(other)))
        this.violations.push(`kube-apiserver: ${host} taken down, and no other is ready`);
    }
    if (served) this.#ours[service].add(host);
    up[service].delete(host);
  }

  #die(host: string): void {
    for (const service of ['etcd', 'kube-apiserver'] as const) this.#world.up[service].delete(host);
  }

  #quorum(): boolean {
    const { up, masters } = this.#world;
    return up.etcd.size * 2 > masters.length;
  }

  #healthy(host: string): boolean {
    return this.#world.up.etcd.has(host) && !this.#sick.has(`etcd ${host}`) && this.#quorum();
  }

  #ready(host: string): boolean {
    return (
      this.#world.up['kube-apiserver'].has(host) && !this.#sick.has(`kube-apiserver ${host}`) && this.#healthy(host)
    );
  }

  #time(factor = 1): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, factor * this.#world.pace()));
  }
}

function said(stdout: string): CommandResult {
  return { exitCode: 0, stdout, stderr: '' };
}

function http(good: boolean, body: string): CommandResult {
  return said(`HTTP/1.0 ${good ? '200 OK' : '503 Service Unavailable'}\r\n\r\n${body}`);
}
