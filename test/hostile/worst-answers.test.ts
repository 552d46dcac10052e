import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/cluster/gate.ts';
import { parseStat } from '../../src/cluster/haproxy.ts';
import { parseHttp, parseJson, seen } from '../../src/cluster/http.ts';
import { movesOf } from '../../src/cluster/moves.ts';
import { splitAnswers } from '../../src/cluster/pipeline.ts';
import { unitProperty } from '../../src/cluster/unit.ts';
import { lastLine, lastLines } from '../../src/core/answer.ts';
import { inspectCertificate } from '../../src/core/certificate.ts';
import { McpkError } from '../../src/core/errors.ts';
import { parseGenerations } from '../../src/engine/past/generations.ts';
import { isLocked } from '../../src/engine/past/journals.ts';
import { parseJournal } from '../../src/engine/past/journal-lines.ts';
import { parseOwned } from '../../src/engine/plan/owned.ts';
import { pastRuns } from '../../src/engine/past/past-runs.ts';
import { decodeConverge } from '../../src/engine/wire/wire-converge.ts';
import { decodeFacts } from '../../src/engine/wire/wire-facts.ts';
import { decodeObserved, emptyReads } from '../../src/engine/wire/wire.ts';
import { changeOf, renderDiff } from '../../src/report/diff-text.ts';
import { renderError } from '../../src/report/error-text.ts';
import { renderHistory, renderPastRun } from '../../src/report/history-text.ts';
import { clean, PLAIN, width } from '../../src/report/theme.ts';
import { truncate, wrap } from '../../src/report/wrap.ts';
import { command } from '../../src/resources/command.ts';
import { podsReachEachOther } from '../../src/states/verify/reach.ts';
import { decodeAnswer } from '../../src/transport/commands.ts';
import { RECORD_LIMITS } from '../../src/transport/record-limits.ts';
import { factsOf, labCluster } from '../states/cluster.ts';
import { cpuMs, MOST_MS } from '../support/cpu.ts';

const NARROW = { ...PLAIN, columns: 80 };
const REFS = Array.from({ length: 500 }, (_, index) => `file:/etc/${String(index)}`);

/** What has been slow once, or would be: short, repeated up to the size. */
const PIECES: Readonly<Record<string, string>> = {
  'line breaks': '\n',
  blanks: ' ',
  'one word': 'a',
  digits: '0',
  'titles that do not end': '\u001b]',
  'sequences that do not end': '\u001b[0;',
  'C1 strings': '\u009d',
  'separators of the wire': '\x1f',
  'fields of paths': '\x1f./a\x1f81a4\x1f644\x1fu\x1fg\x1f1\x1f1.0',
  'heads of files': '\n==> ./etc/a <==',
  'whole heads of files': '\n==> ./etc/a <==\n',
  hashes: `${'0'.repeat(64)}  ./etc/a\n`,
  'short lines': 'a\n',
  'blank and line break': ' \n',
  'carriage returns': '\r\n',
  settings: 'Id=etcd.service\n\n',
  'words of a journal': '1700000000000 r begin a b\n',
  'runs of a journal': '',
  commas: ',',
  'moves of the VIP': '1700000001.000000 m1 k[1]: (kube_api) Entering MASTER STATE\n',
  'what came of pods': 'pods|w1 at 10.244.0.2:8080 gave nothing (10.244.0.2)\n',
  colons: ':',
  'addresses of one interface': '2: eth0    inet 10.0.0.1/24 brd\n',
  interfaces: '',
  locks: '1: FLOCK  ADVISORY  WRITE 4711 00:1a:23 0 EOF\n',
  'a chunk of one byte': '1\r\nx\r\n',
  'heads of answers': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'lists of lists': '[',
  'empty maps': '{},',
  certificates: '-----BEGIN CERTIFICATE-----AA',
};

/** Texts of which every part is another. */
const NUMBERED: Readonly<Record<string, (index: number) => string>> = {
  'runs of a journal': (index) => `1700000000000 r${index.toString(36)} begin a b\n`,
  interfaces: (index) => `2: e${index.toString(36)}    inet 10.0.0.1/24 brd\n`,
  'names of JSON': (index) => `"${index.toString(36)}":0,`,
  generations: (index) => `/var/lib/mcpk/generations/r${index.toString(36)}/a.undo:restores r\n`,
};

function filled(name: string, size: number): string {
  const numbered = NUMBERED[name];
  if (numbered) {
    const parts: string[] = [];
    for (let length = 0, index = 0; length < size; index += 1) {
      const part = numbered(index);
      parts.push(part);
      length += part.length;
    }
    return parts.join('').slice(0, size);
  }
  const piece = PIECES[name] ?? '';
  return piece.repeat(Math.ceil(size / piece.length)).slice(0, size);
}

const sizeOf = (kind: string): number => RECORD_LIMITS.get(kind)?.bytes ?? Number.NaN;
const SAID = sizeOf('exec');
const said = (stdout: string, stderr = ''): Answer => ({ host: 'w1', exitCode: 0, stdout, stderr });
const http = (body: string): Answer => said(`HTTP/1.1 200 OK\r\n\r\n${body}`);

const READS = {
  ...emptyReads(),
  paths: ['/etc/a'],
  texts: ['/etc/a'],
  certificates: ['/etc/a'],
  listings: ['/etc/a'],
  binaries: ['/etc/a'],
  units: ['etcd.service'],
  packages: ['a'],
  users: ['a'],
  modules: [{ name: 'a' }],
  commands: [{ id: 'a', argv: ['a'] }],
};
const OBSERVED = ['paths', 'texts', 'certificates', 'listings', 'binaries', 'units', 'stamps', 'executables'];
const MORE_OBSERVED = ['packages', 'modules', 'users', 'groups', 'commands'];
const FACTS = ['texts', 'facts', 'network', 'filesystems', 'ports', 'clock'];
const RECEPTION = { host: 'w1', vip: '10.0.0.9', sentAt: 0, receivedAt: 1 };

function factsWith(kind: string, text: string): unknown {
  const bodies = { texts: '==> ./proc/meminfo <==\nMemTotal: 1 kB\n', [kind]: text };
  const start = kind === 'texts' ? '==> ./proc/meminfo <==\nMemTotal: 1 kB\n' : '';
  return decodeFacts(
    FACTS.map((each) => ({
      kind: each,
      args: [],
      body: Buffer.from(
        each === kind ? (start + text).slice(0, sizeOf(kind)) : ((bodies as Record<string, string>)[each] ?? ''),
      ),
    })),
    RECEPTION,
  );
}

const REQUEST = {
  run: 'r',
  stage: 'a',
  caller: '',
  notes: [],
  steps: REFS.map((ref) => ({ ref, ops: [] })),
  preconditions: REFS.map((ref) => ({ ref, path: ref.slice('file:'.length), seen: undefined })),
  ownedBefore: '',
  ownedAfter: '',
};

const CLUSTER = await labCluster();
const [POD_CHECK] =
  podsReachEachOther({ cluster: CLUSTER, facts: factsOf(CLUSTER), hosts: [] }, []).next?.([
    http(
      '{"items":[{"metadata":{"name":"web"},"spec":{"nodeName":"w1"},"status":{"podIP":"10.244.0.2","conditions":[{"type":"Ready","status":"True"}]}}]}',
    ),
    http('{"spec":{"clusterIP":"10.254.0.9"}}'),
  ]) ?? [];

/** What reads or shows a host's text, and the largest text that it may get. */
const READERS: Readonly<Record<string, { size: number; read: (text: string) => unknown }>> = {
  ...Object.fromEntries(
    [...OBSERVED, ...MORE_OBSERVED].map((kind) => [
      `the record ${kind}`,
      {
        size: sizeOf(kind),
        read: (text: string) => decodeObserved([{ kind, args: [], body: Buffer.from(text) }], READS),
      },
    ]),
  ),
  ...Object.fromEntries(
    FACTS.map((kind) => [`the fact ${kind}`, { size: sizeOf(kind), read: (text: string) => factsWith(kind, text) }]),
  ),
  'what a stream found': {
    size: sizeOf('stale'),
    read: (text) => decodeConverge(REQUEST, { kind: 'stale', args: [], body: Buffer.from(text) }),
  },
  'what a stream put back': {
    size: sizeOf('restored'),
    read: (text) => decodeConverge(REQUEST, { kind: 'restored', args: [], body: Buffer.from(text) }),
  },
  'what failed': {
    size: sizeOf('event'),
    read: (text) =>
      decodeConverge(REQUEST, { kind: 'event', args: ['1', REFS[499] ?? '', 'failed', '1'], body: Buffer.from(text) }),
  },
  'an answer to a command': {
    size: SAID,
    read: (text) =>
      decodeAnswer({ kind: 'exec', args: ['0', '0', '0'], body: Buffer.from(text, 'latin1') }, [{ argv: ['true'] }]),
  },
  'the number of a lock': { size: 8192, read: (text) => isLocked([said(text), said(filled('locks', 1_000_000))]) },
  locks: { size: SAID, read: (text) => isLocked([said('23\n'), said(text)]) },
  'a journal': { size: SAID, read: (text) => parseJournal(text) },
  'runs of the past': {
    size: SAID,
    read: (text) => pastRuns(new Map([['w1', { lines: parseJournal(text), locked: false }]])),
  },
  'a list of runs': {
    size: 64 * 1024,
    read: (text) => {
      const runs = pastRuns(new Map([['w1', { lines: parseJournal(text), locked: false }]]));
      return [
        renderHistory(runs.slice(-20), NARROW, new Date()),
        renderPastRun(runs[0]!, NARROW, { verbose: true, now: new Date() }),
      ];
    },
  },
  'undo lists of generations': { size: SAID, read: (text) => parseGenerations('w1', text) },
  'HTTP answers': { size: SAID, read: (text) => splitAnswers(text, 100) },
  'chunks of an answer': {
    size: SAID,
    read: (text) => splitAnswers(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${text}`, 1),
  },
  'the head of an answer': { size: SAID, read: (text) => parseHttp(said(`HTTP/1.1 200 OK\r\n${text}`)) },
  'what is shown of an answer': { size: SAID, read: (text) => seen(http(text)) },
  'what is shown of a refusal': { size: SAID, read: (text) => seen(said('', text)) },
  'a JSON list': { size: SAID, read: (text) => parseJson(http(`[${text}0]`)) },
  'a JSON map': { size: 8_000_000, read: (text) => parseJson(http(`{${text}"a":0}`)) },
  'what a test pod gives': { size: SAID, read: (text) => POD_CHECK!.check([said(text)]) },
  'rows of HAProxy': { size: SAID, read: (text) => parseStat(said(`# pxname,svname${text}`)) },
  'rows of HAProxy below their head': { size: SAID, read: (text) => parseStat(said(`# pxname,svname\n${text}`)) },
  'what moved': {
    size: SAID,
    read: (text) => ['', '1700000000000\n'].map((run) => movesOf(CLUSTER, factsOf(CLUSTER), [said(`${run}${text}`)])),
  },
  'a property of a unit': { size: SAID, read: (text) => unitProperty(said(text), 'SubState') },
  'the last line': { size: SAID, read: (text) => [lastLine(text), lastLines(text, 20)] },
  'owned.json': { size: 1024 * 1024, read: (text) => parseOwned(`{"version":1,"entries":[${text}`, 'w1') },
  'a certificate': { size: sizeOf('certificates'), read: (text) => inspectCertificate(text) },
  'a line that a command waits for': {
    size: 1024 * 1024,
    read: (text) =>
      command.compare(
        {
          kind: 'command',
          id: 'a',
          title: 'a',
          argv: ['a'],
          onlyif: { file: '/f', line: '^[^#]\\S*\\s+\\S+\\s+swap(\\s|$)' },
        },
        { texts: { '/f': text }, commands: {} } as never,
        {} as never,
      ),
  },
  'a line on the terminal': { size: SAID, read: (text) => wrap(NARROW, `  ${clean(text)}`, 4) },
  'a line that is cut': { size: SAID, read: (text) => [width(clean(text)), truncate(NARROW, clean(text))] },
  'an error': {
    size: SAID,
    read: (text) => renderError(new McpkError('stage', text, { details: [text], hint: text }), NARROW),
  },
  'a diff': {
    size: 1024 * 1024,
    read: (text) => {
      const diff = { before: text, after: 'a\nb\n'.repeat(500) };
      return [changeOf(diff), renderDiff([diff], NARROW, { indent: 6, newLines: 10 })];
    },
  },
};

/** Reading may end in an error; only its time counts here. */
function attempt(read: (text: string) => unknown, text: string): void {
  try {
    read(text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}

async function bestOf(tries: number, work: () => unknown): Promise<number> {
  let best = Infinity;
  for (let left = tries; left > 0 && best >= MOST_MS; left -= 1) best = Math.min(best, await cpuMs(work));
  return best;
}

/** Every reader gets these; those below get what was, or would be, the worst for them. */
const FOR_ALL = ['line breaks', 'blanks', 'one word', 'titles that do not end', 'short lines'];
const WORST: readonly [reader: RegExp, pieces: readonly string[]][] = [
  [/^the record|^the fact|found$/, ['separators of the wire', 'hashes', 'carriage returns']],
  [/paths$|listings$/, ['fields of paths']],
  [/texts$|certificates$/, ['heads of files', 'whole heads of files']],
  [/units$/, ['settings']],
  [/groups$|users$|command/, ['colons', 'C1 strings']],
  [/addresses$/, ['addresses of one interface', 'interfaces']],
  [/lock/, ['locks', 'digits']],
  [/journal|past|list of runs/, ['words of a journal', 'runs of a journal']],
  [/generations/, ['generations']],
  [/answer|refusal|HAProxy/, ['a chunk of one byte', 'heads of answers', 'blank and line break', 'commas']],
  [/pod gives/, ['what came of pods']],
  [/JSON|owned/, ['lists of lists', 'empty maps', 'names of JSON', 'digits']],
  [/certificate$/, ['certificates']],
  [/terminal|is cut|error|diff/, ['sequences that do not end', 'C1 strings', 'interfaces']],
];

describe.each(Object.entries(READERS))('%s, at its largest size', (name, { size, read }) => {
  it('is read within the time of a sign of life, whatever it is made of', async () => {
    const slow: string[] = [];
    const more = WORST.flatMap(([reader, pieces]) => (reader.test(name) ? pieces : []));
    for (const piece of new Set([...FOR_ALL, ...more])) {
      const text = filled(piece, size);
      const ms = await bestOf(3, () => attempt(read, text));
      if (ms >= MOST_MS) slow.push(`${piece}: ${ms.toFixed(0)} ms`);
    }
    expect(slow).toEqual([]);
  }, 300_000);
});
