import type { Command, CommandResult, Fleet } from '../../../src/engine/hosts/fleet.ts';

/** A request that came, as `GET /path` with its body. */
export interface Asked {
  host: string;
  request: string;
  body: string;
}

export interface FakeApi {
  exec: Fleet['exec'];
  /** What came over HTTP. */
  asked: Asked[];
  /** Other commands, with what they were given. */
  commands: { host: string; argv: string[]; stdin: string }[];
}

/** Answers one request: a status and what is said with it. */
export type Answering = (request: Asked) => { status: number; body?: unknown };

/** Masters whose API servers answer as told; each other command succeeds. */
export function fakeApi(answering: Answering): FakeApi {
  const asked: Asked[] = [];
  const commands: FakeApi['commands'] = [];
  const run = (host: string, { argv, stdin = '' }: Command): CommandResult => {
    if (argv[0] !== 'socat') {
      commands.push({ host, argv, stdin });
      return { exitCode: 0, stdout: '', stderr: '' };
    }
    const requests = stdin.split(/(?=(?:GET|DELETE) \S+ HTTP\/1\.1\r\n)/).filter((text) => text !== '');
    const answers = requests.map((text) => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      const request = { host, request: head.slice(0, head.indexOf(' HTTP/')), body };
      asked.push(request);
      const { status, body: said = {} } = answering(request);
      const bytes = Buffer.from(JSON.stringify(said)).toString('latin1');
      return `HTTP/1.1 ${String(status)} X\r\nContent-Length: ${String(bytes.length)}\r\n\r\n${bytes}`;
    });
    return { exitCode: 0, stdout: answers.join(''), stderr: '' };
  };
  return { asked, commands, exec: (host, all) => Promise.resolve(all.map((command) => run(host, command))) };
}
