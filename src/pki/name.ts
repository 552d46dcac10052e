import type { Name } from '@peculiar/x509';
import type { Subject } from '../resources/types.ts';
import { loadX509 } from './x509.ts';

/**
 * A subject, each attribute in an RDN of its own. Given as plain strings the library would read quotes,
 * backslashes and a leading `#` inside a value as syntax; as UTF8String a value is what it is.
 */
export async function nameOf({ CN, O }: Subject): Promise<Name> {
  const x509 = await loadX509();
  return new x509.Name([...O.map((value) => ({ O: [{ utf8String: value }] })), { CN: [{ utf8String: CN }] }]);
}
