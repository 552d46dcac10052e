import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onOperatorSide, operatorEnvironment } from '../../../lab/operator.ts';
import { CLONE } from '../../../lab/paths.ts';
import { INVENTORY, type Said } from './mcpk.ts';

/** A run of mcpk that something happens to. Its progress comes a line an event (`--verbose`). */
export class Running {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #waiting = new Set<() => void>();
  #stdout = '';

  constructor(args: readonly string[], overlays: readonly string[] = []) {
    // A saved plan holds its inventory.
    const files = args.includes('--plan') ? [] : [INVENTORY, ...overlays].flatMap((file) => ['-i', file]);
    const [command = '', ...words] = onOperatorSide(['mcpk', ...args, '--verbose', ...files]);
    const child = spawn(command, words, {
      cwd: CLONE,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...operatorEnvironment() },
    });
    this.#child = child;
    this.#ended = once(child, 'close').then(() => {
      this.#wake();
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.lines.push(line);
      this.#wake();
    });
  }

  get over(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves with the first line that matches, also one that was said before; undefined when the run ended without. */
  async said(pattern: RegExp | ((line: string) => boolean)): Promise<string | undefined> {
    const matches = pattern instanceof RegExp ? (line: string): boolean => pattern.test(line) : pattern;
    for (let from = 0; ;) {
      const found = this.lines.slice(from).find(matches);
      if (found !== undefined) return found;
      from = this.lines.length;
      if (this.over) return undefined;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** As {@link said}, but the line must come. */
  async must(pattern: RegExp): Promise<string> {
    const line = await this.said(pattern);
    if (line === undefined) throw new Error(`mcpk ended and never said ${String(pattern)}:\n${this.lines.join('\n')}`);
    return line;
  }

  /** Resolves when so many lines were said, or the run ended. */
  async lineCount(count: number): Promise<boolean> {
    while (this.lines.length < count && !this.over) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    return this.lines.length >= count;
  }

  kill(signal: NodeJS.Signals): boolean {
    return this.#child.kill(signal);
  }

  async end(): Promise<Said> {
    await this.#ended;
    return { code: this.#child.exitCode ?? 128, stdout: this.#stdout, stderr: this.lines.join('\n') };
  }

  #wake(): void {
    for (const each of this.#waiting) each();
    this.#waiting.clear();
  }
}
