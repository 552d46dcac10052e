import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../../src/cluster/facts.ts';
import { compile, inOrder } from '../../../src/engine/plan/compile.ts';
import { API } from '../../../src/core/places.ts';
import type { StateTree } from '../../../src/engine/types.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import { ref } from '../../../src/resources/kinds.ts';
import type { CommandResource, Ref, Resource } from '../../../src/resources/types.ts';
import { STAGES } from '../../../src/states/index.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { anyArtifact, factsOf, labCluster, registered } from '../../states/cluster.ts';

const cluster = await labCluster();
const ACCESS = { mode: '0644', owner: 'root', group: 'root' };

function file(path: string, more: Partial<Extract<Resource, { kind: 'file' }>> = {}): Resource {
  return { kind: 'file', path, content: 'x', ...ACCESS, ...more };
}

function directory(path: string): Resource {
  return { kind: 'directory', path, ...ACCESS };
}

function link(path: string): Resource {
  return { kind: 'link', path, target: '/t' };
}

function certificate(path: string, keyPath: string): Resource {
  return {
    kind: 'certificate',
    path,
    keyPath,
    authority: 'authority/cluster',
    subject: { CN: 'x', O: [] },
    dns: [],
    ip: [],
    usages: [],
    days: 1,
    renewBeforeDays: 1,
    keyAlgorithm: 'ecdsa-p256',
    owner: 'root',
    group: 'root',
  };
}

function secret(path: string): Resource {
  const recipe = { type: 'encryption-config' as const, resources: [] };
  return { kind: 'sharedSecret', id: 'encryption', recipe, holder: true, files: [{ item: 'config', path, ...ACCESS }] };
}

function object(id: string, data: Record<string, unknown> = {}): Resource {
  return { kind: 'kubeObject', id, object: data };
}

/** A stage that describes the same on every host. */
function stage(name: string, states: Resource[] | Stage['states'], more: Partial<Stage> = {}): Stage {
  return {
    name,
    title: name,
    needs: [],
    hosts: () => cluster.hosts,
    states: typeof states === 'function' ? states : () => states,
    ...more,
  };
}

function compiled(stages: readonly Stage[], facts = factsOf(cluster), of: Cluster = cluster): StateTree {
  return compile({ cluster: of, facts, stages, artifacts: anyArtifact, manifests: new Map() });
}

/** Hosts of each compiled stage. */
function placesOf(tree: StateTree): Record<string, string[]> {
  return Object.fromEntries(tree.stages.map(({ name, hosts }) => [name, hosts.map((states) => states.host)]));
}

describe('the order of resources', () => {
  /** Commands c0, c1 … of which some require others: [who, whom]. */
  const graphs = fc.integer({ min: 1, max: 8 }).chain((size) => {
    const index = fc.nat(size - 1);
    return fc.record({ size: fc.constant(size), edges: fc.array(fc.tuple(index, index), { maxLength: 12 }) });
  });
  type Edges = readonly (readonly [number, number])[];

  const commandsOf = (size: number, edges: Edges): CommandResource[] =>
    Array.from({ length: size }, (_, at) => ({
      kind: 'command',
      id: `c${String(at)}`,
      argv: [],
      title: '',
      requires: edges.filter(([who]) => who === at).map(([, whom]): Ref => `command:c${String(whom)}`),
    }));

  /** Whether taking away what waits for nobody, again and again, leaves somebody. */
  const hasCircle = (size: number, edges: Edges): boolean => {
    let left = Array.from({ length: size }, (_, at) => at);
    for (;;) {
      const waiting = left.filter((at) =>
        edges.some(([who, whom]) => who === at && whom !== at && left.includes(whom)),
      );
      if (waiting.length === left.length) return left.length > 0;
      left = waiting;
    }
  };

  it('has each of them once, after all that it requires, and refuses exactly the circles', () => {
    fc.assert(
      fc.property(graphs, ({ size, edges }) => {
        const commands = commandsOf(size, edges);
        if (hasCircle(size, edges)) {
          expect(() => inOrder(commands, 'a on h')).toThrow(/^a on h: requisites of command:c\d form a circle$/);
          return;
        }
        const order = inOrder(commands, 'a on h').map(ref);
        expect(order.toSorted()).toEqual(commands.map(ref).toSorted());
        for (const [who, whom] of edges)
          if (who !== whom)
            expect(order.indexOf(`command:c${String(whom)}`)).toBeLessThan(order.indexOf(`command:c${String(who)}`));
      }),
    );
  });

  it("is the stage's own where that is right already", () => {
    fc.assert(
      fc.property(graphs, ({ size, edges }) => {
        const commands = commandsOf(
          size,
          edges.filter(([who, whom]) => whom < who),
        );
        expect(inOrder(commands, '')).toEqual(commands);
      }),
    );
  });

  const USER: Resource = { kind: 'user', name: 'etcd', group: 'etcd', home: '/' };
  const UNIT: Resource = {
    kind: 'unit',
    name: 'x.service',
    enabled: true,
    state: 'running',
    inputs: [{ ref: 'file:/etc/x', on: 'live' }],
  };
  it.each<[string, Resource[], Ref[]]>([
    [
      'folders before what lies in them',
      [file('/a/b/c'), directory('/a/b'), directory('/a')],
      ['directory:/a', 'directory:/a/b', 'file:/a/b/c'],
    ],
    ['an owner before its file', [file('/a', { owner: 'etcd' }), USER], ['user:etcd', 'file:/a']],
    ['the inputs of a unit before it', [UNIT, file('/etc/x')], ['file:/etc/x', 'unit:x.service']],
    [
      'the file of a unit before it',
      [UNIT, file('/etc/systemd/system/x.service')],
      ['file:/etc/systemd/system/x.service', 'unit:x.service'],
    ],
    [
      'an authority before what it signs',
      [certificate('/c.crt', '/c.key'), { ...secret('/s'), id: 'authority/cluster' } as Resource],
      ['sharedSecret:authority/cluster', 'certificate:/c.crt'],
    ],
    ['nothing for what another stage describes', [file('/b', { requires: ['package:p'] })], ['file:/b']],
  ])('puts %s', (_name, resources, order) => {
    expect(inOrder(resources, '').map(ref)).toEqual(order);
  });
});

describe('two descriptions of one thing', () => {
  it.each<[string, Resource, Resource, RegExp]>([
    ['one file', file('/x'), file('/x'), /^file:\/x on m1 is described by two stages: a and b$/],
    ['a file and a link', file('/x'), link('/x'), /two stages: a and b$/],
    ['a link and a folder', link('/x'), directory('/x'), /two stages: a and b$/],
    ['a file and a certificate', file('/x.crt'), certificate('/x.crt', '/x.key'), /two stages: a and b$/],
    ['a file and the key of a certificate', file('/x.key'), certificate('/x.crt', '/x.key'), /two stages: a and b$/],
    ['a file and the file of a secret', file('/x'), secret('/x'), /two stages: a and b$/],
    ['a whole file and a block of it', file('/x'), file('/x', { block: 'n' }), /two stages: a and b$/],
    ['a block of a file and the whole of it', file('/x', { block: 'n' }), file('/x'), /two stages: a and b$/],
    ['a block of a file and a link', file('/x', { block: 'n' }), link('/x'), /two stages: a and b$/],
    ['one block of a file', file('/x', { block: 'n' }), file('/x', { block: 'n' }), /two stages: a and b$/],
    ['one object', object('v1/Node//m1'), object('v1/Node//m1'), /two stages: a and b$/],
  ])('in two stages is refused: %s', (_name, one, other, message) => {
    expect(() => compiled([stage('a', [one]), stage('b', [other])])).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringMatching(message) as string }),
    );
  });

  it.each<[string, Resource, Resource]>([
    ['two blocks of a file', file('/x', { block: 'n' }), file('/x', { block: 'm' })],
    ['a file and a unit of that name', file('/x'), { kind: 'sysctl', key: '/x', value: '1' }],
  ])('is none: %s', (_name, one, other) => {
    expect(() => compiled([stage('a', [one]), stage('b', [other])])).not.toThrow();
  });

  it('is none on different hosts', () => {
    const on = (name: string): Partial<Stage> => ({ hosts: () => cluster.hosts.filter((host) => host.name === name) });
    expect(placesOf(compiled([stage('a', [file('/x')], on('m1')), stage('b', [file('/x')], on('m2'))]))).toEqual({
      a: ['m1'],
      b: ['m2'],
    });
  });

  it('in one stage is refused when they contradict each other', () => {
    expect(() => compiled([stage('a', [object('v1/X//x', { a: 1 }), object('v1/X//x', { a: 2 })])])).toThrow(
      expect.objectContaining({
        code: 'invalid',
        message: 'a on m1: kubeObject:v1/X//x is described twice, and differently',
      }),
    );
  });

  it('in one stage is one when they say the same: two manifests with one Namespace', () => {
    const tree = compiled([stage('a', [object('v1/X//x', { a: 1 }), object('v1/X//x', { a: 1 })])]);
    expect(tree.stages[0]?.hosts[0]?.resources).toHaveLength(1);
  });
});

describe('a path', () => {
  it.each(['etc/x', '', '/etc/../x', '/etc/..', '/a\nb', '/a\u007fb', '/a\\b', '/a\u0000'])(
    'such as %j is refused',
    (path) => {
      for (const resource of [
        file(path),
        directory(path),
        link(path),
        certificate(path, '/k'),
        certificate('/c', path),
      ])
        expect(() => compiled([stage('a', [resource])])).toThrow(
          expect.objectContaining({
            code: 'invalid',
            message: expect.stringMatching(/^a on m1: ".*" can't be/) as string,
          }),
        );
      expect(() => compiled([stage('a', [secret(path)])])).toThrow(/can't be the path/);
    },
  );

  it.each(['/etc/x', '/etc/..x', '/etc/x..', '/ä ö', '/a/...'])('such as %j is none of those', (path) => {
    expect(() => compiled([stage('a', [file(path)])])).not.toThrow();
  });
});

describe('what a resource requires', () => {
  const UNIT: Resource = { kind: 'unit', name: 'x.service', enabled: true, state: 'running', inputs: [] };
  const wanting = (...requires: Ref[]): Resource => file('/b', { requires });

  it.each<[string, Stage[], string]>([
    [
      'that no stage describes',
      [stage('a', [wanting('package:p')])],
      'a on m1: file:/b needs package:p, which no stage describes there',
    ],
    [
      'that is described on other hosts alone',
      [
        stage('a', [file('/a')], { hosts: () => cluster.hosts.slice(1) }),
        stage('b', [wanting('file:/a')], { needs: ['a'] }),
      ],
      'b on m1: file:/b needs file:/a, which no stage describes there',
    ],
    [
      'as the input of a unit, that no stage describes',
      [stage('a', [{ ...UNIT, inputs: [{ ref: 'file:/typo', on: 'restart' }] }])],
      'a on m1: unit:x.service needs file:/typo, which no stage describes there',
    ],
    [
      'of a stage that runs beside it',
      [stage('a', [file('/a')]), stage('b', [wanting('file:/a')])],
      'b on m1: file:/b needs file:/a, which a describes, and b does not come after it',
    ],
  ])('and %s is refused', (_name, stages, message) => {
    expect(() => compiled(stages)).toThrow(expect.objectContaining({ code: 'invalid', message }));
  });

  it('may be of a stage that it needs by way of another, and of one that is not known yet', () => {
    const wants = stage('c', [wanting('file:/a')], { needs: ['b'] });
    const through = stage('b', [], { needs: ['a'] });
    const waits: Stage['states'] = () => ({ deferred: true, until: 'nodes', why: 'not registered' });
    expect(() => compiled([stage('a', [file('/a')]), through, wants])).not.toThrow();
    expect(() => compiled([stage('a', waits), through, wants])).not.toThrow();
  });
});

describe('what mcpk and etcd keep for themselves', () => {
  const UNIT: Resource = { kind: 'unit', name: 'x.service', enabled: true, state: 'running', inputs: [] };

  it.each<[string, Resource]>([
    ['what mcpk owns', file('/var/lib/mcpk/owned.json')],
    ['a part of it', file('/var/lib/mcpk/owned.json', { block: 'b' })],
    ['the journal', secret('/var/lib/mcpk/journal')],
    ['a binary in the store', link('/var/lib/mcpk/store/0123')],
    ['a folder among the generations', directory('/var/lib/mcpk/generations/r')],
    ['a stamp', file('/run/mcpk/stamps/x.service')],
    ['the data of etcd', file('/var/lib/etcd/member/wal/0.wal')],
    ['a key in the data of etcd', certificate('/c', '/var/lib/etcd/key')],
    ['a link in place of the data of etcd', link('/var/lib/etcd')],
    ['a folder of etcd that is emptied', { ...directory('/var/lib/etcd'), exclusive: true } as Resource],
    ['a link in place of all units', link('/etc/systemd')],
    ['a folder of units that is emptied', { ...directory('/etc/systemd/system'), exclusive: true } as Resource],
    ['a drop-in of all services', file('/etc/systemd/system/service.d/x.conf')],
    ['a drop-in of all units that begin alike', file('/etc/systemd/system/mcpk-.service.d/x.conf')],
    ['a drop-in of the dead-man', file('/run/systemd/system/mcpk-deadman-r.timer.d/x.conf')],
  ])('is no place for a resource: %s', (_name, resource) => {
    expect(() => compiled([stage('a', [resource])])).toThrow(
      expect.objectContaining({
        code: 'invalid',
        message: expect.stringMatching(/^a on m1: .* can't be described: /) as string,
      }),
    );
  });

  it.each([
    '/etc/systemd/system/x.service',
    '/etc/systemd/system/x.service.d/y.conf',
    '/run/systemd/system/x.service.d/y.conf',
    '/etc/systemd/system.control/x.service.d/y.conf',
  ])('has the unit of another stage in it: %s', (path) => {
    const owner = stage('a', [UNIT, file('/etc/systemd/system/x.service.d/mine.conf')]);
    expect(() => compiled([owner])).not.toThrow();
    expect(() => compiled([owner, stage('b', [file(path)])])).toThrow(
      expect.objectContaining({
        code: 'invalid',
        message: `b on m1: file:${path} can't be described: x.service is described by a`,
      }),
    );
  });

  it('leaves the folders themselves, and authorities, to stages', () => {
    const paths = ['/var/lib/mcpk', '/var/lib/mcpk/store', '/var/lib/mcpk/authorities', '/var/lib/etcd'];
    const more = [file('/var/lib/mcpk/authorities/x.key'), file('/var/lib/etcd-other'), file('/run/mcpk-other')];
    expect(() => compiled([stage('a', [...paths.map(directory), ...more])])).not.toThrow();
  });

  it('is that of the write-ahead log, too, where it lies apart', async () => {
    const apart = await labCluster('etcd: { config: { wal-dir: /fast/wal } }');
    expect(() => compiled([stage('a', [directory('/fast/wal')])], factsOf(apart), apart)).not.toThrow();
    for (const resource of [file('/fast/wal/x'), link('/fast')])
      expect(() => compiled([stage('a', [resource])], factsOf(apart), apart)).toThrow(/can't be described/);
  });

  it('moves with the data directory of etcd', async () => {
    const moved = await labCluster('etcd: { dataDirectory: /data/etcd }');
    expect(() => compiled([stage('a', [file('/var/lib/etcd/x')])], factsOf(moved), moved)).not.toThrow();
    for (const resource of [file('/data/etcd/x'), link('/data')])
      expect(() => compiled([stage('a', [resource])], factsOf(moved), moved)).toThrow(/can't be described/);
  });
});

describe('a path above that of another resource', () => {
  it.each([link('/etc/x'), file('/etc/x'), certificate('/c', '/etc/x'), secret('/etc/x')])(
    'is that of a directory, and not %j',
    (resource) => {
      expect(() => compiled([stage('a', [resource]), stage('b', [file('/etc/x/y/z')])])).toThrow(
        expect.objectContaining({
          code: 'invalid',
          message: expect.stringMatching(/^a on m1: .*: file:\/etc\/x\/y\/z lies below it/) as string,
        }),
      );
    },
  );

  it('may be that of a directory, and of anything where it is only a beginning of the name', () => {
    const stages = [stage('a', [directory('/etc/x'), link('/etc/x/y')]), stage('b', [file('/etc/x/yz')])];
    expect(() => compiled(stages)).not.toThrow();
  });
});

describe('a stage', () => {
  it('is described on the hosts that answered, and no other', () => {
    const facts = factsOf(cluster);
    const answered = { ...facts, hosts: new Map([...facts.hosts].filter(([name]) => name !== 'm2')) };
    const tree = compiled([stage('a', [file('/x')])], answered);
    expect([tree.hosts, placesOf(tree)['a']]).toEqual([
      ['m1', 'm3', 'w1', 'w2'],
      ['m1', 'm3', 'w1', 'w2'],
    ]);
  });

  it('of the API is described once, also when the first master is away', () => {
    const facts = factsOf(cluster);
    const answered = { ...facts, hosts: new Map([...facts.hosts].filter(([name]) => name !== 'm1')) };
    for (const known of [facts, answered])
      expect(placesOf(compiled([stage('a', [object('v1/Node//m1')], { api: true })], known))).toEqual({ a: [API] });
  });

  it('that one host has to wait for is deferred as a whole, and hides no other stage', () => {
    const states: Stage['states'] = ({ host }) =>
      host.name === 'w1' ? { deferred: true, until: 'nodes', why: 'not registered' } : [file('/x')];
    const [deferred, other] = compiled([stage('a', states), stage('b', [file('/y')])]).stages;
    expect(deferred).toMatchObject({ hosts: [], deferred: { until: 'nodes', why: 'not registered' } });
    expect(other?.hosts).toHaveLength(5);
    expect(other?.deferred).toBeUndefined();
  });
});

describe('all stages', () => {
  it.each([
    '',
    'endpoint: { tls: terminate }',
    'endpoint: { external: true, address: api.example.net }',
    'hosts: [{ name: e1, address: 10.77.0.31, roles: [etcd] }]',
    'hosts: [{ name: e1, address: 10.77.0.31, roles: [etcd] }]\nsystem: { sysctls: { net.bridge.bridge-nf-call-arptables: "0" } }',
    'system: { timeSync: false, disableSwap: false }\nkubeProxy: { enabled: false }',
    'proxy: { http: "http://u:p@10.0.0.9:3128" }\nkubelet: { environment: { A: b } }',
  ])('contradict each other nowhere, and wait for the nodes alone: %s', async (over) => {
    const varied = await labCluster(over);
    const deferred = (facts: Facts): string[] =>
      compiled(STAGES, facts, varied).stages.flatMap((each) => (each.deferred === undefined ? [] : each.name));
    expect(deferred(factsOf(varied))).toEqual(['network']);
    expect(deferred(factsOf(varied, { nodes: registered(varied) }))).toEqual([]);
  });
});
