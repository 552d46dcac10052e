import type { Answer, Ask } from '../../cluster/gate.ts';
import type { Leaver } from '../../cluster/leaving.ts';
import { PATHS } from '../../core/paths.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Inquiry, Problem } from '../stage.ts';
import { MOUNTED_BELOW } from './scripts.ts';
import { dataOf } from './wipe.ts';

/** What is mounted below these is the kubelet's and Calico's, and is unmounted before anything goes. */
const UNMOUNTED = [`${PATHS.kubeletData}/`, '/run/calico'];

/** Somebody's disk below a folder that goes would end the wipe half-way, when all else has stopped. */
export function mountInquiry(cluster: Cluster, leavers: readonly Leaver[]): Inquiry | undefined {
  const asks = leavers.flatMap((leaver): Ask[] => {
    const going = [...dataOf(cluster, leaver), ...(leaver.whole ? [PATHS.state] : [])];
    const asked = going.filter((path) => !UNMOUNTED.includes(path));
    return asked.length === 0 ? [] : [{ host: leaver.host.name, argv: ['sh', '-c', MOUNTED_BELOW, 'sh', ...asked] }];
  });
  return asks.length === 0 ? undefined : { asks, judge: (answers) => answers.flatMap(judge) };
}

function judge({ host, stdout }: Answer): Problem[] {
  const mounted = [...new Set(stdout.split('\n', MOST))].filter((path) => path.startsWith('/'));
  if (mounted.length === 0) return [];
  return [
    {
      host,
      message: `something is mounted on ${mounted.join(', ')}, in a folder that goes`,
      hint: 'Unmount it, also in /etc/fstab, then run the same command again: what is in it would go too.',
    },
  ];
}

const MOST = 20;
