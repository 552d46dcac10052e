import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

interface Ended {
  /** 128 where a signal ended it. */
  code: number;
  stdout: string;
  stderr: string;
}

interface Surroundings {
  cwd: string;
  env?: Readonly<Record<string, string>>;
  /** It leads a process group of its own. */
  group?: boolean;
}

/** A command that something happens to: what it says on stderr is there line by line. */
export class RunningCommand {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #waiting = new Set<() => void>();
  #stdout = '';

  constructor(argv: readonly string[], { cwd, env = {}, group = false }: Surroundings) {
    const [command = '', ...words] = argv;
    const child = spawn(command, words, {
      cwd,
      detached: group,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
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
    if (line === undefined) throw new Error(`it ended and never said ${String(pattern)}:\n${this.lines.join('\n')}`);
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

  /** Signals it and its children, where it leads a group. */
  killGroup(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
  }

  /** Whether it ends so soon. */
  async endsWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
    const ended = await Promise.race([this.#ended.then(() => true), late]);
    clearTimeout(timer);
    return ended;
  }

  async end(): Promise<Ended> {
    await this.#ended;
    return { code: this.#child.exitCode ?? 128, stdout: this.#stdout, stderr: this.lines.join('\n') };
  }

  #wake(): void {
    for (const each of this.#waiting) each();
    this.#waiting.clear();
  }
}
