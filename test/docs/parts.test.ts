import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages, PARTS, withParts } from '../../scripts/docs.ts';
import { withRuntimeSource } from '../../src/cluster/runtime-source.ts';
import { openArtifacts } from '../../src/artifacts/open.ts';
import { openPins } from '../../src/artifacts/pins.ts';
import { binariesOf } from '../../src/states/artifacts.ts';
import { STAGES } from '../../src/states/index.ts';
import { readText } from '../architecture/doc.ts';
import { scratch } from '../commands/support.ts';
import { FIVE, loadYaml } from '../inventory/load-text.ts';
import { blocks } from './blocks.ts';

const PAGES = await pages();

describe('what of a page is made from the sources', () => {
  it.each([...PAGES])('is in step in %s (npm run generate)', (path, text) => {
    expect(readText(path)).toBe(text);
  });

  it('stands on some page, all of it', () => {
    const text = [...PAGES.values()].join('\n');
    expect(Object.keys(PARTS).filter((name) => !text.includes(`<!-- made: ${name} -->`))).toEqual([]);
  });

  it('and what nothing makes is found', async () => {
    await expect(withParts('<!-- made: lies -->\n<!-- end -->\n')).rejects.toThrow('nothing makes "lies"');
  });
});

it('each stage says what it is about, in half a sentence', () => {
  expect(STAGES.filter(({ about = '.' }) => /[.A-Z]$/.test(about)).map(({ name }) => name)).toEqual([]);
});

describe('docs/air-gapped.md', () => {
  it('has all binaries that a run needs, where it looks for them', async () => {
    const folder = await scratch();
    const rows = [...readText('docs/air-gapped.md').matchAll(/^\| `([\w.-]+\/[\d.]+\/linux-amd64)\/` \| ([^|]+) \|/gm)];
    expect(rows.length).toBe(5);
    const sums =
      blocks('sh').find(({ doc, text }) => doc === 'docs/air-gapped.md' && text.startsWith('sha256sum'))?.text ?? '';
    for (const [, path = '', names = ''] of rows) {
      const shelf = join(folder, path);
      await mkdir(shelf, { recursive: true });
      for (const [, name = ''] of names.matchAll(/`([\w-]+)`/g)) await writeFile(join(shelf, name), name);
      expect(spawnSync('sh', ['-euc', sums], { cwd: shelf }).status).toBe(0);
    }
    for (const plugin of ['bridge', 'none', 'calico']) {
      const more = `network: { plugin: ${plugin} }\nartifacts: { directory: ${folder}, download: false }\n`;
      const cluster = withRuntimeSource(await loadYaml(FIVE + more));
      const signal = new AbortController().signal;
      const index = await openArtifacts(cluster, { arches: ['amd64'], pins: await openPins(cluster, { update: false }), signal }); // prettier-ignore
      for (const host of cluster.hosts)
        for (const name of binariesOf(cluster, host)) expect(index.get(name, 'amd64').name, plugin).toBe(name);
    }
  });
});
