import type { Secret } from '../core/secret.ts';
import type { SecretRecipe } from '../resources/types.ts';
import { createAuthority } from './authority.ts';
import { createEncryptionConfig } from './encryption.ts';
import { createKeyPair } from './keys.ts';

/** Makes a sharedSecret anew: item → PEM or text, by the names that {@link SecretRecipe} gives them. `now` is the hosts' time. */
export async function makeShared(recipe: SecretRecipe, now: Date): Promise<Record<string, string | Secret>> {
  switch (recipe.type) {
    case 'authority':
      return { ...(await createAuthority(recipe, now)) };
    case 'keypair':
      return createKeyPair(recipe);
    case 'encryption-config':
      return { config: createEncryptionConfig(recipe.resources, now) };
  }
}
