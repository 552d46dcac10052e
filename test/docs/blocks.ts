import { globSync } from 'node:fs';
import { readText } from '../architecture/doc.ts';
import { ROOT } from '../../scripts/process.ts';

/** What a reader copies from; the changelog tells of what was. */
export const DOCS = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/*.md', { cwd: ROOT })];

export interface Block {
  doc: string;
  /** `sh`, `yaml`, `json`; empty where none is named. */
  language: string;
  text: string;
}

/** All blocks between ``` of all pages. */
export function blocks(language?: string): Block[] {
  const all = DOCS.flatMap((doc) =>
    [...readText(doc).matchAll(/^ *```(\w*)\n([^]*?)^ *```$/gm)].map(([, named = '', text = '']) => ({
      doc,
      language: named,
      text,
    })),
  );
  return language === undefined ? all : all.filter((block) => block.language === language);
}

/** What stands between single backticks outside of blocks. */
export function spans(doc: string): string[] {
  const prose = readText(doc).replaceAll(/^ *```[^]*?^ *```$/gm, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
}

/** The simple commands of a shell text, each as its words; what a command is fed or fed to is another one. */
export function commandsOf(text: string): string[][] {
  const commands: string[][] = [[]];
  const TOKENS =
    /\\\n|(\s#[^\n]*|^#[^\n]*)|(\n|&&|\|\||[;|])|(?:\d?[<>]+\s*\S+)|((?:'[^']*'|"(?:\\.|[^"])*"|\\.|[^\s'"\\;|&<>])+)/gm;
  for (const [, , end, word] of text.matchAll(TOKENS)) {
    if (end !== undefined) commands.push([]);
    if (word !== undefined) commands.at(-1)?.push(unquoted(word));
  }
  return commands.filter((words) => words.length > 0);
}

function unquoted(word: string): string {
  return word.replaceAll(
    /'([^']*)'|"((?:\\.|[^"])*)"|\\(.)/g,
    (_, plain?: string, quoted?: string, one?: string) =>
      plain ?? quoted?.replaceAll(/\\(["\\$`])/g, '$1') ?? one ?? '',
  );
}
