import { bareHost } from '../../cluster/bare-host.ts';
import type { EtcdMember, Facts, HostFacts, IpPool, NodeFacts, ServiceAddresses } from '../../cluster/facts.ts';
import { McpkError } from '../../core/errors.ts';
import { isMap } from '../../core/merge.ts';
import { readFileAtMost, UnreadableFile } from '../../core/read-file.ts';

interface FactsJson {
  hosts: Record<string, HostFacts>;
  unreachable?: string[];
  etcd: Facts['etcd'];
  nodes?: Record<string, NodeFacts>;
  ipPools?: IpPool[];
  services?: ServiceAddresses;
  members?: EtcdMember[];
}

const MOST_BYTES = 256 * 2 ** 20;
const HINT = 'mcpk facts --json > FILE writes one.';
const PHASES: readonly Facts['etcd'][] = ['none', 'forming', 'formed', 'down', 'lost'];

/** Facts as `mcpk facts --json` printed them. Throws `usage` for a file that holds none, and says what is wrong in it. */
export function readFacts(file: string): Facts {
  const json = parse(file, textOf(file));
  const wrong = wrongIn(json);
  if (wrong !== undefined)
    throw new McpkError('usage', `${file} is not what mcpk facts --json prints`, { details: [wrong], hint: HINT });
  const { hosts, unreachable = [], etcd, nodes, ipPools, services, members } = json as FactsJson;
  return {
    hosts: new Map(Object.entries(hosts)),
    unreachable,
    etcd,
    ...(nodes ? { nodes: new Map(Object.entries(nodes)) } : {}),
    ...(ipPools ? { ipPools } : {}),
    ...(services ? { services } : {}),
    ...(members ? { members } : {}),
  };
}

function textOf(file: string): string {
  try {
    return readFileAtMost(file, MOST_BYTES).toString('utf8');
  } catch (cause) {
    if (!(cause instanceof UnreadableFile)) throw cause;
    throw new McpkError('usage', `${file}: ${cause.message}`, { cause, hint: HINT });
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What it says repeats words of the file.
    throw new McpkError('usage', `${file} is not what mcpk facts --json prints`, {
      details: ['it is no JSON, or not all of it'],
      hint: HINT,
    });
  }
}

function wrongIn(json: unknown): string | undefined {
  if (!isMap(json)) return 'it is no object';
  const { hosts, unreachable = [], etcd, nodes = {}, ipPools = [], services = {}, members = [] } = json;
  if (!isMap(hosts) || Object.keys(hosts).length === 0) return 'hosts: has none';
  if (!PHASES.some((phase) => phase === etcd)) return `etcd: is none of ${PHASES.join(', ')}`;
  if (!Array.isArray(unreachable)) return 'unreachable: is no list';
  if (!isMap(nodes)) return 'nodes: is no map';
  if (!Array.isArray(ipPools)) return 'ipPools: is no list';
  if (!isMap(services)) return 'services: is no map';
  const wrong = differs(members, [{ name: '', peerUrls: [''] }], 'members');
  if (wrong !== undefined) return wrong;
  const model = bareHost('', '');
  return Object.entries(hosts)
    .flatMap(([name, host]) => differs(host, model, `hosts.${name}`) ?? [])
    .at(0);
}

/** A host that was asked has all that one has that nobody asked, of the same types. */
function differs(value: unknown, model: unknown, path: string): string | undefined {
  if (Array.isArray(model)) {
    if (!Array.isArray(value)) return `${path}: is no list`;
    const items: unknown[] = value;
    return model.length === 0 ? undefined : items.flatMap((item) => differs(item, model[0], path) ?? []).at(0);
  }
  if (!isMap(model)) return typeof value === typeof model ? undefined : `${path}: is no ${typeof model}`;
  if (!isMap(value)) return `${path}: is no map`;
  return Object.keys(model)
    .flatMap((key) => differs(value[key], model[key], `${path}.${key}`) ?? [])
    .at(0);
}
