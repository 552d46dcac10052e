import { McpkError } from '../core/errors.ts';

/** Of `https:` and `http:`; where both are set the one in small letters counts, as with curl. */
const NAMES = { 'https:': ['https_proxy', 'HTTPS_PROXY'], 'http:': ['http_proxy', 'HTTP_PROXY'] } as const;

type Environment = Readonly<Record<string, string | undefined>>;

interface Proxy {
  /** Of the variable. */
  name: string;
  value: string;
}

/** What the environment says of a proxy for this URL, whether or not NO_PROXY takes it out. */
function proxyFor(url: string, env: Environment): Proxy | undefined {
  const name = NAMES[url.startsWith('https:') ? 'https:' : 'http:'].find((each) => (env[each] ?? '') !== '');
  return name === undefined ? undefined : { name, value: env[name] ?? '' };
}

/**
 * The environment as Node's agents read it: they pass over `proxy:3128`, which all other programs take, and show a
 * proxy that they can't read with its password. Throws McpkError `fetch` for one.
 */
export function proxyEnvironment(url: string, env: Environment): Environment {
  const proxy = proxyFor(url, env);
  return proxy === undefined ? env : { ...env, [proxy.name]: readable(proxy) };
}

function readable({ name, value }: Proxy): string {
  const text = value.trim();
  const proxy = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (proxy && /^https?:$/.test(proxy.protocol) && isDecodable(proxy.username) && isDecodable(proxy.password))
    return proxy.href;
  // Not a word of it: a password may be in it.
  throw new McpkError('fetch', `${name} of the environment names no proxy that mcpk can go through`, {
    hint: `It is http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ before the host if need be; other signs than letters and digits in these are written as %23 is for #. Without a proxy: unset ${name}.`,
  });
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Whoever reads that a connection was refused does not think of a proxy by himself. */
export function proxyHint(url: string, env: Environment, node = process.versions.node): string {
  const proxy = proxyFor(url, env);
  if (proxy === undefined) return '';
  return goesByProxies(node)
    ? `${proxy.name} is set: see whether that proxy answers. `
    : `${proxy.name} is set, and Node ${node} does not go by it: take 22.21, 24.5 or a later one. `;
}

function goesByProxies(node: string): boolean {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  return major === 22 ? minor >= 21 : major > 24 || (major === 24 && minor >= 5);
}
