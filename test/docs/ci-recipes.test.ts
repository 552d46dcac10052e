import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/process.ts';
import { loadTexts } from '../../src/inventory/load.ts';
import { readText } from '../architecture/doc.ts';
import { scratch } from '../commands/support.ts';
import { FIVE } from '../inventory/load-text.ts';
import { ciJobs, RECIPES, type CiJob } from '../support/ci-jobs.ts';
import { carryOut, type Amid, type CiSaid } from '../support/ci-run.ts';
import { commandsOf } from './blocks.ts';
import { parse } from './parse.ts';

const JOBS = ciJobs();
const named = JOBS.map((job): [string, CiJob] => [`${job.system} ${job.name}`, job]);
const steps = JOBS.flatMap((job) => job.steps.map((step): [string, string] => [`${job.file} ${step.name}`, step.run]));

function jobOf(name: string): CiJob {
  const [, job] = named.find(([each]) => each === name) ?? [];
  if (job === undefined) throw new Error(`there is no job ${name}`);
  return job;
}

/** What GitHub's own parser says of a workflow: its schema, its expressions, its schedules. */
async function githubMistakes(content: string): Promise<string[]> {
  // The package imports its schema as bundlers want it; Node wants to be told what it is.
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context);
      return specifier.endsWith('.json') ? { ...found, importAttributes: { type: 'json' } } : found;
    },
  });
  const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await import('@actions/workflow-parser');
  hooks.deregister();
  const { context, value } = parseWorkflow({ name: 'workflow.yml', content }, new NoOperationTraceWriter());
  if (value !== undefined) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map(String);
}

/** What GitLab's schema, which gitlab-ci-local has, says of a pipeline. */
async function gitlabMistakes(content: string): Promise<string> {
  const folder = await scratch();
  execFileSync('git', ['init', '-q', folder]);
  await writeFile(join(folder, '.gitlab-ci.yml'), content);
  const words = [fileURLToPath(import.meta.resolve('gitlab-ci-local')), '--preview'];
  const env = { ...process.env, HOME: folder };
  return promisify(execFile)(process.execPath, words, { cwd: folder, env }).then(
    () => '',
    (error: { stderr: string }) => error.stderr,
  );
}

describe('each recipe is what its system takes', () => {
  it('there are five', () => expect(RECIPES).toHaveLength(5));

  it.each(RECIPES.filter((file) => file.includes('/github/')))('%s', async (file) => {
    expect(await githubMistakes(readText(file))).toEqual([]);
  });

  it.each(RECIPES.filter((file) => !file.includes('/github/')))('%s', async (file) => {
    expect(await gitlabMistakes(readText(file))).toBe('');
  });

  it('keeps a cache for each version of a matrix, as GitHub writes one of a name once', () => {
    const texts = RECIPES.filter((file) => file.includes('/github/')).map(readText);
    const caches = texts
      .filter((text) => text.includes('matrix:'))
      .map((text) => /^ +key: mcpk-(.*)$/m.exec(text)?.[1]);
    expect(caches).toEqual([expect.stringContaining('matrix.kubernetes')]);
  });

  it.each([
    ['a word that is none', 'fail-fast:', 'fail-fats:', 'fail-fats'],
    ['an expression that is none', '${{ github.workspace }}', '${{ githb.workspace }}', 'githb'],
    ['a context that is not there', '${{ github.workspace }}', '${{ runner.temp }}', 'runner'],
  ])('and %s is found, of GitHub', async (_what, right, wrong, said) => {
    const text = readText('examples/ci/github/versions.yml').replace(right, wrong);
    expect((await githubMistakes(text)).join('\n')).toContain(said);
  });

  it('and words that are none are found, of GitLab', async () => {
    const text = readText('examples/ci/gitlab-ci.yml').replace('resource_group:', 'resorce_group:');
    const mistakes = await gitlabMistakes(text.replace('when: always', 'when: ever'));
    expect(mistakes).toMatch(/resorce_group/);
    expect(mistakes).toMatch(/found ever/);
  });
});

describe('each step', () => {
  it.each(steps)('%s is shell, into which nobody else writes', (_name, run) => {
    expect(spawnSync('sh', ['-n'], { input: run, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    expect(run).not.toContain('${{');
  });

  it.each(steps)('%s gives mcpk what it takes', async (_name, run) => {
    for (const words of commandsOf(run)) {
      const [program, ...rest] = words[0] === 'exec' ? words.slice(1) : words;
      if (program === 'mcpk') await parse(rest);
    }
  });
});

describe('each job', () => {
  it.each(named)('%s is run by test/e2e/29-ci.test.ts', (name) => {
    expect(readText('test/e2e/29-ci.test.ts').includes(`'${name}'`)).toBe(true);
  });

  it.each(RECIPES)('%s is told of in docs/ci.md', (file) => {
    expect(readText('docs/ci.md').includes(`](../${file})`)).toBe(true);
  });
});

it.each(globSync('examples/ci/versions/*.yaml', { cwd: ROOT }))('%s is a part of an inventory', async (file) => {
  const files = [{ file: 'small.yaml', text: FIVE }, { file, text: readText(file) }]; // prettier-ignore
  const { versions } = await loadTexts(files, { env: { HOME: '/home/ada' } });
  expect(versions.kubernetes).toMatch(new RegExp(`^${basename(file, '.yaml')}\\.`));
});

/** Stands for mcpk and for gh: notes its words, and what it finds in its environment and in the file of the key. */
const STUB = `#!/bin/sh
echo "$(basename "$0") $*" >>words
[ "$1" != plan ] || echo "the plan" >plan.md
echo "$XDG_CACHE_HOME $MCPK_SUDO $(stat -c %a "$MCPK_SSH_KEY") $(cat "$MCPK_SSH_KEY")" >found
if [ "$1" = "$WAITS" ]; then
  trap 'echo told >>words; exit 130' INT TERM
  echo waits >&2
  while :; do sleep 0.05; done
fi
[ "$1" != "$FAILS" ] || exit "$CODE"
`;

const SECRETS = { SSH_KEY: 'the-private\nkey\n', MCPK_SUDO: 'its-password' };

interface Tried extends CiSaid {
  /** Commands, as far as their second word. */
  ran: string[];
  words: string;
  found: string;
  folder: string;
}

/** A job with a stub in the place of mcpk. */
async function tried(name: string, env: Record<string, string> = {}, amid?: Amid): Promise<Tried> {
  const folder = await scratch();
  const bin = join(await scratch(), 'bin');
  await mkdir(bin);
  for (const program of ['mcpk', 'gh']) await writeFile(join(bin, program), STUB, { mode: 0o755 });
  const PATH = [bin, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  const place = { folder, secrets: SECRETS, env: { PATH, WAITS: '', FAILS: '', ...env } };
  const said = await carryOut(jobOf(name), place, amid);
  const [words = '', found = ''] = await Promise.all(
    ['words', 'found'].map((file) => readFile(join(folder, file), 'utf8').catch(() => '')),
  );
  const ran = words.split('\n').filter(Boolean).map((line) => line.split(' ').slice(0, 2).join(' ')); // prettier-ignore
  return { ...said, ran, words, found, folder };
}

describe('a job, with a stub in the place of mcpk,', () => {
  const PLAN = ['mcpk plan'];
  const UP = ['mcpk artifacts', 'mcpk apply', 'mcpk verify'];

  it.each([
    ['github plan', [...PLAN, 'gh pr']],
    ['gitlab plan', PLAN],
    ['github apply', UP],
    ['gitlab apply', UP],
    ['github drift', PLAN],
    ['gitlab drift', PLAN],
    ['github versions 1.36', [...UP, 'mcpk reset']],
    ['gitlab versions 1.37', [...UP, 'mcpk reset']],
  ])('%s runs these, and has the secrets in no word and no line', async (name, ran) => {
    const job = await tried(name);
    expect(job).toMatchObject({ code: 0, ran });
    expect(job.found).toBe(`${job.folder}/.cache its-password 600 the-private\nkey\n`);
    expect(job.words + job.log + job.summary).not.toMatch(/the-private|its-password/);
    const version = /[\d.]+$/.exec(name)?.[0];
    if (version !== undefined) expect(job.words.match(/versions\/[\d.]+\.yaml/g)).toEqual(Array(3).fill(`versions/${version}.yaml`)); // prettier-ignore
  });

  it.each([
    ['github plan', 'plan', 2, 0, [...PLAN, 'gh pr']],
    ['gitlab plan', 'plan', 2, 0, PLAN],
    ['github plan', 'plan', 10, 1, PLAN],
    ['github drift', 'plan', 2, 2, PLAN],
    ['gitlab drift', 'plan', 2, 2, PLAN],
    ['github apply', 'apply', 15, 15, UP.slice(0, 2)],
    ['gitlab apply', 'apply', 15, 15, UP.slice(0, 2)],
    ['github versions 1.37', 'apply', 15, 15, [...UP.slice(0, 2), 'mcpk reset']],
    ['gitlab versions 1.36', 'verify', 16, 16, [...UP, 'mcpk reset']],
  ])('%s whose %s ends with %i ends with %i', async (name, command, code, ends, ran) => {
    expect(await tried(name, { FAILS: command, CODE: String(code) })).toMatchObject({ code: ends, ran });
  });

  it('shows the plan of a pull request, and drift', async () => {
    expect((await tried('github plan')).summary).toBe('the plan\n');
    expect((await tried('github drift', { FAILS: 'plan', CODE: '2' })).summary).toBe('the plan\n');
  });

  it.each([
    ['github apply', ['told']],
    ['gitlab apply', ['told']],
    ['github versions 1.36', ['told', 'mcpk reset']],
    ['gitlab versions 1.36', ['told', 'mcpk reset']],
  ])('%s that is cancelled tells mcpk', async (name, after) => {
    const amid: Amid = async (running) => (await running.said(/^waits$/)) !== undefined;
    const job = await tried(name, { WAITS: 'apply' }, amid);
    expect(job.code).not.toBe(0);
    expect(job.ran).toEqual(['mcpk artifacts', 'mcpk apply', ...after]);
  });
});
