import { readFile } from 'node:fs/promises';
import type { Facts, HostFacts, NodeFacts } from '../../cluster/facts.ts';
import { McpkError } from '../../core/errors.ts';

interface FactsJson {
  hosts: Record<string, HostFacts>;
  unreachable?: string[];
  etcd: Facts['etcd'];
  nodes?: Record<string, NodeFacts>;
}

/** Facts as `mcpk facts --json` printed them. */
export async function readFacts(file: string): Promise<Facts> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new McpkError('usage', `${file} cannot be read`, { cause, hint: 'mcpk facts --json > FILE writes one.' });
  });
  const json = parse(file, text);
  return {
    hosts: new Map(Object.entries(json.hosts)),
    unreachable: json.unreachable ?? [],
    etcd: json.etcd,
    ...(json.nodes ? { nodes: new Map(Object.entries(json.nodes)) } : {}),
  };
}

function parse(file: string, text: string): FactsJson {
  try {
    const json = JSON.parse(text) as Partial<FactsJson> | null;
    if (json?.hosts && json.etcd) return { ...json, hosts: json.hosts, etcd: json.etcd };
  } catch {
    // The same words serve for text that is no JSON.
  }
  throw new McpkError('usage', `${file} is not what mcpk facts --json prints`, {
    hint: 'mcpk facts --json > FILE writes one.',
  });
}
