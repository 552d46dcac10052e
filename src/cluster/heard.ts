import { PATHS } from '../core/paths.ts';
import { keepalivedHosts } from './endpoint.ts';
import type { GuardContext } from '../states/stage.ts';
import type { Guard } from './gate.ts';
import { owns } from './laid.ts';

/** $1 = the configuration, the rest = addresses of peers that it must name, each in a line of its own. */
const NAMES = `config=$1
shift
for address; do grep -qxE "[[:space:]]*$address" "$config" || { echo "$address"; exit 1; }; done`;

/**
 * Every Keepalived that runs sends these hosts adverts before theirs starts: a master that hears none takes the VIP, and
 * two would hold it.
 */
export function heardGuard({ cluster, facts, ahead, earlier }: GuardContext, starting: readonly string[]): Guard[] {
  const hosts = keepalivedHosts(cluster);
  const addresses = hosts.flatMap(({ name, internalAddress }) => (starting.includes(name) ? [internalAddress] : []));
  const peers = hosts.flatMap(({ name }) =>
    !starting.includes(name) && owns(facts.hosts.get(name), 'unit:keepalived.service') ? [name] : [],
  );
  if (addresses.length === 0 || peers.length === 0) return [];
  return [
    {
      title: `${peers.join(', ')} send adverts to ${starting.join(', ')}`,
      asks: peers.map((host) => ({ host, argv: ['sh', '-c', NAMES, 'sh', PATHS.keepalivedConfig, ...addresses] })),
      check: (answers) => {
        // At plan time: those that change before are told of them by then.
        const deaf = answers.filter(({ host, exitCode }) => exitCode !== 0 && !(ahead && earlier.includes(host)));
        return deaf.length === 0 ? undefined : `${deaf.map(({ host }) => host).join(', ')} do not know them`;
      },
      deadline: 5,
      consequence: `two masters hold the VIP at once. Without --limit the others are told first.`,
    },
  ];
}
