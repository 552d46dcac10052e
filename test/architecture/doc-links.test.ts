import { globSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/process.ts';
import { brokenLinks } from '../support/links.ts';
import { ARCHITECTURE, found, readText, section } from './doc.ts';

const DOCS = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...globSync('docs/*.md', { cwd: ROOT })];

describe('each link leads to a file, and to a heading that is in it', () => {
  it.each(DOCS)('in %s', (path) => expect(brokenLinks(ROOT, path)).toEqual([]));

  it('and one that does not is found', () => {
    const text = '# A b\n[1](none.md), [2](pins.md#none), [3](#none), [4](#a-b), [5](pins.md), [6](https://x.org/y)';
    expect(brokenLinks(ROOT, 'docs/ssh.md', text)).toEqual(['none.md', 'pins.md#none', '#none']);
  });
});

describe('docs/architecture.md', () => {
  const files = globSync('{src,test,docs,schema,templates}/**/*', { cwd: ROOT });
  const ends = new Set(files.flatMap((path) => path.split('/').map((_, at, parts) => parts.slice(at).join('/'))));
  const wordsLike = (pattern: RegExp): string[] => [...new Set(found(ARCHITECTURE, pattern))];

  it('names files that are there: wire-tags.ts, runs/apply.ts', () => {
    const named = wordsLike(/(?<![\w./-])[\w/-]*[\w-]\.(?:ts|sh|pl|md)\b/g).filter((path) => !path.endsWith('NAME.ts'));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !ends.has(path))).toEqual([]);
  });

  it('names paths that are there: src/engine, test/e2e/01', () => {
    const named = wordsLike(/\b(?:src|test|schema|templates|docs)\/[\w./-]*\w/g).map((path) =>
      path.replace(/\/[A-Z].*/, ''),
    );
    const isThere = (path: string): boolean => files.some((file) => file.startsWith(path) && /^([/-]|$)/.test(file.slice(path.length))); // prettier-ignore
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => path !== 'templates' && !isThere(path))).toEqual([]);
  });

  it('names functions that are there behind the arrows', () => {
    const [line = ''] = found(ARCHITECTURE, /^The functions behind the arrows: (.*?)\. \[/gm);
    const names = found(line, /`(\w+)`/g);
    const sources = globSync('src/**/*.ts', { cwd: ROOT }).map(readText).join('\n');
    expect(names).toHaveLength(9);
    expect(names.filter((name) => !new RegExp(`^export (?:async )?function ${name}\\(`, 'm').test(sources))).toEqual(
      [],
    );
  });

  const roomsIn = (heading: string): string[] =>
    found(section(ARCHITECTURE, heading), /^\| (?!folder|room)([a-z][\w/]*) \|/gm).toSorted();
  const foldersIn = (path: string): string[] => {
    const entries = readdirSync(join(ROOT, path), { withFileTypes: true });
    return entries.flatMap((each) => (each.isDirectory() ? [each.name] : [])).toSorted();
  };

  it('has all rooms of src, and no other', () => {
    const rooms = roomsIn('## Rooms').filter((room) => room.startsWith('src/'));
    expect(rooms).toEqual(foldersIn('src').map((name) => `src/${name}`));
  });

  it('has all rooms of the engine, and no other', () => {
    expect(roomsIn("### The engine's rooms")).toEqual(foldersIn('src/engine'));
  });
});
