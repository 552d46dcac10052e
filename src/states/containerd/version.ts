import type { Answer } from '../../cluster/gate.ts';
import { nodeHosts } from '../node-rollout.ts';
import type { Inquiry, InquiryContext, Problem } from '../stage.ts';

/** Of apt's version table: ` *** 1.6.20~ds1-1+deb12u1 500`; the sources of each version are indented further. */
const VERSION = /^(?: \*{3}| {4}) (\S+) -?\d+$/gm;

/** Whether each host's apt has the version of containerd that is wanted; nothing is asked where none is. */
export function versionInquiry({ cluster, facts }: InquiryContext): Inquiry | undefined {
  const wanted = cluster.versions.containerd;
  if (wanted === undefined) return undefined;
  const hosts = nodeHosts(cluster).filter(({ name }) => facts.hosts.has(name));
  const asks = hosts.map(({ name }) => ({ host: name, argv: ['apt-cache', 'policy', 'containerd'] }));
  return { asks, judge: (answers) => answers.flatMap((answer) => judge(answer, wanted)) };
}

/** A host whose apt knows no version at all has not read its lists yet: the install makes it do that. */
function judge({ host, stdout }: Answer, wanted: string): Problem[] {
  const known = [...stdout.matchAll(VERSION)].flatMap(([, version]) => version ?? []);
  if (known.length === 0 || known.includes(wanted)) return [];
  return [
    {
      host,
      message: `apt has no containerd ${wanted} (versions.containerd); it has ${known.join(', ')}`,
      hint: 'Name one of these, or let apt read its lists anew where it is newer than they are: mcpk exec -- apt-get update',
    },
  ];
}
