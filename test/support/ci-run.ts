import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CiJob, CiStep } from './ci-jobs.ts';
import { RunningCommand } from './running-command.ts';

type Words = Readonly<Record<string, string>>;

export interface CiPlace {
  /** The checkout. */
  folder: string;
  /** As the recipes take them: SSH_KEY is the text of a private key. */
  secrets: Readonly<Record<'SSH_KEY' | 'MCPK_SUDO', string>>;
  env?: Words;
  /** The words that run a command where it is to run. */
  wrap?: (argv: readonly string[]) => string[];
}

export interface CiSaid {
  /** Of the first step that failed, else 0. */
  code: number;
  /** What the steps printed. */
  log: string;
  /** What GitHub shows above the log. */
  summary: string;
}

/**
 * Told of each step that has begun. When it resolves with true, the job is cancelled: as who presses the button does
 * it, and as its system passes it on.
 */
export type Amid = (running: RunningCommand, step: CiStep) => Promise<boolean>;

/** Carries out a job as its system does, one step after the other. */
export async function carryOut(job: CiJob, place: CiPlace, amid: Amid = async () => false): Promise<CiSaid> {
  const { folder, wrap = (argv) => [...argv] } = place;
  const temporary = await mkdtemp(join(tmpdir(), 'ci-job-'));
  const files = { env: join(temporary, 'env'), summary: join(temporary, 'summary') };
  for (const file of Object.values(files)) await writeFile(file, '');
  const given = { CI: 'true', ...place.env, ...(await GIVEN[job.system](place, temporary)) };
  const said: CiSaid = { code: 0, log: '', summary: '' };
  let cancelled = false;
  for (const step of job.steps) {
    if (!isDue(step, said.code, cancelled)) continue;
    const script = join(temporary, 'step.sh');
    await writeFile(script, step.run);
    const kept = { ...given, ...(await wordsOf(files.env)) };
    const written = { ...job.env, ...step.env };
    const values = Object.entries(written).map(([name, value]) => [name, valueOf(value, place, kept)]);
    const env = { ...kept, ...(Object.fromEntries(values) as Words) };
    const running = new RunningCommand(wrap([...SHELLS[job.system], script]), { cwd: folder, env, group: true });
    if (await amid(running, step)) {
      cancelled = true;
      await cancel(job.system, running);
    }
    const { code, stdout, stderr } = await running.end();
    said.code ||= code;
    said.log += `${stdout}${stderr}\n`;
  }
  return { ...said, summary: await readFile(files.summary, 'utf8') };
}

function isDue({ when }: CiStep, code: number, cancelled: boolean): boolean {
  return when === 'always' || (!cancelled && (when === 'failure') === (code !== 0));
}

/** How each system runs the lines of a step: a file of them behind these words. */
const SHELLS = { github: ['bash', '-e'], gitlab: ['bash', '-eo', 'pipefail'] };

/** What each system lays into the environment of a job. */
const GIVEN: Readonly<Record<CiJob['system'], (place: CiPlace, temporary: string) => Promise<Words>>> = {
  github: async ({ folder }, temporary) => ({
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: folder,
    RUNNER_TEMP: temporary,
    GITHUB_ENV: join(temporary, 'env'),
    GITHUB_STEP_SUMMARY: join(temporary, 'summary'),
  }),
  gitlab: async ({ folder, secrets }, temporary) => {
    const key = join(temporary, 'MCPK_SSH_KEY');
    // Others may read what a variable of the type "file" becomes.
    await writeFile(key, `${secrets.SSH_KEY.trimEnd()}\n`, { mode: 0o644 });
    return { GITLAB_CI: 'true', CI_PROJECT_DIR: folder, MCPK_SSH_KEY: key, MCPK_SUDO: secrets.MCPK_SUDO };
  },
};

/** What steps before handed on by GITHUB_ENV. */
async function wordsOf(file: string): Promise<Words> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean);
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
}

/** A value as the job gets it: GitHub's expressions, GitLab's variables. */
function valueOf(written: string, { folder, secrets }: CiPlace, env: Words): string {
  const known: Words = {
    'github.workspace': folder,
    'github.token': 'the-token',
    'github.event.pull_request.number': '7',
    // A secret goes into one as it lies there, without the line's end.
    'secrets.SSH_KEY': secrets.SSH_KEY.trimEnd(),
    'secrets.MCPK_SUDO': secrets.MCPK_SUDO,
  };
  return written.replace(/\$\{\{ (.+?) \}\}|\$(\w+)/g, (whole, expression?: string, name?: string) => {
    const value = expression === undefined ? env[name ?? ''] : known[expression];
    if (value === undefined) throw new Error(`nothing here knows what ${whole} is`);
    return value;
  });
}

interface Knock {
  signal: NodeJS.Signals;
  /** GitHub's runner signals the shell of the step alone, GitLab's all that it began. */
  all: boolean;
  /** How long the end is waited for. */
  ms: number;
}

const KNOCKS: Readonly<Record<CiJob['system'], readonly Knock[]>> = {
  github: [
    { signal: 'SIGINT', all: false, ms: 7500 },
    { signal: 'SIGTERM', all: false, ms: 2500 },
  ],
  gitlab: [{ signal: 'SIGTERM', all: true, ms: 10_000 }],
};

async function cancel(system: CiJob['system'], step: RunningCommand): Promise<void> {
  for (const { signal, all, ms } of KNOCKS[system]) {
    if (all) step.killGroup(signal);
    else step.kill(signal);
    if (await step.endsWithin(ms)) return;
  }
  step.killGroup('SIGKILL');
}
