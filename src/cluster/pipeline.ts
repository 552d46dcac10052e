const NEWLINE = '\r\n';
const END_OF_HEAD = '\r\n\r\n';
const LONGEST_HEAD = 64 * 1024;
/** Go's servers send some KiB in each. */
const MOST_CHUNKS = 100_000;

/** HTTP/1.1 requests as one input: the server answers them in order, over one connection, which the last one closes. */
export function joinRequests(requests: readonly string[]): string {
  const last = requests.length - 1;
  return requests
    .map((request, index) =>
      index === last ? request.replace(NEWLINE, `${NEWLINE}Connection: close${NEWLINE}`) : request,
    )
    .join('');
}

/**
 * The answers, one text each, chunks put together. `bytes` has a character a byte: lengths count bytes, and a chunk
 * may end in the middle of a character. A server may go away before it has answered all `count` requests.
 */
export function splitAnswers(bytes: string, count: number): string[] {
  const answers: string[] = [];
  let rest = bytes;
  while (rest !== '' && answers.length < count) {
    const { answer, length } = first(rest);
    answers.push(Buffer.from(answer, 'latin1').toString('utf8'));
    rest = rest.slice(length);
  }
  return answers;
}

function first(bytes: string): { answer: string; length: number } {
  const end = bytes.indexOf(END_OF_HEAD);
  if (end < 0) return { answer: bytes, length: bytes.length };
  const start = end + END_OF_HEAD.length;
  const head = bytes.slice(0, Math.min(end, LONGEST_HEAD));
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const { body, length } = joinChunks(bytes.slice(start));
    return { answer: bytes.slice(0, start) + body, length: start + length };
  }
  const size = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  // Without a length the body ends with the connection.
  const length = size === undefined ? bytes.length : start + Number(size);
  return { answer: bytes.slice(0, length), length };
}

/** `SIZE\r\nBYTES\r\n…0\r\n\r\n`; what was cut off ends with the bytes that came. */
function joinChunks(bytes: string): { body: string; length: number } {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf(NEWLINE, at);
    // Nothing but digits: a size below zero would lead back to where we were.
    const digits = line < 0 ? undefined : /^[0-9a-f]{1,8}/i.exec(bytes.slice(at, line))?.[0];
    if (digits === undefined || parts.length === MOST_CHUNKS) return { body: parts.join(''), length: bytes.length };
    const size = Number.parseInt(digits, 16);
    const start = line + NEWLINE.length;
    parts.push(bytes.slice(start, start + size));
    at = start + size + NEWLINE.length;
    if (size === 0) return { body: parts.join(''), length: at };
  }
}
