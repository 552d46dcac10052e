import type { Hook, Interfaces } from '@oclif/core';
import { McpkError } from '../../core/errors.ts';
import { quote } from '../../core/quote.ts';
import { nearest } from '../../inventory/nearest.ts';
import { renderError } from '../../report/error-text.ts';
import { themeFor } from '../../report/theme.ts';

/** Ends as every wrong usage does. */
export const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const error = wordTooMany(id, config) ?? noCommand(id, config.commandIDs);
  process.stderr.write(renderError(error, themeFor(process.stderr, process.env)));
  throw Object.assign(error, { oclif: { exit: error.exitCode }, skipOclifErrorHandling: true });
};

/** Of `plan lab.yaml` oclif says `plan:lab.yaml`, as plan takes no words. */
function wordTooMany(id: string, config: Pick<Interfaces.Config, 'commandIDs' | 'findCommand'>): McpkError | undefined {
  const command = config.commandIDs.find((each) => id.startsWith(`${each}:`));
  if (command === undefined) return undefined;
  const [name, word] = [words(command), id.slice(command.length + 1)];
  const called = ['mcpk', ...name.split(' ')];
  const help = `mcpk ${name} --help shows what it takes.`;
  const byLimit = 'limit' in (config.findCommand(command)?.flags ?? {});
  const hosts = byLimit ? `Hosts are named with --limit: ${quote([...called, '--limit', word])}` : help;
  const isInventory = /\.(ya?ml|json)$/i.test(word);
  return new McpkError('usage', `mcpk ${name} takes no word ${JSON.stringify(word)}`, {
    hint: isInventory ? `An inventory is named with -i: ${quote([...called, '-i', word])}` : hosts,
  });
}

const JOIN = 'write the host into the inventory, then mcpk apply';
const LOGS = 'mcpk exec --limit HOST -- journalctl -u UNIT prints them';
const NODES = 'mcpk verify tells how they are; mcpk kubeconfig --merge, then kubectl get nodes';

/** Words of other tools, and what is ours. */
const OTHERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    check: 'mcpk validate checks an inventory, mcpk verify a cluster',
    create: 'mcpk apply makes a cluster',
    delete: 'mcpk reset takes the cluster off its hosts',
    deploy: 'mcpk apply makes a cluster',
    diff: 'mcpk plan shows what would change',
    get: 'mcpk kubeconfig --merge, then kubectl get',
    install: 'mcpk apply makes a cluster',
    kubectl: 'mcpk kubeconfig --merge, then kubectl itself',
    lint: 'mcpk validate checks an inventory',
    ping: 'mcpk facts asks all hosts',
    ssh: 'mcpk exec --limit HOST -- COMMAND runs one',
    status: 'mcpk verify tells how the cluster is',
    destroy: 'mcpk reset takes the cluster off its hosts',
    backup: 'mcpk etcd snapshot takes one',
    up: 'mcpk apply makes a cluster',
    upgrade: 'set versions in the inventory, then mcpk apply',
    add: JOIN,
    join: JOIN,
    scale: JOIN,
    'node:add': JOIN,
    'node:join': JOIN,
    nodes: NODES,
    'node:list': NODES,
    'etcd:backup': 'mcpk etcd snapshot takes one',
    'etcd:save': 'mcpk etcd snapshot takes one',
    log: LOGS,
    logs: LOGS,
  }),
);

/** Flags that people of other tools write in front of the command. */
const BEHIND: ReadonlySet<string> = new Set(['-v', '--verbose', '--json', '-i', '--inventory', '-K', '--limit', '--yes']); // prettier-ignore

/** For words that are no command: says which one is near. */
export function noCommand(id: string, known: readonly string[]): McpkError {
  if (BEHIND.has(id))
    return new McpkError('usage', `${id} stands behind a command`, {
      hint: `The command comes first: mcpk plan ${id}${id === '-v' ? '. The version is said by mcpk --version.' : ''}`,
    });
  const [first = '', second = ''] = id.split(':');
  const ours = OTHERS.get(`${first}:${second}`) ?? OTHERS.get(first);
  if (ours !== undefined)
    return new McpkError('usage', `mcpk has no command ${JSON.stringify(words(id))}: ${ours}`, {
      hint: 'mcpk --help lists the commands.',
    });
  // `drain w1` for `node drain w1`.
  const below = known.find((each) => each.endsWith(`:${first}`));
  const close = id === '-V' ? '--version' : (nearest(id, [...known, '--version', '--help']) ?? below);
  return new McpkError(
    'usage',
    `mcpk has no command ${JSON.stringify(words(id))}${close ? `; did you mean ${words(close)}?` : ''}`,
    {
      hint: 'mcpk --help lists the commands.',
    },
  );
}

function words(id: string): string {
  return id.replaceAll(':', ' ');
}
