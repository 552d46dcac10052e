import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { ROOT } from '../../scripts/process.ts';

/** The recipes of docs/ci.md. */
export const RECIPES = globSync('examples/ci/{github/*,gitlab-ci}.yml', { cwd: ROOT }).toSorted();

type Words = Readonly<Record<string, string>>;

/** Lines that one shell runs. */
export interface CiStep {
  name: string;
  run: string;
  /** `success`: nothing failed before; `failure`: something did; `always`: also in a job that was cancelled. */
  when: 'success' | 'failure' | 'always';
  env: Words;
}

/** A job of a recipe, or one cell of its matrix: what of it a shell runs. Values of `env` are as they are written. */
export interface CiJob {
  system: 'github' | 'gitlab';
  file: string;
  /** `apply`, `versions 1.36`. */
  name: string;
  env: Words;
  steps: CiStep[];
}

interface GithubStep {
  name?: string;
  run?: string;
  if?: string;
  env?: Words;
}

interface GithubJob {
  env?: Words;
  strategy?: { matrix: Readonly<Record<string, readonly string[]>> };
  steps: readonly GithubStep[];
}

interface GitlabJob {
  variables?: Words;
  parallel?: { matrix: readonly Readonly<Record<string, readonly string[]>>[] };
  before_script?: readonly string[];
  script?: readonly string[];
  after_script?: readonly string[];
}

/** The jobs of all recipes. */
export function ciJobs(): CiJob[] {
  return RECIPES.flatMap((file) => {
    const recipe = load(readFileSync(join(ROOT, file), 'utf8')) as Record<string, unknown>;
    return file.includes('/github/') ? githubJobs(file, recipe) : gitlabJobs(file, recipe);
  });
}

function githubJobs(file: string, recipe: Record<string, unknown>): CiJob[] {
  return Object.entries(recipe['jobs'] as Record<string, GithubJob>).flatMap(([name, { env = {}, strategy, steps }]) =>
    cellsOf(strategy?.matrix ?? {}).map((cell) => ({
      system: 'github',
      file,
      name: [name, ...Object.values(cell)].join(' '),
      env: mapped(env, (value) => value.replace(/\$\{\{ matrix\.(\w+) \}\}/g, (_, key: string) => cell[key] ?? '')),
      steps: steps.flatMap((step) => (step.run === undefined ? [] : [githubStep(step, step.run)])),
    })),
  );
}

const CONDITIONS: Readonly<Record<string, CiStep['when']>> = { 'failure()': 'failure', 'always()': 'always' };

function githubStep({ name = '', if: condition, env = {} }: GithubStep, run: string): CiStep {
  const when = condition === undefined ? 'success' : CONDITIONS[condition];
  if (when === undefined) throw new Error(`${name}: nothing here knows when ${String(condition)} is so`);
  return { name, run, when, env };
}

/** What of a file of GitLab's is no job. */
const KEYWORDS = new Set(['workflow', 'variables', 'default', 'stages', 'include']);

function gitlabJobs(file: string, recipe: Record<string, unknown>): CiJob[] {
  const shared = (recipe['default'] ?? {}) as GitlabJob;
  const variables = (recipe['variables'] ?? {}) as Words;
  const jobs = Object.entries(recipe).filter(([name]) => !KEYWORDS.has(name)) as [string, GitlabJob][];
  return jobs.flatMap(([name, job]) =>
    (job.parallel?.matrix ?? [{}]).flatMap(cellsOf).map((cell) => ({
      system: 'gitlab',
      file,
      name: [name, ...Object.values(cell)].join(' '),
      env: { ...variables, ...job.variables, ...cell },
      steps: gitlabSteps({ ...shared, ...job }),
    })),
  );
}

/** One shell has the lines before and those of the job; another one those after it. */
function gitlabSteps({ before_script: before = [], script = [], after_script: after }: GitlabJob): CiStep[] {
  const step = (name: string, when: CiStep['when'], lines: readonly string[]): CiStep => {
    return { name, run: lines.map((line) => `${line}\n`).join(''), when, env: {} };
  };
  return [
    step('script', 'success', [...before, ...script]),
    ...(after === undefined ? [] : [step('after_script', 'always', after)]),
  ];
}

/** Each way to take one value of each list. */
function cellsOf(lists: Readonly<Record<string, readonly string[]>>): Words[] {
  return Object.entries(lists).reduce<Words[]>(
    (cells, [key, values]) => cells.flatMap((cell) => values.map((value) => ({ ...cell, [key]: value }))),
    [{}],
  );
}

function mapped(words: Words, change: (value: string) => string): Words {
  return Object.fromEntries(Object.entries(words).map(([key, value]) => [key, change(value)]));
}
