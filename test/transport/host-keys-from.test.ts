import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HostKeysFrom } from '../../src/transport/host-keys-from.ts';
import { failure } from './failure.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcpk-given-'));
const { signal } = new AbortController();
execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'host m1', '-f', join(folder, 'key')]);
const publicHalf = readFileSync(join(folder, 'key.pub'), 'utf8');

function put(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const open = (from: string, apartMs = 0): Promise<HostKeysFrom> => HostKeysFrom.open(from, signal, apartMs);
const namesIn = ({ given }: HostKeysFrom): string[] => given.keys.map(({ names, line }) => `${names} ${line}`);

describe('host keys that are given', () => {
  const lines = `# from the DHCP server\n10.0.0.11 ${publicHalf}\n[10.0.0.12]:2222,w1 ${publicHalf}`;

  test.each([
    ['in a file', () => put('keys', lines)],
    ['by a program', () => `!cat ${put('keys', lines)}`],
    ['by a script of its own', () => { const file = put('keys.sh', `#!/bin/sh\ncat ${put('keys', lines)}; echo aside >&2\n`); chmodSync(file, 0o755); return `! ${file}  `; }], // prettier-ignore
  ])('%s are read', async (_what, from) => {
    expect(namesIn(await open(from()))).toEqual(['10.0.0.11 2', '[10.0.0.12]:2222,w1 4']);
  });

  test.each([
    ['a key without its host', publicHalf, ['1: the key is not of the type that stands before it']],
    ['a key that was cut', `m1 ${publicHalf.split(' ').slice(0, 2).join(' ').slice(0, -4)}`, ['1: the key is not whole']], // prettier-ignore
    ['words', '\nm1 here', ['2: names, type and key expected']],
    ['half a line, and more', `m1 ${publicHalf}\nm1 ssh-ed25519\nm1 ssh-rsa ${publicHalf.split(' ')[1]}`, ['3: names, type and key expected', '4: the key is not of the type that stands before it']], // prettier-ignore
    ['an authority', `@cert-authority * ${publicHalf}`, ['1: @cert-authority: host certificates are not supported']],
  ])('%s in place of them: each bad line is told by its place, without a word of it', async (_what, text, told) => {
    for (const from of [put('bad', text), `!cat ${put('bad', text)}`]) {
      const error = await failure(open(from));
      expect([error.exitCode, error.details]).toEqual([64, told.map((line) => `${from}:${line}`)]);
    }
  });

  test('are read anew, unless that was just done; what is wrong then leaves them as they were', async () => {
    const from = put('later', '# none yet\n');
    const [now, patient] = await Promise.all([open(from), open(from, 60_000)]);
    put('later', `m1 ${publicHalf}`);
    await Promise.all([now.readAgain(signal), now.readAgain(signal), patient.readAgain(signal)]);
    expect([namesIn(now), namesIn(patient)]).toEqual([['m1 1'], []]);
    put('later', 'half a');
    expect((await failure(now.readAgain(signal))).message).toContain('line 1 is no host key');
    expect(namesIn(now)).toEqual(['m1 1']);
    put('later', `m2 ${publicHalf}`);
    await now.readAgain(signal);
    expect(namesIn(now)).toEqual(['m2 1']);
  });

  test('a program is run once for all that ask at the same time', async () => {
    const runs = put('runs', '');
    const keys = await open(`!sh ${put('count.sh', `echo >>${runs}`)}`);
    await Promise.all([keys.readAgain(signal), keys.readAgain(signal), keys.readAgain(signal)]);
    expect(readFileSync(runs, 'utf8')).toBe('\n\n');
  });

  test('of a pipe are read once', async () => {
    const file = put('piped', `m1 ${publicHalf}`);
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    execFileSync('sh', ['-c', `cat ${file} >${fifo} &`], { stdio: 'ignore' });
    const keys = await open(fifo);
    await keys.readAgain(signal);
    expect(namesIn(keys)).toEqual(['m1 1']);
  });
});
