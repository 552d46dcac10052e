/**
 * What a file on the lab starts from, said at its head: so each runs alone and in any order. A lab that is there is
 * used where it fits; else one that was saved (`npm run lab -- saved`); else it is made, and saved for the next time.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { ensureBinaries } from '../../../lab/binaries.ts';
import { host, reset, status, up } from '../../../lab/lab.ts';
import { savedLabs } from '../../../lab/saved.ts';
import { load, save } from '../../../lab/states.ts';
import { savedOrNew, type LabState } from '../../support/saved-or-new.ts';
import { keepsLab } from '../../support/tier.ts';
import { allNodesReady, mcpk, NODES, overlay, writeKubeconfig } from './mcpk.ts';

/** The release that a cluster is upgraded from. */
export const RELEASE_BEFORE = { kubernetes: '1.36.3', etcd: '3.6.16' };

/** In the folder of this run of vitest: in which state the file before left the lab, if it ended well. */
const LEFT = join(tmpdir(), 'lab-left');

/**
 * Before the tests of a file, or of a `describe`, the lab gets into this state. `leaves`: the state in which they leave
 * it when all of them passed, and which the next file then takes as it is; none where they don't leave it so.
 */
export function startFrom(state: LabState, { leaves }: { leaves?: LabState } = {}): void {
  beforeAll(async () => {
    const left = await readFile(LEFT, 'utf8').catch(() => '');
    await rm(LEFT, { force: true });
    if (left !== state) await bringLab(state);
  });
  // vitest takes a first parameter with a name for a fixture.
  afterAll(async ({}, suite) => {
    if (leaves !== undefined && allPassed(suite)) await writeFile(LEFT, leaves);
  });
}

/** Gets the lab into this state. */
export function bringLab(state: LabState): Promise<void> {
  return GET[state]();
}

interface Task {
  result?: { state?: string };
  tasks?: readonly Task[];
}

/** Of a test that was left out nobody knows what it would have done to the lab. */
function allPassed(task: Task): boolean {
  return task.tasks === undefined ? task.result?.state === 'pass' : task.tasks.every(allPassed);
}

const GET: Record<LabState, () => Promise<void>> = {
  bare,
  async ready() {
    if ((await isOn()) && !(await isBare())) {
      const why = await applied([]);
      if (why === undefined) return;
      tell(`the lab that is there gives way to another: ${why}`);
    }
    await made('ready', 'ready', []);
  },
  async before() {
    for (const component of ['kubernetes', 'etcd'] as const) await ensureBinaries(component, RELEASE_BEFORE[component]);
    await made('before', `before-${RELEASE_BEFORE.kubernetes}`, [await releaseBefore()]);
  },
};

/** The inventory of the release before, to be merged over the lab's; with Debian's containerd, as clusters then had. */
export function releaseBefore(): Promise<string> {
  const { kubernetes, etcd } = RELEASE_BEFORE;
  return overlay(`versions: { kubernetes: ${kubernetes}, etcd: ${etcd} }\ncontainerd: { source: package }\n`);
}

async function isOn(): Promise<boolean> {
  const lab = await status();
  return lab.up && lab.registry && lab.hosts.every((each) => each.on);
}

/** Every session of mcpk makes this folder. */
async function isBare(): Promise<boolean> {
  const codes = await Promise.all(
    NODES.map((name) => host(name, ['test', '-e', '/run/mcpk', '-o', '-e', '/var/lib/mcpk'])),
  );
  return codes.every(({ code }) => code === 1);
}

async function made(state: LabState, name: string, overlays: readonly string[]): Promise<void> {
  const saved = async (): Promise<string[]> => (await savedLabs()).map((each) => each.name);
  const apply = (): Promise<string | undefined> => applied(overlays);
  await savedOrNew(name, { keeps: keepsLab(state), ways: { saved, load, save, bare, apply, tell } });
}

/** An apply mends whatever mcpk has changed since, and what a file that failed left behind; why not, where it did not. */
async function applied(overlays: readonly string[]): Promise<string | undefined> {
  const said = await mcpk(['apply', '--yes', '--no-snapshot', '--wait-lock', '30s'], overlays);
  if (said.code !== 0) return `apply ended with ${String(said.code)}\n${said.stdout}${said.stderr}`.slice(-4000);
  await usable();
  return undefined;
}

async function bare(): Promise<void> {
  if (!(await isOn())) await up();
  if (!(await isBare())) await reset();
}

async function usable(): Promise<void> {
  await writeKubeconfig();
  await allNodesReady();
}

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}
