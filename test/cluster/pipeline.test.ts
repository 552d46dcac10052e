import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { localRequest } from '../../src/cluster/http.ts';
import { joinRequests, splitAnswers } from '../../src/cluster/pipeline.ts';

const request = (path: string): string => localRequest({ host: 'm1', port: 1, path }).stdin ?? '';

it('asks the server to close the connection after the last request, and only then', () => {
  const joined = joinRequests(['/a', '/b', '/c'].map(request));
  expect([...joined.matchAll(/GET \S+|Connection: \w+/g)].map(([match]) => match)).toEqual([
    'GET /a',
    'GET /b',
    'GET /c',
    'Connection: close',
  ]);
});

describe('answers of one connection', () => {
  const status = 'HTTP/1.1 200 OK\r\n';

  it.each<[string, string, string[]]>([
    ['none', '', []],
    ['one that ends with the connection', `${status}\r\nbody\r\n\r\nmore`, [`${status}\r\nbody\r\n\r\nmore`]],
    [
      'several, whose lengths count bytes',
      `${status}content-length: 4\r\n\r\nüü${status}Content-Length: 0\r\n\r\n${status}\r\nlast`,
      [`${status}content-length: 4\r\n\r\nüü`, `${status}Content-Length: 0\r\n\r\n`, `${status}\r\nlast`],
    ],
    [
      'chunks',
      `${status}Transfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3;x=y\r\n:1}\r\n0\r\n\r\n${status}\r\nlast`,
      [`${status}Transfer-Encoding: chunked\r\n\r\n{"a":1}`, `${status}\r\nlast`],
    ],
    [
      'one that was cut off',
      `${status}Transfer-Encoding: chunked\r\n\r\n9\r\n{"a"`,
      [`${status}Transfer-Encoding: chunked\r\n\r\n{"a"`],
    ],
    [
      'one with a chunk of less than nothing',
      `${status}Transfer-Encoding: chunked\r\n\r\n-5\r\n{"a"`,
      [`${status}Transfer-Encoding: chunked\r\n\r\n`],
    ],
    ['what is no HTTP', 'SSH-2.0-x', ['SSH-2.0-x']],
  ])('%s', (_name, given, parts) => {
    expect(splitAnswers(Buffer.from(given).toString('latin1'), parts.length)).toEqual(parts);
  });

  it('are told apart whatever their bodies hold, with a length or in chunks', async () => {
    const unit = fc.constantFrom('a', 'ü', '€', '𝄞', '\r\n', '0');
    const bodies = fc.sample(fc.string({ unit, maxLength: 200 }), 20);
    const server = createServer((asked, answer) => {
      const body = Buffer.from(bodies[Number(asked.url?.slice(1))] ?? '');
      if (body.length % 2 === 0) return answer.end(body);
      answer.write(body.subarray(0, 1));
      return answer.end(body.subarray(1));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const socket = connect(port, '127.0.0.1');
      socket.write(joinRequests(bodies.map((_, index) => request(`/${String(index)}`))));
      const answers = splitAnswers((await buffer(socket)).toString('latin1'), bodies.length);
      expect(answers.map((answer) => answer.slice(answer.indexOf('\r\n\r\n') + 4))).toEqual(bodies);
    } finally {
      server.close();
    }
  });
});
