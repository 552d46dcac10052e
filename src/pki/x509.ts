import type * as X509 from '@peculiar/x509';

/**
 * The only way to @peculiar/x509: on first use. It takes 0.1 to 0.2 s to load, and a run that signs nothing
 * (every no-op) shall not pay for that.
 */
export async function loadX509(): Promise<typeof X509> {
  // Its dependency injection wants the reflect API in place before it is loaded.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}
