/** Where images named `docker.io/…` really live. */
const SERVERS: Readonly<Record<string, string>> = { 'docker.io': 'https://registry-1.docker.io' };

/** URL of the registry that an image's name begins with. */
export function registryServer(name: string): string {
  return SERVERS[name] ?? `https://${name}`;
}

/**
 * Host and port of a URL as containerd keeps them (Go's `url.Host`): in the letters of the URL, with the port also where
 * it is the usual one, without user and password.
 */
export function hostOfUrl(url: string): string {
  return authorityOf(url).replace(/^.*@/, '');
}

/** Whether user or password stand before the host; containerd does not send them. */
export function namesUser(url: string): boolean {
  return authorityOf(url).includes('@');
}

function authorityOf(url: string): string {
  return /^https?:\/\/([^/?#]*)/.exec(url)?.[1] ?? '';
}
