import { quote } from '../../src/core/quote.ts';
import type { Work } from '../peers/comparable.ts';

/** A plain shell script that reads what mcpk reads for this work, and prints it. Pure. */
export function probeScript({ files, directories, links, blocks, sysctls, users }: Work): string {
  const paths = [...files, ...directories, ...links, ...blocks].map(({ path }) => path);
  const whole = files.map(({ path }) => path);
  const shared = blocks.map(({ path }) => path);
  return [
    list('find', paths, `-maxdepth 0 -printf '%p %y %m %u %g %l\\n'`),
    list('sha256sum --', whole),
    list('cat --', shared),
    list(
      'grep -H "" --',
      sysctls.map(({ key }) => `/proc/sys/${key.replaceAll('.', '/')}`),
    ),
    list(
      'getent passwd --',
      users.map(({ name }) => name),
    ),
    'true\n',
  ].join('');
}

function list(command: string, words: readonly string[], rest = ''): string {
  return words.length === 0 ? '' : `${command} ${quote(words)} ${rest}\n`;
}
