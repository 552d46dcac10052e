import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { loadScripts } from '../../../src/engine/wire/scripts.ts';
import type { SessionRecord } from '../../../src/transport/types.ts';

const SCRIPTS = loadScripts();

/** Who runs the tests: may give his files to himself, if to nobody else. */
export const ME = { owner: nameOf('-un'), group: nameOf('-gn') };

/** Memory where there is some: every stream syncs, which on a disk takes longer than all the rest. */
const PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A scratch root in which the two scripts work as on a host, with stubs in place of systemd and dpkg. */
export class Scratch {
  readonly root = mkdtempSync(join(PLACE, 'mcpk-scripts-'));
  readonly stubs = mkdtempSync(join(PLACE, 'mcpk-stubs-'));

  constructor() {
    for (const [name, code] of Object.entries(SCRIPTS)) writeFileSync(join(this.stubs, `.${name}`), code);
  }

  put(path: string, content: string | Buffer, mode = 0o644): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content);
    chmodSync(this.at(path), mode);
  }

  at(path: string): string {
    return join(this.root, path);
  }

  read(path: string): string {
    return readFileSync(this.at(path), 'utf8');
  }

  /** A program found before the real one; every call is noted in `calls`. */
  stub(name: string, script: string): void {
    const file = join(this.stubs, name);
    writeFileSync(file, `#!/bin/sh\nprintf '%s\\n' "${name} $*" >>"${this.stubs}/.calls"\n${script}\n`);
    chmodSync(file, 0o755);
  }

  get calls(): string[] {
    const text = spawnSync('cat', [`${this.stubs}/.calls`], { encoding: 'utf8' }).stdout;
    return text.split('\n').filter(Boolean);
  }

  run(
    script: 'probe' | 'converge' | 'prune',
    body: Buffer,
    options: { fence?: string; environment?: Record<string, string>; under?: readonly string[] } = {},
  ): { exitCode: number | null; records: SessionRecord[]; stderr: string } {
    const file = join(this.stubs, `.${script}.body`);
    writeFileSync(file, body);
    const PATH = `${this.stubs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
    const env = { PATH, LC_ALL: 'C', MCPK_ROOT: this.root, ...options.environment };
    const argv = ['dash', join(this.stubs, `.${script}`), file, options.fence ?? ''];
    const [program = '', ...args] = [...(options.under ?? []), ...argv];
    const result = spawnSync(program, args, {
      env,
      maxBuffer: 1 << 27,
      timeout: 30_000,
    });
    return { exitCode: result.status, records: recordsOf(result.stdout), stderr: result.stderr.toString('utf8') };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
    rmSync(this.stubs, { recursive: true, force: true });
  }
}

function nameOf(option: string): string {
  return spawnSync('id', [option], { encoding: 'utf8' }).stdout.trim();
}

function recordsOf(output: Buffer): SessionRecord[] {
  const records: SessionRecord[] = [];
  for (let at = 0; at < output.length;) {
    const end = output.indexOf('\n', at);
    const [kind = '', ...words] = output.toString('utf8', at, end).split(' ');
    const size = Number(words.pop());
    if (end < 0 || !Number.isInteger(size)) throw new Error(`not a record: ${output.toString('utf8', at, at + 80)}`);
    records.push({ kind, args: words, body: output.subarray(end + 1, end + 1 + size) });
    at = end + 1 + size;
  }
  return records;
}
