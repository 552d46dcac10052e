import { PATHS } from '../../core/paths.ts';
import { SERVICES, versionSaid, type Running } from '../../core/services.ts';
import { answersOf, type Reader } from '../hosts/reader.ts';
import type { Generation } from './generations.ts';

/** What services run once these generations are back, by the links that they keep: of no other service is it known. */
export async function keptVersions(
  reader: Pick<Reader, 'ask'>,
  generations: readonly Generation[],
  signal: AbortSignal,
): Promise<Running> {
  const kept = generations.flatMap(({ host, run, stage, lines }) =>
    SERVICES.filter((service) => lines.includes(`kept .${PATHS.bin}/${service}`)).map((service) => {
      const link = `${PATHS.generations}/${run}/${stage}${PATHS.bin}/${service}`;
      return { service, ask: { host, argv: [link, '--version'] } };
    }),
  );
  const answers = await answersOf(
    reader,
    kept.map(({ ask }) => ask),
    signal,
  );
  const known = kept.flatMap(({ service }, index) => {
    const { host = '', stdout = '' } = answers[index] ?? {};
    const version = versionSaid(stdout);
    return version === undefined ? [] : [{ host, own: [service, version] as const }];
  });
  const hosts = Map.groupBy(known, ({ host }) => host);
  return new Map([...hosts].map(([host, all]) => [host, Object.fromEntries(all.map(({ own }) => own))]));
}
