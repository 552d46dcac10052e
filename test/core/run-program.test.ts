import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { FailedProgram, outputOf, type ProgramLimits } from '../../src/core/run-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcpk-program-'));
const LIMITS: ProgramLimits = { signal: new AbortController().signal, time: 60_000, output: 1 << 20 };

function sh(script: string, limits: Partial<ProgramLimits> = {}): Promise<string> {
  return outputOf(['sh', '-c', script], { ...LIMITS, ...limits });
}

async function failed(work: Promise<string>): Promise<FailedProgram> {
  const error = await work.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(FailedProgram);
  return error as FailedProgram;
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a program of the operator', () => {
  it('gets its words as they are, nothing on standard input, and is heard to its end', async () => {
    const words = ['%s|', 'a b', '$HOME', '*', ''] as const;
    expect(await outputOf(['printf', ...words], LIMITS)).toBe('a b|$HOME|*||');
    expect(await sh('cat; echo done; echo aside >&2')).toBe('done\n');
  });

  writeFileSync(join(folder, 'plain'), '');
  it.each<[what: string, work: () => Promise<string>, why: string, said: readonly string[]]>([
    ['that fails', () => sh('echo one >&2; echo two >&2; exit 3'), 'ended with 3', ['one', 'two']],
    ['that is killed', () => sh('kill -9 $$'), 'ended with SIGKILL', []],
    ['that is not there', () => outputOf([join(folder, 'none')], LIMITS), 'there is no such program', []],
    ['that may not be run', () => outputOf([join(folder, 'plain')], LIMITS), 'may not be run', []],
    ['that has no end', () => sh('sleep 50', { time: 100 }), 'is not done after 0.1 s', []],
    ['that prints without end', () => sh('yes', { output: 1 << 20 }), 'prints more than 1 MiB', []],
  ])('%s is told with why', async (_what, work, why, said) => {
    const error = await failed(work());
    expect([error.message, error.said]).toEqual([why, said]);
  });

  it('is ended with all that it has started, however stubborn, when it is interrupted', async () => {
    const abort = new AbortController();
    const pids = join(folder, 'pids');
    const script = `trap "" TERM; sleep 71.5 & echo $! $$ >${pids}.new; mv ${pids}.new ${pids}; sleep 71.5`;
    const end = sh(script, { signal: abort.signal }).catch((cause: unknown) => cause);
    const all = await vi.waitFor(() => readFileSync(pids, 'utf8').trim().split(' ').map(Number), { timeout: 20_000 });
    expect(all.map(isThere)).toEqual([true, true]);
    const reason = new Error('interrupted');
    abort.abort(reason);
    expect(await end).toBe(reason);
    expect(all.map(isThere)).toEqual([false, false]);
  });

  it.each([
    ['in its group', 'sleep 50'],
    ['in a session of its own', 'setsid sleep 50'],
  ])('is heard to its own end where it leaves behind what holds its output, %s', async (_where, left) => {
    const said = await sh(`${left} & echo $!`, { time: 20_000 });
    const pid = Number(said);
    expect(pid).toBeGreaterThan(1);
    // What has left the group lives on.
    if (isThere(pid)) process.kill(pid);
  });

  it('is not begun once it is interrupted', async () => {
    await expect(sh(`: >${folder}/begun`, { signal: AbortSignal.abort(new Error('over')) })).rejects.toThrow('over');
    expect(() => readFileSync(join(folder, 'begun'))).toThrow('ENOENT');
  });
});
