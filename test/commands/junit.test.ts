import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AWAY, INVENTORY, inventory, mcpk, scratch } from './support.ts';

const reporting = ['apply', 'plan', 'verify'];

async function report(...words: string[]): Promise<{ code: number; said: string; xml: string; left: string[] }> {
  const folder = await scratch();
  const file = join(folder, 'mcpk.xml');
  const { code, stdout, stderr } = await mcpk([...words, '--junit', file]);
  const xml = await readFile(file, 'utf8').catch(() => '');
  return { code, said: stdout + stderr, xml, left: await readdir(folder) };
}

describe('--junit', () => {
  it.each(reporting)('tells of a %s whose hosts are not reached, host by host', async (name) => {
    const { code, xml, left } = await report(name, '-i', await inventory(AWAY), '--skip', 'artifacts');
    expect([code, left]).toEqual([11, ['mcpk.xml']]);
    expect(xml).toMatch(new RegExp(`^<\\?xml [^\n]*\n<testsuites name="mcpk ${name}" tests="3" failures="3" `));
    for (const host of ['m1', 'm2', 'm3'])
      expect(xml).toMatch(
        new RegExp(`<testcase classname="${name}" name="${host}" [^>]*>\n +<failure type="unreachable"`),
      );
  });

  it.each(reporting)('tells of a %s whose inventory is wrong', async (name) => {
    const { code, xml } = await report(name, '-i', await inventory(INVENTORY.replace('[master]', '[masterr]')));
    expect(code).toBe(10);
    expect(xml).toContain('<failure type="invalid" message="1 mistake in ');
    expect(xml).toMatch(/mcpk\.yaml:\d+:\d+ hosts\[0\]\.roles\[0\]: &quot;masterr&quot;/);
  });

  it.each(reporting)('that cannot be written ends a %s before it begins', async (name) => {
    const none = join(await scratch(), 'none', 'mcpk.xml');
    const said = await mcpk([name, '-i', '/nowhere.yaml', '--junit', none]);
    expect([said.code, existsSync(none)]).toEqual([64, false]);
    expect(said.stderr).toContain(`${none} cannot be written (there is no folder ${dirname(none)})`);
  });

  it.each([
    ['apply', '--timeline'],
    ['plan', '--markdown'],
    ['plan', '--out'],
  ])('of %s is another file than that of %s', async (name, flag) => {
    const file = `${await scratch()}/./result`;
    const { code, stdout, stderr } = await mcpk([name, flag, file, '--junit', join(dirname(file), 'result')]);
    expect([code, stdout, stderr]).toEqual([64, '', expect.stringMatching(/--junit.* name the same file/)]);
  });

  it('beside --json leaves one object on stdout', async () => {
    const file = join(await scratch(), 'mcpk.xml');
    const said = await mcpk(['verify', '-i', await inventory(AWAY), '--json', '--junit', file]);
    expect(JSON.parse(said.stdout)).toMatchObject({ error: { code: 'unreachable' } });
    expect(await readFile(file, 'utf8')).toContain('failures="3"');
  });
});

describe('no secret', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is in it, also where escaping would have changed it', async () => {
    const token = 'hunter2&<of>"the-token';
    vi.stubEnv('MCPK_TOKEN', token);
    const file = await inventory(`${INVENTORY.replace('[master]', '["${MCPK_TOKEN}"]')}`);
    const { code, xml } = await report('verify', '-i', file);
    expect(code).toBe(10);
    expect(xml).toContain('<failure type="invalid"');
    expect(xml).not.toMatch(/hunter2|the-token/);
  });
});

describe('a run that is told twice to end', () => {
  it('has written it before it does', async () => {
    const file = join(await scratch(), 'mcpk.xml');
    const seen: unknown[] = [];
    const ended = Promise.withResolvers<void>();
    vi.spyOn(process, 'exit').mockImplementation((code) => {
      seen.push(code, readFileSync(file, 'utf8'));
      ended.resolve();
      return undefined as never;
    });
    const tellTwice = (event: string): void => {
      if (event !== 'SIGTERM') return;
      process.off('newListener', tellTwice);
      queueMicrotask(() => [1, 2].forEach(() => process.emit('SIGTERM')));
    };
    process.on('newListener', tellTwice);
    await Promise.all([mcpk(['verify', '-i', await inventory(AWAY), '--junit', file]), ended.promise]);
    expect(seen).toEqual([130, expect.stringMatching(/<failure type="interrupted" message="(m1: )?interrupted"/)]);
  });
});
