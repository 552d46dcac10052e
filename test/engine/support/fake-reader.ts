import type { Answer, Ask } from '../../../src/cluster/gate.ts';
import type { Reader } from '../../../src/engine/hosts/reader.ts';
import { emptyObserved } from '../../../src/engine/wire/wire.ts';
import type { Observed, Reads } from '../../../src/resources/types.ts';

/** A reader that remembers what it was asked, a list for each time, as `HOST WORD…`; a probe as `HOST probe`. */
export interface FakeReader extends Reader {
  asked: string[][];
}

export interface FakeReaderInput {
  /** Hosts that are reached; undefined = all. */
  reached?: readonly string[];
  /** Answers one question; what it leaves out is that of a command that says nothing and succeeds. */
  answer?: (ask: Ask) => Partial<Answer> | undefined;
  /** What a host has of what is read. */
  observed?: (host: string, reads: Reads) => Partial<Observed>;
}

export function fakeReader({ reached, answer, observed }: FakeReaderInput = {}): FakeReader {
  const asked: string[][] = [];
  return {
    asked,
    reaches: (host) => reached?.includes(host) ?? true,
    ask(asks) {
      if (asks.length > 0) asked.push(asks.map(({ host, argv }) => [host, ...argv].join(' ')));
      return Promise.resolve(
        asks.map((each) => ({ host: each.host, exitCode: 0, stdout: '', stderr: '', ...answer?.(each) })),
      );
    },
    probe(host, reads) {
      asked.push([`${host} probe`]);
      return Promise.resolve({ ...emptyObserved(), ...observed?.(host, reads) });
    },
  };
}

/** The answer of an API server, or of another one that speaks HTTP. */
export function httpAnswer(status: number, body: unknown = {}): Partial<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return {
    stdout: `HTTP/1.1 ${String(status)} X\r\nContent-Length: ${String(Buffer.byteLength(text))}\r\n\r\n${text}`,
  };
}

/** `/api/v1/nodes` of a request by HTTP; undefined for other questions. */
export function pathOf({ stdin = '' }: Pick<Ask, 'stdin'>): string | undefined {
  return /^GET (\S+) HTTP/.exec(stdin)?.[1];
}
