import { parseForeignJson } from './json.ts';
import { isMap } from './merge.ts';

/**
 * What a host says of the cluster that it is a part of ({@link PATHS.clusterRecord}), so that no inventory takes it for
 * another cluster's. `authority`: sha256 (hex) of the public key (SPKI, DER) that the cluster's authority had when the
 * first host was written down; hosts that join get the same, so another authority makes no other cluster.
 */
export interface ClusterRecord {
  cluster: string;
  authority: string;
}

export function recordText({ cluster, authority }: ClusterRecord): string {
  return `${JSON.stringify({ cluster, authority })}\n`;
}

/** Undefined for what is no such record. */
export function parseRecord(text: string): ClusterRecord | undefined {
  const { cluster, authority } = mapOf(text);
  return typeof cluster === 'string' && NAME.test(cluster) && typeof authority === 'string' && DIGEST.test(authority)
    ? { cluster, authority }
    : undefined;
}

function mapOf(text: string): Record<string, unknown> {
  try {
    const value = parseForeignJson(text.slice(0, MOST_CHARACTERS));
    return isMap(value) ? value : {};
  } catch {
    return {};
  }
}

const MOST_CHARACTERS = 4096;
const NAME = /^[a-z0-9-]{1,63}$/;
const DIGEST = /^[0-9a-f]{64}$/;
