import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processesIn } from '../../../lab/cgroups.ts';
import { eventually } from './mcpk.ts';

/** Programs that sshd of a host and all below it start while `work` goes on: the login's own among them. */
export async function programsStarted(host: string, work: () => Promise<void>): Promise<string[]> {
  const sshd = await listener(host);
  const file = join(await mkdtemp(join(tmpdir(), 'mcpk-e2e-')), 'trace');
  const words = ['-f', '-qq', '-e', 'trace=execve', '-e', 'status=successful', '-o', file, '-p', String(sshd)];
  const tracer = spawn('strace', words, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(tracer, 'close');
  await eventually(`strace looks at sshd of ${host}`, 10, async () =>
    /^TracerPid:\s+0$/m.test(await readFile(`/proc/${String(sshd)}/status`, 'utf8')) ? undefined : true,
  );
  try {
    await work();
  } finally {
    tracer.kill('SIGINT');
    await ended;
  }
  return [...(await readFile(file, 'utf8')).matchAll(/execve\("([^"]+)"/g)].map(([, program = '']) => program);
}

/** Its pid as this machine sees it. */
async function listener(host: string): Promise<number> {
  for (const pid of processesIn(host)) {
    const words = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
    if (words.startsWith('sshd: /usr/sbin/sshd -D')) return pid;
  }
  throw new Error(`no sshd listens on ${host}`);
}
