import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { expect } from 'vitest';
import { ensureBinaries } from '../../../lab/binaries.ts';
import { KNOWN_HOSTS, OPERATOR_KEY } from '../../../lab/keys.ts';
import { exec } from '../../../lab/lab.ts';
import { ARTIFACTS, CLONE } from '../../../lab/paths.ts';
import { blocks } from '../../docs/blocks.ts';
import { INVENTORY } from './mcpk.ts';

/** Of examples/ci/versions. */
export const VERSIONS = ['1.36', '1.37'];

const textIn = (path: string): Promise<string> => readFile(join(CLONE, path), 'utf8');

/**
 * A repository as docs/ci.md has it, with the hosts of the lab and its `ssh`, for the user who has to give sudo a
 * password; and what a cache keeps of it.
 */
export async function makeRepository(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-ci-'));
  const told = blocks('yaml').find(({ doc, text }) => doc === 'docs/ci.md' && text.startsWith('ssh:'));
  const { ssh } = load(told?.text ?? '') as { ssh: object };
  const lab = load(await textIn(INVENTORY)) as object;
  await writeFile(join(folder, 'lab.yaml'), dump({ ...lab, ssh: { ...ssh, user: 'pw' } }));
  await cp(KNOWN_HOSTS, join(folder, 'known_hosts'));
  await cp(join(CLONE, 'examples/ci/versions'), join(folder, 'versions'), { recursive: true });
  for (const version of VERSIONS) {
    const { versions } = load(await textIn(`examples/ci/versions/${version}.yaml`)) as {
      versions: Record<'kubernetes' | 'etcd', string>;
    };
    for (const component of ['kubernetes', 'etcd'] as const) await ensureBinaries(component, versions[component]);
  }
  await mkdir(join(folder, '.cache/mcpk'), { recursive: true });
  await cp(ARTIFACTS, join(folder, '.cache/mcpk/artifacts'), { recursive: true });
  for (const version of VERSIONS) await lock(folder, `versions/${version}.yaml`);
  return folder;
}

/** What a person does once, and commits. */
async function lock(folder: string, overlay: string): Promise<void> {
  const env = { XDG_CACHE_HOME: join(folder, '.cache'), MCPK_SSH_KEY: OPERATOR_KEY, MCPK_SUDO: 'not asked for' };
  const command = ['mcpk', 'artifacts', 'fetch', '-i', 'lab.yaml', '-i', overlay, '--update-lock'];
  const said = await exec(command, { cwd: folder, env });
  expect(said.code, said.stderr).toBe(0);
}

/** A clean folder with what was committed, and with the cache. */
export async function checkout(repository: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-ci-job-'));
  // Binaries are put into their places by rename, so that names of one file can be shared.
  const said = await exec(['cp', '-al', `${repository}/.`, folder]);
  expect(said.code, said.stderr).toBe(0);
  return folder;
}
