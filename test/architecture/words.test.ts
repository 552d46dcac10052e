import { describe, expect, it } from 'vitest';
import { execFileSync } from 'node:child_process';
import { ROOT } from '../../scripts/process.ts';
import { ARCHITECTURE, found, readText, section } from './doc.ts';

const WORDS = found(section(ARCHITECTURE, '## Words'), /^\| ([\w -]+) \| /gm).filter((word) => word !== 'word');

/** Second words for what the table has one for. */
const OTHERS: [pattern: RegExp, word: string][] = [
  [/\bkeepers?(First)?\b/gi, 'holder'],
  [/\bin ?force\b/gi, 'generation'],
  [/\bbooks?\b/gi, 'generation'],
  [/\b(goBack|putBack|concerned)\b/g, 'roll back'],
];

const files = execFileSync('git', ['ls-files', 'src', 'docs'], { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter((path) => /\.(ts|sh|md)$/.test(path));

describe('the table of words', () => {
  it('has each word once', () => {
    expect(WORDS.length).toBeGreaterThan(25);
    expect(WORDS.filter((word, index) => WORDS.indexOf(word) !== index)).toEqual([]);
  });

  it.each(OTHERS)('is kept to: no %s, where it has "%s"', (pattern, word) => {
    expect(WORDS).toContain(word);
    expect(files.flatMap((path) => found(readText(path), pattern).map((seen) => `${path}: ${seen}`))).toEqual([]);
  });
});
