import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../../scripts/process.ts';
import { screenAfter } from '../../../scripts/screen.ts';
import { quote } from '../../../src/core/quote.ts';
import { impossible } from './real-sshd.ts';
import { smallCluster } from './small-cluster.ts';

const COLUMNS = 90;
const { m1, w1, inventory } = await smallCluster();

interface Seen {
  code: number;
  /** All that was written to the terminal. */
  written: string;
  /** What stands there at the end, with 0.0 s for each time. */
  screen: string;
}

/** `apply` on a terminal of its own, with somebody at it who answers the question. */
async function apply(answer: string, env: Record<string, string> = {}): Promise<Seen> {
  const command = quote([process.execPath, 'test/transport/sshd/greeting-mcpk.ts', 'apply', '-i', inventory]);
  const child = spawn('script', ['-qec', `stty cols ${COLUMNS} rows 40; exec ${command}`, '/dev/null'], {
    cwd: ROOT,
    env: { ...process.env, TERM: 'xterm-256color', LANG: 'C.UTF-8', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let written = '';
  let asked = false;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    written += chunk;
    if (asked || !written.includes('[y/N]')) return;
    asked = true;
    child.stdin.write(answer);
  });
  const [code] = (await once(child, 'close')) as [number];
  const lines = screenAfter(written).map((line) => line.map(({ text }) => text).join(''));
  return {
    code,
    written,
    screen: lines
      .map((line) => `${line.trimEnd()}\n`)
      .join('')
      .replaceAll(/\d+\.\d s/g, '0.0 s'),
  };
}

const PLAN = `5 changes on 2 hosts, read in 0.0 s
small · 2 hosts · kubernetes 1.37.1 · etcd 3.7.3

New: m1, w1. What is laid there is summed up; --verbose shows all of it.

greeting                                                                  m1, w1
  + create  1 directory, 1 file

Order  m1 → w1
       after each: that host greets

farewell                                                                      w1
  + create  1 directory

5 changes on 2 hosts, nothing removed. 0 states unchanged.

`;

const text = (of: typeof m1): string => of.inside('cat', '/etc/greeting/text');
const isThere = (of: typeof m1): boolean => of.inside('ls', '/etc').split('\n').includes('greeting');

describe.skipIf(impossible !== undefined || !existsSync('/usr/bin/script'))('apply on a terminal', () => {
  test('shows the plan, asks, and changes nothing for a no', async () => {
    const { code, written, screen } = await apply('n\n');
    expect(screen).toBe(`${PLAN}Apply this? [y/N] n\n✖ declined (exit 130)\n  hint  Nothing was changed.\n`);
    expect([code, isThere(m1), isThere(w1)]).toEqual([130, false, false]);
    // Whoever types sees where.
    const before = written.slice(0, written.indexOf('[y/N]'));
    expect(before.lastIndexOf('\u001b[?25h')).toBeGreaterThan(before.lastIndexOf('\u001b[?25l'));
  });

  test('goes on for a yes, shows what is under way, and leaves a line for each stage and the result', async () => {
    const { code, written, screen } = await apply('yes\n');
    expect(screen).toBe(`${PLAN}Apply this? [y/N] yes
✔ greeting       2/2      0.0 s   4 changed
✔ farewell       1/1      0.0 s   1 changed
Succeeded: 5 (changed=5)  Failed: 0   Total run time: 0.0 s
See that all of it serves: mcpk verify -i ${inventory}
`);
    // It is drawn a few times a second, each line after one that is erased: how far it is by then depends on the machine.
    expect(written).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]\S* (working|connecting to m1, w1|reading m1, w1)/u);
    expect(written).toMatch(/\u001b\[2K\S+ (greeting|farewell) +[012]\/[12]/u);
    // The cursor is there again.
    expect(written.lastIndexOf('\u001b[?25h')).toBeGreaterThan(written.lastIndexOf('\u001b[?25l'));
    expect([code, text(m1), text(w1)]).toEqual([0, 'hello from m1\n', 'hello from w1\n']);
  });

  test('asks nothing where nothing is to be done', async () => {
    const { code, screen } = await apply('');
    expect(screen).toBe(`5 states as wanted, read in 0.0 s
✔ greeting       2/2      0.0 s
✔ farewell       1/1      0.0 s
Succeeded: 5 (changed=0)  Failed: 0   Total run time: 0.0 s
Nothing was to be done.
`);
    expect(code).toBe(0);
  });

  test('stops at a gate that does not hold: the host is as it was, the other one was not touched', async () => {
    const { code, screen } = await apply('y\n', { GREETING: 'nothing' });
    expect(screen).toContain(`
Apply this? [y/N] y
✖ greeting: m1 greets: is silent
↻ greeting m1: goes back
↻ greeting m1: is as it was before
✖ greeting       1/2      0.0 s
- farewell       skipped: an earlier stage failed
✖ greeting: m1 greets: not so after 1 s; m1 went back to what was there before (exit 19)
`);
    expect(screen).toContain('\nSucceeded: 3 (changed=0)  Failed: 1   Total run time: 0.0 s\n');
    expect([code, text(m1), text(w1)]).toEqual([19, 'hello from m1\n', 'hello from w1\n']);
  });
});
