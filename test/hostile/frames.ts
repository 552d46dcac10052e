/** What the operator's side sends: the script, the line that says who, then frames (see session.sh). */
export class FrameReader {
  readonly #onRequest: (op: string, body: Buffer) => void;
  #held = Buffer.alloc(0);

  constructor(onRequest: (op: string, body: Buffer) => void) {
    this.#onRequest = onRequest;
  }

  push(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    while (this.#step());
  }

  #step(): boolean {
    const end = this.#held.indexOf('\n');
    if (end === -1) return false;
    const [kind = '', name = '', size = '0'] = this.#held.toString('latin1', 0, end).split(' ');
    const framed = ['code', 'request', 'part'].includes(kind);
    const bytes = framed || kind === 'mcpk' ? Number(size) : 0;
    const total = end + 1 + bytes + (framed ? 'end\n'.length : 0);
    if (this.#held.length < total) return false;
    const body = Buffer.from(this.#held.subarray(end + 1, end + 1 + bytes));
    this.#held = this.#held.subarray(total);
    if (kind === 'request' || kind === 'part') this.#onRequest(name, body);
    return true;
  }
}
