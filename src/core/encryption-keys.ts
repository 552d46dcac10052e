import { CORE_SCHEMA, load } from 'js-yaml';
import { isMap } from './merge.ts';

export interface EncryptionKey {
  name: string;
  secret: string;
}

/** Many times what any has. */
const MOST_CHARACTERS = 256 * 1024;

/** The keys of an EncryptionConfiguration in their order; none of a text that is no such thing. */
export function encryptionKeys(text: string): EncryptionKey[] {
  const config = parsed(text.length > MOST_CHARACTERS ? '' : text);
  const providers = listsIn(listsIn([config], 'resources'), 'providers');
  const keys = listsIn(
    providers.flatMap((provider) => (isMap(provider) ? Object.values(provider) : [])),
    'keys',
  );
  return keys.flatMap((key) => {
    if (!isMap(key) || typeof key['name'] !== 'string' || typeof key['secret'] !== 'string') return [];
    return [{ name: key['name'], secret: key['secret'] }];
  });
}

/** Each list and each item once, however many aliases lead to it: a short text could stand for billions. */
function listsIn(values: readonly unknown[], key: string): readonly unknown[] {
  const lists = new Set(values.map((value) => (isMap(value) ? value[key] : undefined)));
  return [...new Set([...lists].flatMap((list): unknown[] => (Array.isArray(list) ? list : [])))];
}

function parsed(text: string): unknown {
  try {
    return load(text, { schema: CORE_SCHEMA });
  } catch {
    return undefined;
  }
}
