import type { SessionRecord } from './types.ts';

export interface RemoteCommand {
  readonly argv: readonly string[];
  readonly stdin?: string;
  /** Seconds until it is ended (TERM, two seconds, KILL), exit code 124; 0 or absent = none. */
  readonly limit?: number;
  /** Its standard input and output are bytes, not text: a character each (latin1). */
  readonly binary?: boolean;
  /** Waited for as long as for what installs packages. */
  readonly long?: boolean;
}

export interface RemoteAnswer {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * The body of the built-in request `exec` (see session.sh, run_all): a line `ID WORDS INPUT LIMIT` a command,
 * then a line for each word, then one for its standard input. Throws TypeError on what no program can be given.
 */
export function encodeCommands(commands: readonly RemoteCommand[]): Buffer {
  const lines: string[] = [];
  for (const [id, { argv, stdin, limit, binary }] of commands.entries()) {
    checkWords(argv);
    lines.push(
      `${id} ${argv.length} ${stdin === undefined ? 0 : 1} ${Math.ceil(limit ?? 0)}`,
      ...argv.map((word) => escape(Buffer.from(word))),
    );
    if (stdin !== undefined) lines.push(escape(Buffer.from(stdin, binary ? 'latin1' : 'utf8')));
  }
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

/** A command alone, for a script that runs one: how many words, and a line for each. Throws TypeError as {@link encodeCommands}. */
export function encodeCommand(argv: readonly string[]): Buffer {
  checkWords(argv);
  return Buffer.from(
    [argv.length, ...argv.map((word) => escape(Buffer.from(word)))].map((line) => `${line}\n`).join(''),
  );
}

function checkWords(argv: readonly string[]): void {
  if (argv.length === 0 || argv[0] === '') throw new TypeError('a command without a program');
  if (argv.some((word) => word.includes('\0'))) throw new TypeError('an argument contains a NUL character');
}

/** For printf's %b: everything but printable ASCII becomes `\0ooo`, as do backslashes. */
function escape(bytes: Buffer): string {
  let out = '';
  for (const byte of bytes) {
    out +=
      byte >= 0x20 && byte < 0x7f && byte !== 0x5c
        ? String.fromCharCode(byte)
        : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return out;
}

/** `exec ID RC STDOUTSIZE SIZE`: the id, and the answer to that command. */
export function decodeAnswer(
  record: SessionRecord,
  commands: readonly RemoteCommand[],
): [id: number, answer: RemoteAnswer] {
  const [id = -1, code = -1, size = -1] = record.args.map(Number);
  if (![id, code, size].every((each) => Number.isSafeInteger(each) && each >= 0))
    throw new Error('an answer without its figures');
  if (id >= commands.length) throw new Error(`an answer to command ${String(id)} of ${String(commands.length)}`);
  const stdout = record.body.toString(commands[id]?.binary ? 'latin1' : 'utf8', 0, size);
  return [id, { exitCode: code, stdout, stderr: withoutShell(record.body.toString('utf8', size)) }];
}

/** What session.sh's shell says where there is no such program, without the place in that script. */
function withoutShell(stderr: string): string {
  return stderr.replace(/^\/run\/mcpk\/session\.[^/\s]+\/session: (?:line )?\d+: exec: /, '');
}
