import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bareHost } from '../../src/cluster/bare-host.ts';
import type { Facts, HostFacts } from '../../src/cluster/facts.ts';
import type { Answer, GateCheck } from '../../src/cluster/gate.ts';
import { runtimeAnswers } from '../../src/cluster/runtime.ts';
import { rosterOf } from '../../src/commands/shared/cluster.ts';
import { failure, FailureList, McpkError } from '../../src/core/errors.ts';
import type { Event } from '../../src/engine/types.ts';
import { select } from '../../src/inventory/targeting.ts';
import type { Cluster, Host } from '../../src/inventory/types.ts';
import { renderError, renderErrors } from '../../src/report/error-text.ts';
import { foldByCause, LINE } from '../../src/report/fold.ts';
import { PLAIN, symbol, width, type Theme } from '../../src/report/theme.ts';
import { renderVerify } from '../../src/report/verify-text.ts';
import { createView } from '../../src/report/view.ts';
import { nodes } from '../../src/states/nodes.ts';
import { preflight } from '../../src/states/preflight.ts';
import { verify } from '../../src/states/verify.ts';
import { dialError, type DialFailure } from '../../src/transport/dial-errors.ts';
import type { Hop } from '../../src/transport/route.ts';
import { loadYaml } from '../inventory/load-text.ts';

const HOSTS = 300;
const MOST_LINES = 12;

const hostLine = (index: number): string => {
  const role = index < 3 ? 'master' : 'worker';
  const name = index < 3 ? `m${String(index + 1)}` : `w${String(index - 2).padStart(3, '0')}`;
  return `  - { name: ${name}, address: 10.0.${String(Math.floor(index / 200))}.${String((index % 200) + 1)}, roles: [${role}] }`;
};
const CLUSTER: Cluster = await loadYaml(
  `name: c\nendpoint: { address: 10.0.0.250 }\nnetwork: { nodePrefix: 25 }\nhosts:\n${Array.from({ length: HOSTS }, (_, index) => hostLine(index)).join('\n')}\n`,
);
const ROSTER = rosterOf(CLUSTER);

/** In which of three ways each host fails: in rows of a hundred, or one after the other. */
const WAYS: [string, (index: number) => number][] = [
  ['a hundred neighbours each', (index) => Math.min(2, Math.floor(index / 100))],
  ['every third host', (index) => index % 3],
];
type WayOf = (index: number) => number;

/** What a reader sees of a run on a terminal of 100 columns, or in a log. */
async function told(events: readonly Event[], thrown: unknown, isTTY: boolean): Promise<string[]> {
  let text = '';
  const stream = { isTTY, columns: LINE, rows: 40, write: (part: string) => (text += part) };
  const theme: Theme = { ...PLAIN, columns: isTTY ? LINE : undefined };
  const view = await createView({ json: false, verbose: false, stream, theme, roster: ROSTER });
  for (const event of events) view.emit(event);
  await view.end();
  return [...screenOf(text), ...linesOf(renderError(thrown, theme, { roster: ROSTER }))];
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.trimEnd().split('\n');
}

/** The lines that stay when a terminal has drawn all of it: moves up, and clears below, are what the views use. */
function screenOf(text: string): string[] {
  const lines: string[] = [];
  let row = 0;
  for (const part of text.split(/(\u001b\[\d*[AKJ]|\n)/)) {
    const up = /^\u001b\[(\d+)A$/.exec(part);
    if (up) row -= Number(up[1]);
    else if (part === '\u001b[0J') lines.length = row;
    else if (part === '\n') row += 1;
    else if (part === '\u001b[2K') lines[row] = '';
    else {
      const shown = stripVTControlCharacters(part).replaceAll('\r', '');
      if (shown !== '') lines[row] = (lines[row] ?? '') + shown;
    }
  }
  return lines.filter((line) => line !== undefined && line !== '');
}

const hop = (host: Host): Hop =>
  ({ ...host.ssh, label: host.name, name: host.name, address: host.address, keyName: host.address }) as unknown as Hop;
const dialled = (host: Host, more: Partial<DialFailure>): McpkError =>
  dialError(hop(host), Object.assign(new Error('away'), more), {
    methods: [],
    tried: ['/home/ada/.ssh/id_ed25519'],
    skipped: [],
    wanted: [],
    halves: [],
  });
const UNREACHABLE: ((host: Host) => McpkError)[] = [
  (host) => dialled(host, { code: 'ECONNREFUSED' }),
  (host) => dialled(host, { code: 'ETIMEDOUT' }),
  (host) => dialled(host, { level: 'client-authentication' }),
];

const START: Event = {
  at: 0,
  type: 'run-start',
  command: 'apply',
  cluster: 'c',
  hosts: CLUSTER.hosts.map(({ name }) => name),
  stages: ['system', 'certificates', 'etcd', 'nodes'].map((name) => ({
    name,
    title: name,
    hosts: CLUSTER.hosts.map((host) => host.name),
  })),
};

function unreachable(wayOf: WayOf): { events: Event[]; errors: McpkError[] } {
  const errors = CLUSTER.hosts.map((host, index) => (UNREACHABLE[wayOf(index)] as (host: Host) => McpkError)(host));
  const events = errors.map((error, at): Event => ({ at, type: 'unreachable', host: error.host ?? '', error }));
  return { events: [START, ...events], errors };
}

const BROKEN: ((own: HostFacts) => Partial<HostFacts>)[] = [
  // Each lacks another amount.
  (own) => ({ diskFreeBytes: 2 ** 30 + own.hostname.charCodeAt(own.hostname.length - 1) * 2 ** 24 }),
  () => ({ arch: 'riscv64' }),
  () => ({ foreign: ['/usr/bin/docker'] }),
];

function failedPreflight(wayOf: WayOf): { events: Event[]; errors: McpkError[] } {
  const facts = CLUSTER.hosts.map((host, index): [string, HostFacts] => {
    const own = { ...bareHost(host.name, host.address), machineId: host.name };
    return [host.name, { ...own, ...BROKEN[wayOf(index)]?.(own) }];
  });
  const problems = preflight.problems?.(CLUSTER, { hosts: new Map(facts), unreachable: [], etcd: 'none' }) ?? [];
  return { events: [START], errors: problems.map(({ message, ...more }) => new McpkError('preflight', message, more)) };
}

const SAID = ['E: Unable to locate package chrony', 'No space left on device', 'Read-only file system'];

function failedStage(wayOf: WayOf): { events: Event[]; errors: McpkError[] } {
  const errors = CLUSTER.hosts.map(({ name: host }, index) => {
    const said = SAID[wayOf(index)] ?? '';
    const details = Array.from({ length: 20 }, (_, line) => `${host} journal line ${String(line)}`);
    return new McpkError('stage', `system on ${host}: package:chrony: ${said}`, {
      host,
      details,
      hint: `Mend ${said}.`,
    });
  });
  const base = { at: 1, stage: 'system' } as const;
  const failed = errors.flatMap(({ host = '', message, details }): Event[] => [
    { ...base, type: 'host-start', host, changes: 1 },
    { ...base, type: 'resource', host, ref: 'package:chrony', verb: 'install', status: 'failed', ms: 1, message: [message.split(': ').slice(2).join(': '), ...details].join('\n') }, // prettier-ignore
    { ...base, type: 'host-end', host, status: 'failed', ms: 1 },
  ]);
  const why = 'an earlier stage failed';
  return {
    events: [
      START,
      { ...base, type: 'stage-start', hosts: CLUSTER.hosts.map(({ name }) => name) },
      ...failed,
      { ...base, type: 'stage-end', status: 'failed', ms: 1, changed: 0 },
      ...['certificates', 'etcd', 'nodes'].map((stage): Event => ({ at: 2, type: 'stage-end', stage, status: 'skipped', ms: 0, changed: 0, why })), // prettier-ignore
    ],
    errors,
  };
}

const KINDS: [string, (wayOf: WayOf) => { events: Event[]; errors: McpkError[] }][] = [
  ['are not reached', unreachable],
  ['fail preflight', failedPreflight],
  ['fail in a stage', failedStage],
];

describe.each(KINDS)('300 hosts that %s in one of three ways', (_what, make) => {
  describe.each(WAYS)('%s', (_spread, wayOf) => {
    const { events, errors } = make(wayOf);
    const thrown = failure(errors as [McpkError, ...McpkError[]]);

    it.each([
      ['a log', false],
      ['a terminal', true],
    ])('take at most 12 lines of 100 columns in %s', async (_where, isTTY) => {
      const lines = await told(events, thrown, isTTY);
      expect(lines.length, lines.join('\n')).toBeLessThanOrEqual(MOST_LINES);
      for (const line of lines) expect(width(line), line).toBeLessThanOrEqual(LINE);
    });

    it('name each cause once, with its hint', () => {
      const text = renderError(thrown, PLAIN, { roster: ROSTER });
      expect(text.match(/^✖ /gm)).toHaveLength(3);
      const hints = foldByCause(errors, ROSTER).filter(({ hint }) => hint !== undefined);
      expect(text.match(/^ {2}hint {2}/gm)).toHaveLength(hints.length);
    });

    it('are called by words that select just them, or end in dots', () => {
      const text = renderError(thrown, PLAIN, { roster: ROSTER });
      const words = [...text.matchAll(/^✖ (?:system on )?(.*?): /gm)].map(([, all = '']) => all);
      const folds = foldByCause(errors, ROSTER);
      expect(words).toHaveLength(folds.length);
      for (const [index, said] of words.entries()) {
        if (said.includes('…')) expect(said).toMatch(/, … \(100 hosts\)$/);
        else expect(select(CLUSTER, said).map(({ name }) => name)).toEqual(folds[index]?.hosts);
      }
    });

    it('are all there in JSON, and with --verbose', () => {
      expect(errors).toHaveLength(HOSTS);
      expect(thrown).toBeInstanceOf(FailureList);
      expect((thrown as FailureList).errors).toEqual(errors);
      const text = renderError(thrown, PLAIN, { roster: ROSTER, verbose: true }).replaceAll(/\s+/g, ' ');
      for (const { hosts } of foldByCause(errors, ROSTER)) expect(text).toContain(ROSTER.words(hosts));
    });
  });
});

/** How a check of a host, or of its pod, is answered: 0 to 2 are ways to fail, 3 is well. */
interface Checked {
  stage: string;
  checks: readonly GateCheck[];
  answers: (check: GateCheck, way: number, at: string) => Answer[];
}

const said = (stdout: string, stderr = ''): Answer => ({ host: 'm1', exitCode: stdout === '' ? 1 : 0, stdout, stderr });
const http = (body: unknown, status = 200): Answer =>
  said(`HTTP/1.1 ${String(status)} X\r\n\r\n${JSON.stringify(body)}`);
/** As programs say when and by which process: each time another. */
const socat = (what: string, at: string): Answer =>
  said('', `2026/11/22 12:08:${at.slice(-2)} socat[${at.slice(1)}] E ${what}\n`);

const FACTS: Facts = { hosts: new Map(CLUSTER.hosts.map((host) => [host.name, bareHost(host.name, host.address)])), unreachable: [], etcd: 'formed' }; // prettier-ignore
const NAMES = CLUSTER.hosts.map(({ name }) => name);
const CONTEXT = { cluster: CLUSTER, facts: FACTS, hosts: NAMES };
const podAt = (index: number): string => `10.244.${String(Math.floor(index / 250))}.${String((index % 250) + 2)}`;
const POD_CHECKS =
  verify.verify?.(CONTEXT).checks[0]?.next?.([
    http({ items: NAMES.map((nodeName, index) => ({ metadata: { name: `web-${nodeName}` }, spec: { nodeName }, status: { podIP: podAt(index), conditions: [{ type: 'Ready', status: 'True' }] } })) }), // prettier-ignore
    http({ spec: { clusterIP: '10.254.9.9' } }),
  ]) ?? [];
const condition = (status: string, message: string): Answer =>
  http({ spec: { podCIDR: 'x' }, status: { conditions: [{ type: 'Ready', status, message }] } });
const ACTIVE = said('ActiveState=active\nSubState=running\n');

const CHECKED: Checked[] = [
  {
    stage: 'runtime',
    checks: NAMES.map(runtimeAnswers),
    answers: (_check, way, at) => [
      [
        socat('connect(5, AF=1 "/run/containerd/containerd.sock", 34): Connection refused', at),
        said('HTTP/2'),
        said('\n\x0cRuntimeReady'),
        said('\n\x0cRuntimeReady\x10\x01'),
      ][way]!,
    ],
  },
  {
    stage: 'nodes',
    checks: nodes.gate?.(CONTEXT) ?? [],
    answers: (_check, way) =>
      [
        [http({}, 404), ACTIVE],
        [condition('False', '[container runtime is down, PLEG is not healthy]'), ACTIVE],
        [condition('True', ''), said('ActiveState=failed\nSubState=failed\n')],
        [condition('True', ''), ACTIVE],
      ][way]!,
  },
  {
    stage: 'verify',
    checks: POD_CHECKS,
    answers: (_check, way) => {
      const all = NAMES.map((name, index) => [name, podAt(index)] as const);
      const refused = all
        .filter((_each, index) => index % 3 === 1)
        .map(([name, at]) => `pods|${name} at ${at}:8080 gave nothing (wget: can't connect to remote host (${at}): No route to host)\n`); // prettier-ignore
      if (way === 0) return [said('', 'error: unable to upgrade connection: container not found ("web")\n')];
      if (way === 1) return [{ ...said(refused.join('')), exitCode: 0 }];
      const noNames = [
        "name|web.mcpk-verify.svc:8080 gave nothing (wget: bad address 'web.mcpk-verify.svc:8080')",
        'dns|nslookup: ;; connection timed out; no servers could be reached',
      ];
      if (way === 2) return [{ ...said(noNames.join('\n')), exitCode: 0 }];
      return [{ ...said(''), exitCode: 0 }];
    },
  },
];

describe.each(CHECKED)('300 hosts whose checks of $stage fail in one of three ways', ({ stage, checks, answers }) => {
  const seenOf = (check: GateCheck, way: number, at: string): string | undefined =>
    check.check(answers(check, way, at));
  const list = (wayOf: WayOf, theme: Theme): string[] => {
    const events = checks.map((check): Event => {
      const index = NAMES.findIndex((name) => check.title.split(/[^\w.-]+/).includes(name));
      const seen = seenOf(check, wayOf(index), NAMES[index] ?? '');
      const status = seen === undefined ? 'passed' : 'failed';
      return { at: 0, type: 'gate', stage, title: check.title, status, ms: 10_000, ...(seen === undefined ? {} : { seen }) }; // prettier-ignore
    });
    return linesOf(renderVerify(events, theme, { roster: ROSTER }));
  };

  it.each(WAYS)('%s: take at most 12 lines of 100 columns, one for each cause', (_spread, wayOf) => {
    const lines = list(wayOf, { ...PLAIN, columns: LINE });
    expect(lines.length, lines.join('\n')).toBeLessThanOrEqual(MOST_LINES);
    for (const line of lines) expect(width(line), line).toBeLessThanOrEqual(LINE);
    // Who has no DNS is told by two programs.
    const causes = list(wayOf, PLAIN).filter((line) => line.startsWith(`  ${symbol(PLAIN, 'failed')}`));
    expect(causes, causes.join('\n')).toHaveLength(stage === 'verify' ? 4 : 3);
  });

  it('all hold where nothing is wrong, in one line', () => {
    expect(list(() => 3, PLAIN)).toHaveLength(2);
  });
});

it('errors of gates that fail in one of three ways take at most 12 lines beside the checklist', () => {
  const seen = [
    'it is not Ready: container runtime is down',
    'it has not registered',
    'it is not Ready: disk pressure',
  ];
  for (const [, wayOf] of WAYS) {
    const errors = NAMES.map(
      (name, index) =>
        new McpkError('gate', `nodes: node ${name} Ready: not so after 10 s`, {
          host: name,
          details: [`last answer  ${seen[wayOf(index)] ?? ''}`, `journal of ${name}`],
        }),
    );
    expect(linesOf(renderErrors(errors, PLAIN, { roster: ROSTER })).length).toBeLessThanOrEqual(MOST_LINES);
  }
});
