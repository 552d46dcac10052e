import { isBrokenAddress } from '../core/address.ts';
import { IPV4_ONLY, isIpv4, namesIpv6 } from '../core/ipv4.ts';
import { McpkError } from '../core/errors.ts';
import { InventoryError, printable } from './mistake.ts';
import { loadTexts } from './load.ts';
import { readSchema, SCHEMA_NAME, schemaAt } from './schema.ts';

export interface InitOptions {
  /** DNS label. */
  name: string;
  /** `ADDRESS` (IPv4) or `NAME=ADDRESS`; names are m1, m2 … where none is given. */
  masters: readonly string[];
  /** As `masters`; w1, w2 … */
  workers: readonly string[];
  /** The VIP; needed with several masters. */
  endpoint?: string;
  /** Login name; root unless given. */
  user?: string;
}

/** A commented inventory that loads. Throws `usage` for what could not become one. */
export function initInventory(options: InitOptions): string {
  const { name, masters, workers, endpoint, user = 'root' } = options;
  requireForm(
    name,
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'the name of the cluster',
    'lower-case letters, digits and dashes',
  );
  requireForm(user, /^[A-Za-z0-9_][A-Za-z0-9_.+$\\-]{0,63}$/, 'the login name', 'one word of letters and digits');
  if (masters.length === 0)
    throw new McpkError('usage', 'an inventory needs at least one master', { hint: 'Such as: --master 10.0.0.11' });
  if (masters.length > 1 && endpoint === undefined)
    throw new McpkError('usage', 'several masters need an endpoint: an unused address in their subnet', {
      hint: 'Such as: --endpoint 10.0.0.100',
    });
  if (endpoint !== undefined && !isIpv4(endpoint))
    throw new McpkError('usage', `the endpoint "${printable(endpoint)}" is not an IPv4 address`, {
      hint: 'A virtual IP is an unused address in the subnet of the masters, such as --endpoint 10.0.0.100. A load balancer of your own may have a name: write endpoint: { address: NAME, external: true } in the place of that address into the file.',
    });
  const roles = workers.length === 0 ? '[master, worker]' : '[master]';
  const hosts = [
    ...masters.map((host, index) => toHost(host, `m${String(index + 1)}`, roles)),
    ...workers.map((host, index) => toHost(host, `w${String(index + 1)}`, '[worker]')),
  ];
  return [
    `# yaml-language-server: $schema=${SCHEMA_NAME}`,
    '# What is not said here has a default. What there is to set: mcpk explain, mcpk explain network, mcpk explain podCidr',
    '# Next: mcpk validate, mcpk host-key pin, mcpk plan, mcpk apply, mcpk verify, mcpk kubeconfig --merge',
    'apiVersion: mcpk/v1',
    'kind: Cluster',
    `name: ${scalar(name)}`,
    '',
    ...endpointLines(endpoint, hosts),
    '# How the hosts are reached. Settable for a group (groups.worker.ssh) or a host too; the nearer one wins.',
    'ssh:',
    `  user: ${scalar(user)} # another one works by sudo, and -K asks for its password`,
    '  # identityFiles: [~/.ssh/id_ed25519]',
    '  # jump: [admin@gate.example.org:22]',
    '',
    '# Masters carry etcd too. Use `internalAddress` where the hosts know each other by other addresses.',
    'hosts:',
    ...hosts.map((host) => `  - { name: ${scalar(host.name)}, address: ${host.address}, roles: ${host.roles} }`),
    '',
    '# network:',
    '#   plugin: calico # calico, bridge or none',
    '# versions:',
    `#   kubernetes: ${String(schemaAt(readSchema(), ['versions', 'kubernetes'])?.default)}`,
    '',
  ].join('\n');
}

const ONCE_EACH = 'Give the option once for each host: --master 10.0.0.11 --master 10.0.0.12';

/** Of the words that are no flags one is the file to write. Throws `usage` for more, and for a host. */
export function checkWords(words: readonly string[]): void {
  const host = words.find((word) => isIpv4(word.slice(word.indexOf('=') + 1)));
  if (host !== undefined)
    throw new McpkError('usage', `"${printable(host)}" stands where the file to write is named, and is a host`, {
      hint: ONCE_EACH,
    });
  if (words.length > 1)
    throw new McpkError(
      'usage',
      `words too many: ${words
        .slice(1)
        .map((word) => printable(word))
        .join(', ')}`,
      {
        hint: 'mcpk init --help shows what it takes.',
      },
    );
}

/** Throws `usage` for what `mcpk validate` would refuse: one address twice, a VIP that is a host's. */
export async function checkInit(text: string): Promise<void> {
  try {
    await loadTexts([{ file: '', text }], { env: {} });
  } catch (error) {
    if (!(error instanceof InventoryError)) throw error;
    throw new McpkError('usage', 'these hosts make no cluster; nothing was written', {
      // The lines are of a file that nobody has seen.
      details: error.mistakes.map(({ path, message }) => `${path}: ${message.replace(/ \(:\d+\)$/, '')}`),
      hint: error.mistakes.every(({ path }) => path.startsWith('endpoint.'))
        ? 'Give an unused address in the subnet of the masters: --endpoint ADDRESS'
        : 'Give each host a name and an address of its own; --help shows some.',
      cause: error,
    });
  }
}

function endpointLines(endpoint: string | undefined, hosts: readonly { address: string }[]): string[] {
  if (endpoint === undefined)
    return [
      '# One master: clients go straight to its API server. For several, add endpoint.address, an unused address.',
      '',
    ];
  const isVip = hosts.every(({ address }) => address !== endpoint);
  return [
    isVip
      ? '# Virtual IP of the API: an unused address in the subnet of the masters. Keepalived keeps it on one live HAProxy.'
      : '# Clients go straight to the API server of the one master.',
    'endpoint:',
    `  address: ${endpoint}`,
    '',
  ];
}

function toHost(text: string, numbered: string, roles: string): { name: string; address: string; roles: string } {
  const at = text.indexOf('=');
  const name = at === -1 ? numbered : text.slice(0, at);
  const address = text.slice(at + 1);
  if (name === 'api')
    throw new McpkError('usage', 'no host can be called "api": the API itself goes by that name', {
      hint: `Such as: --master m1=${isIpv4(address) ? address : '10.0.0.11'}`,
    });
  requireForm(
    name,
    /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'the name of a host',
    'a DNS name in lower case',
  );
  if (!isIpv4(address))
    throw new McpkError(
      'usage',
      `"${printable(text)}" is neither ADDRESS nor NAME=ADDRESS with an IPv4 address${namesIpv6(address) ? `; ${IPV4_ONLY}` : ''}`,
      {
        hint: hintFor(text, address),
      },
    );
  return { name, address, roles };
}

function hintFor(text: string, address: string): string {
  if (text.includes(',')) return ONCE_EACH;
  if (address.includes('=') || isBrokenAddress(address)) return 'Such as: --master 10.0.0.11, or --master m1=10.0.0.11';
  return 'Such as: --master m1=10.0.0.11. To reach it by a name, write that as its address into the file, and the IPv4 address as its internalAddress.';
}

/** YAML would read some names as numbers or booleans: those are quoted. */
function scalar(text: string): string {
  return /^[a-z][a-z0-9-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/.test(text)
    ? text
    : `'${text.replaceAll("'", "''")}'`;
}

function requireForm(text: string, form: RegExp, what: string, expected: string): void {
  if (form.test(text)) return;
  throw new McpkError('usage', `${what} "${printable(text)}" is not ${expected}`, {
    hint: 'mcpk init --help shows some.',
  });
}
