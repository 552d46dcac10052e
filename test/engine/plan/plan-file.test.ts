import { chmod, mkdtemp, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { McpkError } from '../../../src/core/errors.ts';
import { readPlan, writePlan } from '../../../src/engine/plan/plan-file.ts';
import type { Plan } from '../../../src/engine/types.ts';
import { CHANGED_FLAG, MIXED, NOTHING } from '../../fixtures/plan.ts';

const SNAPSHOT = { ...CHANGED_FLAG, snapshot: { into: '/b', because: ['etcd 3.6.16 → 3.7.3'] } };

const scratch = (): Promise<string> => mkdtemp(join(tmpdir(), 'mcpk-plan-'));

async function error(work: Promise<unknown>): Promise<McpkError> {
  const thrown: unknown = await work.then(() => undefined).catch((each: unknown) => each);
  if (!(thrown instanceof McpkError)) throw new Error('no McpkError was thrown');
  return thrown;
}

const AT = '2026-11-24T14:02:11.000Z';
const MOVED: Plan = {
  ...NOTHING,
  moves: { since: AT, vip: [{ at: AT, from: 'm1', to: 'm2' }], etcdLeader: [{ at: AT, to: 'm1' }], incomplete: true },
};

describe('a plan in a file', () => {
  it.each(Object.entries({ CHANGED_FLAG, MIXED, NOTHING, SNAPSHOT, MOVED }))(
    'is read as it was written: %s',
    async (_name, plan) => {
      const file = join(await scratch(), 'plan.json');
      await writePlan(file, plan);
      expect(await readPlan(file)).toEqual(plan);
    },
  );

  it('of mcpk 0.1.0, whose steps have no commands, is read', async () => {
    const file = join(await scratch(), 'plan.json');
    const old = JSON.stringify(CHANGED_FLAG).replace(/,"run":\["systemctl","stop","keepalived.service"\]/, '');
    expect(old).not.toContain('keepalived');
    await writeFile(file, old);
    expect(await readPlan(file)).toEqual(JSON.parse(old));
  });

  it('is for its owner alone, replaces what was there and leaves nothing beside it', async () => {
    const folder = await scratch();
    const file = join(folder, 'plan.json');
    await writeFile(file, 'old');
    await chmod(file, 0o644);
    await writePlan(file, NOTHING);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['plan.json']);
  });

  it('that cannot be written is an error of usage, and nothing is left', async () => {
    const folder = await scratch();
    expect((await error(writePlan(join(folder, 'no/plan.json'), NOTHING))).code).toBe('usage');
    expect((await error(writePlan(folder, NOTHING))).code).toBe('usage');
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('what is no plan', () => {
  const text = JSON.stringify(CHANGED_FLAG);
  const changed = (from: string, to: string): string => {
    expect(text).toContain(from);
    return text.replace(from, to);
  };

  it.each<[string, string, RegExp]>([
    ['text', 'apply this', /no JSON/],
    ['half of one', text.slice(0, text.length / 2), /no JSON, or not all/],
    ['a list', '[]', /it: is of another type/],
    ['nothing', '{}', /\/apiVersion: is missing/],
    ['an inventory', '{"apiVersion":"mcpk/v1","kind":"Cluster"}', /\/\w+: is/],
    ['a plan of another version', changed('mcpk/v1', 'mcpk/v2'), /\/apiVersion: is another word/],
    ['a plan with more in it', changed('{', '{"run":"rm -rf /",'), /it: has something that no plan has there/],
    [
      'a stage without batches',
      changed('"batches":', '"bunches":'),
      /\/stages\/0: has something that no plan has there/,
    ],
    ['a verb that does not exist', changed('"verb":"update"', '"verb":"format"'), /\/verb: is another word/],
    ['a hash that is a number', changed('"rests":"a"', '"rests":1'), /\/rests: is of another type/],
  ])('%s: says where, and exits 10', async (_name, content, where) => {
    const file = join(await scratch(), 'plan.json');
    await writeFile(file, content);
    const thrown = await error(readPlan(file));
    expect([thrown.code, thrown.exitCode, thrown.message]).toEqual(['invalid', 10, `${file} is not a plan of mcpk`]);
    expect(thrown.details.join('\n')).toMatch(where);
    expect(thrown.hint).toContain('plan --out');
  });

  it.each(['nowhere.json', '.'])('%s is no plan either', async (name) => {
    const thrown = await error(readPlan(join(await scratch(), name)));
    expect([thrown.code, thrown.exitCode]).toEqual(['invalid', 10]);
  });
});

it('the schema describes each of its settings', async () => {
  const schema = JSON.parse(await readFile('schema/plan.v1.schema.json', 'utf8')) as { properties: object };
  expect(Object.keys(schema.properties).toSorted()).toEqual(
    Object.keys({ ...NOTHING, running: {}, moves: {}, snapshot: {}, command: '' }).toSorted(),
  );
});
