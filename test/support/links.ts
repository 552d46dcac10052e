import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  const heads = [...text.replaceAll(/^```[^]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)];
  return heads.map(([, head = '']) =>
    head
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Links of a text at `path` below `root` to files there, and to headings of them, that there are none of. */
export function brokenLinks(root: string, path: string, text = readFileSync(join(root, path), 'utf8')): string[] {
  const isBroken = (link: string): boolean => {
    const [file = '', anchor] = link.split('#');
    const target = join(root, file === '' ? path : join(dirname(path), file));
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(file === '' ? text : readFileSync(target, 'utf8')).includes(anchor);
  };
  return [...text.matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)].map(([, link = '']) => link).filter(isBroken);
}
