/**
 * `node scripts/bootstrap.mjs scripts/listed-flags.ts`: writes down the flags that the binaries of the lab's versions
 * list with --help. By hand, when there is a new version: it needs the binaries where `mcpk apply` keeps them.
 */
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_VERSIONS } from '../lab/versions.ts';
import { defaultArtifactsFolder } from '../src/core/cache-folder.ts';
import type { Component } from '../src/core/flag-table.ts';
import { ROOT, run } from './process.ts';

const WIDTH = 116;
const RELEASES: Readonly<Record<'kubernetes' | 'etcd', readonly Component[]>> = {
  kubernetes: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'],
  etcd: ['etcd'],
};

async function helpOf(binary: string): Promise<string> {
  const { code, output } = await run([binary, '--help']);
  if (code !== 0) throw new Error(`${binary} --help: ${output.slice(-500)}`);
  return output;
}

function flagsIn(help: string): string[] {
  const names = [...help.matchAll(/^ +(?:-\w, )?--([a-z0-9-]+)/gm)].flatMap(([, name]) => name ?? []);
  return [...new Set(names)].filter((name) => name !== 'help').toSorted();
}

function pluginsIn(help: string): string[] {
  const [, names] =
    /--enable-admission-plugins .*Comma-delimited list of admission plugins: ([\w, ]+)\./.exec(help) ?? [];
  if (names === undefined) throw new Error('kube-apiserver --help lists no admission plugins');
  return names.split(', ').toSorted();
}

/** Words in lines of one width. */
function lines(words: readonly string[]): string[] {
  return words.reduce<string[]>((done, word) => {
    const last = done.at(-1);
    return last === undefined || last.length + word.length >= WIDTH
      ? [...done, word]
      : [...done.slice(0, -1), `${last} ${word}`];
  }, []);
}

const root = defaultArtifactsFolder(process.env, homedir());
const tables: string[] = [];
const table = (words: readonly string[], indent: string): string =>
  `\`\n${lines(words).map((line) => `${indent}  ${line}\n`).join('')}${indent}\``; // prettier-ignore
let plugins: string[] = [];
for (const release of ['kubernetes', 'etcd'] as const)
  for (const component of RELEASES[release]) {
    const help = await helpOf(join(root, release, DEFAULT_VERSIONS[release], 'linux-amd64', component));
    if (component === 'kube-apiserver') plugins = pluginsIn(help);
    const key = component.includes('-') ? `'${component}'` : component;
    tables.push(`  ${key}: ${table(flagsIn(help), '  ')},\n`);
  }
const text = `import type { Component } from './flag-table.ts';

/** What each component lists with --help: Kubernetes ${DEFAULT_VERSIONS.kubernetes}, etcd ${DEFAULT_VERSIONS.etcd}. Made by scripts/listed-flags.ts. */
export const LISTED_FLAGS: Readonly<Record<Component, string>> = {
${tables.join('')}};

/** And its admission plugins. */
export const LISTED_PLUGINS = ${table(plugins, '')};
`;
await writeFile(join(ROOT, 'src/core/listed-flags.ts'), text);
