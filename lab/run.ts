import { spawn } from 'node:child_process';
import { LabError } from './errors.ts';

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  input?: string | Uint8Array;
  /** Milliseconds; the child is killed after them. */
  timeout?: number;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end and gives back what it said, whatever its exit code. */
export function capture(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [command, ...args] = argv;
  if (command === undefined) throw new LabError('nothing to run: the command is empty');
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (cause) => {
      reject(new LabError(`cannot run ${command}: ${cause.message}`, { cause }));
    });
    child.on('close', (code, signal) => {
      resolve({
        code: code ?? (signal === null ? 1 : 128),
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      });
    });
    // A child that ends before it read all of its input closes the pipe: its exit code tells more.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input);
  });
}

/** Runs a program that must succeed and gives back its standard output. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await capture(argv, options);
  if (result.code !== 0) {
    const said = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-12).join('\n  ');
    throw new LabError(`${argv.join(' ')} failed with exit code ${result.code}:\n  ${said}`);
  }
  return result.stdout;
}

/** Runs a program on the caller's own terminal; resolves with its exit code. */
export function attach(argv: readonly string[], options: RunOptions = {}): Promise<number> {
  const [command, ...args] = argv;
  if (command === undefined) throw new LabError('nothing to run: the command is empty');
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: 'inherit',
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    // The terminal sends ^C to the child as well; it decides how to end, the lab only waits.
    const ignore = (): void => undefined;
    process.on('SIGINT', ignore);
    child.on('error', (cause) => {
      reject(new LabError(`cannot run ${command}: ${cause.message}`, { cause }));
    });
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore);
      resolve(code ?? (signal === null ? 1 : 130));
    });
  });
}

export async function isOnPath(program: string): Promise<boolean> {
  return (await capture(['sh', '-c', 'command -v "$1"', 'sh', program])).code === 0;
}
