import { gzipSync } from 'node:zlib';

export interface TarEntry {
  name: string;
  body?: string | Buffer;
  /** '0' file, '1' hard link, '2' symbolic link, '3' character device, '5' folder, '6' pipe. */
  type?: string;
  link?: string;
  /** What the header says instead of the truth. */
  size?: number;
}

/** A tar.gz of exactly these entries, which no tar program would write. */
export function tarball(entries: readonly TarEntry[], end = Buffer.alloc(1024)): Buffer {
  return gzipSync(Buffer.concat([...entries.map(blocksOf), end]));
}

function blocksOf({ name, body = '', type = '0', link = '', size }: TarEntry): Buffer {
  const bytes = Buffer.from(body);
  const header = Buffer.alloc(512);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
  const put = (text: string, at: number): number => header.write(text, at, 'latin1');
  put(name.slice(0, 100), 0);
  put(octal(0o755, 8) + octal(0, 8) + octal(0, 8) + octal(size ?? bytes.length, 12) + octal(1_700_000_000, 12), 100);
  put(' '.repeat(8) + type + link, 148);
  put('ustar\x0000', 257);
  if (type === '3') put(octal(1, 8) + octal(3, 8), 329);
  put(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
  );
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}
