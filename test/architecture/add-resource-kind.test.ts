import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageText } from '../../src/core/package-files.ts';
import { SCHEMAS } from '../../src/core/package-validator.ts';
import { compileValidator, type Validator } from '../../src/core/validate.ts';
import { encodeConverge } from '../../src/engine/wire/wire-converge.ts';
import { emptyObserved, emptyReads, encodeReads } from '../../src/engine/wire/wire.ts';
import { identityOfFiles, rests, sha256 } from '../../src/resources/identity.ts';
import { KINDS, kindOf } from '../../src/resources/kinds.ts';
import type { Materials, Op, Resource, ResourceKind } from '../../src/resources/types.ts';
import { directory, file, PUBLIC } from '../../src/states/build.ts';
import { fileState } from '../resources/case.ts';
import { dryRun, greetingStage, itemsOf, type Given } from './dry-run.ts';

/** Its type. */
interface GreetingResource {
  kind: 'greeting';
  to: string;
}

const FOLDER = '/etc/greetings';
const pathOf = (to: string): string => `${FOLDER}/${to}`;
const textFor = (to: string): string => `hello ${to}\n`;
const hashFor = (to: string): string => identityOfFiles(new Map([[pathOf(to), sha256(textFor(to))]]));

/** Its file: all that others need to know of it. */
const greeting: ResourceKind<never> = {
  id: ({ to }: GreetingResource) => to,
  paths: ({ to }: GreetingResource) => [pathOf(to)],
  reads({ to }: GreetingResource, into) {
    into.paths.push(pathOf(to));
  },
  compare({ to }: GreetingResource, observed) {
    const seen = observed.paths[pathOf(to)]?.sha256;
    const hash = hashFor(to);
    if (seen === sha256(textFor(to))) return { result: 'unchanged', reason: 'greets', hash };
    return { result: 'change', verb: 'create', reasons: ['does not greet'], hash, rests: rests(seen) };
  },
  converge: ({ to }: GreetingResource) =>
    Promise.resolve([{ op: 'write', path: pathOf(to), ...PUBLIC, content: textFor(to) }]),
  remove: (id) => [{ op: 'remove', path: pathOf(id) }],
  implied: () => [`directory:${FOLDER}`],
  title: ({ to }: GreetingResource) => `greets ${to}`,
};

/** Its line in the table, before that of another kind or at its end. */
function addLine(before?: string): void {
  const lines = Object.entries(KINDS);
  const at = lines.findIndex(([name]) => name === before);
  setLines(lines.toSpliced(at < 0 ? lines.length : at, 0, ['greeting', greeting]));
}

function setLines(lines: readonly [string, unknown][]): void {
  for (const name of Object.keys(KINDS)) Reflect.deleteProperty(KINDS, name);
  Object.assign(KINDS, Object.fromEntries(lines));
}

const hello = { kind: 'greeting', to: 'w1' } as unknown as Resource;
const planned = (more: Partial<Given> = {}): ReturnType<typeof dryRun> =>
  dryRun({ stages: [greetingStage([hello, directory(FOLDER)], { needs: [] })], ...more });

/** The names of kinds in the schema of plans, as it is written there. */
const [, KINDS_TEXT = ''] = /"kind": \{\s*"enum": (\[[^\]]*"kubeObject"[^\]]*\])/.exec(packageText(SCHEMAS.plan)) ?? [];
const KINDS_OF_PLANS = JSON.parse(KINDS_TEXT) as string[];

function validatorOf(kinds: readonly string[]): Promise<Validator> {
  const text = packageText(SCHEMAS.plan).replace(KINDS_TEXT, JSON.stringify(kinds));
  return compileValidator(JSON.parse(text) as object);
}

const withoutIt = Object.entries(KINDS);
beforeEach(() => addLine('directory'));
afterEach(() => setLines(withoutIt));

describe('a resource kind', () => {
  it('is in the plan, after what it implies', async () => {
    expect(itemsOf(await planned(), 'greeting', 'w1')).toMatchObject([
      { ref: `directory:${FOLDER}` },
      { ref: 'greeting:w1', title: 'greets w1', comparison: { verb: 'create', reasons: ['does not greet'] } },
    ]);
  });

  it('is unchanged where the probe, which is asked for what it reads, saw it so', async () => {
    const reads = emptyReads();
    kindOf(hello).reads(hello, reads);
    expect(encodeReads(reads).toString()).toContain(`.${pathOf('w1')}`);
    const paths = { [pathOf('w1')]: fileState({ sha256: sha256(textFor('w1')) }) };
    const run = await planned({ observed: { ...emptyObserved(), paths } });
    expect(itemsOf(run, 'greeting', 'w1')[1]?.comparison).toMatchObject({ result: 'unchanged', reason: 'greets' });
  });

  it('reaches the host as operations that converge has', async () => {
    const [, item] = itemsOf(await planned(), 'greeting', 'w1');
    if (item?.comparison.result !== 'change') throw new Error('nothing changes');
    const ops = await kindOf(hello).converge(hello, item.comparison, {} as Materials, emptyObserved());
    expect(request(ops)).toMatch(/^o cut\n[^]*^o rename\n.*\na \.\/etc\/greetings\/w1\n[^]*hello w1\n$/m);
  });

  it('is refused with an operation that converge lacks', () => {
    expect(() => request([{ op: 'sing' } as unknown as Op])).toThrow('greeting:w1: unknown operation {"op":"sing"}');
  });

  it('claims its paths: no other kind has one of them', async () => {
    const other = greetingStage([file(pathOf('w1'), '')], { name: 'other', needs: [] });
    await expect(planned({ stages: [greetingStage([hello], { needs: [] }), other] })).rejects.toMatchObject({
      code: 'invalid',
      message: `file:${pathOf('w1')} on w1 is described by two stages: greeting and other`,
    });
  });

  it.each([
    ['directory', ['greeting:w1', `directory:${FOLDER}`]],
    [undefined, [`directory:${FOLDER}`, 'greeting:w1']],
  ])('with its line before that of %s leaves a host in the order of the table', async (before, order) => {
    setLines(withoutIt);
    addLine(before);
    const owned = [`directory:${FOLDER}`, 'greeting:w1'].map((ref) => ({ ref, hash: '', stage: 'greeting' }));
    const run = await planned({ stages: [greetingStage([], { needs: [] })], owned });
    const leaving = itemsOf(run, 'greeting', 'w1').filter(({ comparison }) => 'verb' in comparison);
    expect(leaving.map(({ ref }) => ref)).toEqual(order);
  });

  it('is kept in a plan that is read again, once the schema of plans has its name', async () => {
    const { plan } = await planned();
    expect((await validatorOf(KINDS_OF_PLANS))(plan)).not.toEqual([]);
    expect((await validatorOf([...KINDS_OF_PLANS, 'greeting']))(plan)).toEqual([]);
  });

  it('without its line is none: what is described of it has no name', async () => {
    setLines(withoutIt);
    await expect(planned()).rejects.toThrow(TypeError);
  });
});

it('each kind of the table is one that plans may have, and no other is', () => {
  expect(KINDS_OF_PLANS.toSorted()).toEqual(withoutIt.map(([name]) => name).toSorted());
});

/** The type checker asks for the line once the type is there. */
// @ts-expect-error a table that lacks a kind
export const incomplete: typeof KINDS = {} as Omit<typeof KINDS, 'directory'>;

/** What converge is sent for these operations. */
function request(ops: Op[]): string {
  const steps = [{ ref: 'greeting:w1', ops }];
  const nothing = { notes: [], preconditions: [], ownedBefore: '', ownedAfter: '' };
  return encodeConverge({ run: 'r', stage: 'greeting', caller: 'c', steps, ...nothing }).toString();
}
