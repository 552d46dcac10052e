import { loadAll, Schema, timestampTag, YAML11_SCHEMA, YAMLException } from 'js-yaml';
import { McpkError } from '../core/errors.ts';
import { isMap } from '../core/merge.ts';
import type { KubeObject } from './kube-objects.ts';

/** As kubectl reads YAML: 1.1, where `0644` is octal, but dates stay text. */
const KUBECTL_YAML = new Schema(YAML11_SCHEMA.tags.filter((tag) => tag !== timestampTag));

/** The objects of a manifest: several documents, empty ones and Lists among them. Throws `invalid` with the line. */
export function parseManifest(name: string, text: string): KubeObject[] {
  return documents(name, text).flatMap((document) => {
    if (document === null || document === undefined) return [];
    if (!isMap(document)) throw new McpkError('invalid', `manifest ${name}: a document is no object`);
    const { kind, items } = document;
    return kind === 'List' && Array.isArray(items) ? items.filter(isMap) : [document];
  });
}

function documents(name: string, text: string): unknown[] {
  try {
    return loadAll(text, { schema: KUBECTL_YAML });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new McpkError(
      'invalid',
      `manifest ${name}: ${error.reason}${error.mark ? ` in line ${String(error.mark.line + 1)}` : ''}`,
      { cause: error },
    );
  }
}
