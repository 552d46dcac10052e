import { McpkError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { signLeaf } from '../../pki/leaf.ts';
import { makeShared } from '../../pki/shared.ts';
import type { CertificateResource, Materials, SharedSecretResource, SharedState } from '../../resources/types.ts';
import type { Fleet } from '../hosts/fleet.ts';

export interface MaterialsInput {
  fleet: Fleet;
  shared: ReadonlyMap<string, SharedState>;
  /** id → how it is made, and on which hosts its items lie. */
  secrets: ReadonlyMap<string, { host: string; resource: SharedSecretResource }[]>;
  /** The hosts' time: they judge what is made. */
  now: () => Date;
  signal: AbortSignal;
}

/**
 * What a run makes once: a new authority where all were asked and none has it, a copy of a secret that another host
 * holds, a signed leaf.
 * An authority's key is fetched from a holder only when a leaf must be signed.
 */
export function createMaterials(input: MaterialsInput): Materials {
  const made = new Map<string, Promise<Record<string, string | Secret>>>();
  const fetched = new Map<string, Promise<string | Secret>>();

  const item = async (id: string, name: string): Promise<string | Secret> => {
    const placed = input.secrets.get(id);
    const recipe = placed?.[0]?.resource.recipe;
    if (!placed || !recipe) throw new McpkError('unexpected', `no stage describes the shared secret ${id}`);
    const state = input.shared.get(id);
    if (!state)
      throw new McpkError('refused', `whether a host has ${id} is not known, so it is not made anew`, {
        hint: 'Run the same command again: all masters are read first.',
      });
    if (state.state === 'absent') {
      const fresh = made.get(id) ?? makeShared(recipe, input.now());
      made.set(id, fresh);
      const value = (await fresh)[name];
      if (value === undefined) throw new McpkError('unexpected', `${id} has no item ${name}`);
      return value;
    }
    const text = state.texts[name];
    if (text !== undefined) return text;
    const key = `${id} ${name}`;
    const copy = fetched.get(key) ?? fetchItem(input, placed, state, name);
    fetched.set(key, copy);
    return copy;
  };

  return {
    item,
    async leaf(resource: CertificateResource, now?: Date) {
      const [cert, key] = await Promise.all([item(resource.authority, 'cert'), item(resource.authority, 'key')]);
      const authority = {
        cert: text(cert),
        key: key instanceof Secret ? key : new Secret(key, `${resource.authority} key`),
      };
      return signLeaf(resource, authority, now ?? input.now());
    },
  };
}

function text(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}

async function fetchItem(
  input: MaterialsInput,
  placed: readonly { host: string; resource: SharedSecretResource }[],
  state: SharedState,
  name: string,
): Promise<Secret> {
  const holder = placed.find((each) => each.host === state.from) ?? placed.find((each) => each.resource.holder);
  const path = holder?.resource.files.find((file) => file.item === name)?.path;
  if (!holder || path === undefined)
    throw new McpkError('unexpected', `no host keeps the item ${name} of ${placed[0]?.resource.id ?? ''}`);
  const bytes = await input.fleet.read(holder.host, path, input.signal);
  return new Secret(bytes.toString('utf8'), `${holder.resource.id} ${name}`);
}
