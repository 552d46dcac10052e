import { ADMINS } from '../../cluster/access.ts';
import { askApi } from '../../cluster/api-server.ts';
import type { GateCheck } from '../../cluster/gate.ts';
import { parseHttp, seen } from '../../cluster/http.ts';
import { kubectlBy } from '../../cluster/kubectl.ts';
import { McpkError } from '../../core/errors.ts';
import { PATHS, SECRETS } from '../../core/paths.ts';
import { Secret } from '../../core/secret.ts';
import { hostsWith } from '../../inventory/types.ts';
import type { CertificateResource } from '../../resources/types.ts';
import { holdGates } from '../hosts/gates.ts';
import type { Means } from './means.ts';

const HOURS = 1;
const TITLE = `bind ${ADMINS.group}, with a certificate of system:masters that lasts an hour`;

/** The API changes no binding's role, so the binding goes first. Killed in between: the next run binds anew. */
const COMMANDS: readonly (readonly string[])[] = [
  ['delete', 'clusterrolebinding', ADMINS.group, '--ignore-not-found'],
  ['create', 'clusterrolebinding', ADMINS.group, `--clusterrole=${ADMINS.role}`, `--group=${ADMINS.group}`],
];

/**
 * Lets the administrator in where no binding does: on a new cluster, or after somebody took it away. The one thing
 * that is done as system:masters, which needs no binding. Returns when every master's API server has seen it.
 */
export async function bindAdmins(means: Means, stage: string, host: string): Promise<void> {
  means.journal.note(host, 'stage', stage);
  await means.journal.send(host);
  const tell = (status: 'start' | 'done' | 'failed'): void =>
    means.state.emit({ at: means.state.since(), type: 'step', stage, host, title: TITLE, status });
  tell('start');
  try {
    const kubeconfig = await breakGlass(means, host);
    for (const args of COMMANDS) await takeCommand(means, { stage, host, kubeconfig, args });
  } catch (error) {
    tell('failed');
    throw error;
  }
  tell('done');
  const { reader } = means;
  const { emit, signal } = means.state;
  const masters = hostsWith(means.cluster, 'master').map(({ name }) => name);
  const gates = masters.filter((name) => reader.reaches(name)).map((name) => letsIn(means, name));
  await holdGates(
    { reader, stage, emit, since: () => means.state.since(), signal, stop: () => means.state.stop() },
    gates,
  );
}

/**
 * A kubeconfig with a certificate made for this, dated by the host's clock. It lies nowhere but in the session's own
 * folder below /run, which goes with the session.
 */
async function breakGlass(means: Means, host: string): Promise<Secret> {
  const skew = means.facts.hosts.get(host)?.clockSkewMs ?? 0;
  const { cert, key } = await means.materials.leaf(leafOf(means), new Date(Date.now() + skew));
  const named = (name: string, what: object): object => ({ name, ...what });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const user = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key.reveal()) };
  const text = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [named('c', { cluster: { 'certificate-authority': `${PATHS.pki}/ca.crt` } })],
    users: [named('u', { user })],
    contexts: [named('x', { context: { cluster: 'c', user: 'u' } })],
    'current-context': 'x',
  });
  return new Secret(text, 'break-glass kubeconfig');
}

function leafOf({ cluster }: Means): CertificateResource {
  const name = 'break-glass certificate';
  return {
    kind: 'certificate',
    path: name,
    keyPath: name,
    authority: SECRETS.clusterAuthority,
    subject: { CN: 'mcpk-break-glass', O: ['system:masters'] },
    dns: [],
    ip: [],
    usages: ['client'],
    days: HOURS / 24,
    renewBeforeDays: 0,
    keyAlgorithm: cluster.certificates.keyAlgorithm,
    owner: 'root',
    group: 'root',
  };
}

interface Command {
  stage: string;
  host: string;
  kubeconfig: Secret;
  args: readonly string[];
}

async function takeCommand(means: Means, { stage, host, kubeconfig, args }: Command): Promise<void> {
  const { argv } = kubectlBy('/dev/stdin', means.cluster, host, args);
  const [answer] = await means.fleet.exec(host, [{ argv, stdin: kubeconfig.reveal() }], means.state.signal);
  if (answer?.exitCode === 0) return;
  const [first = '', ...rest] = (answer?.stderr ?? '').trim().split('\n');
  throw new McpkError('stage', `${stage}: kubectl ${args[0] ?? ''} ${ADMINS.group} on ${host}: ${first}`, {
    host,
    details: rest,
    hint: 'Until it is bound the API lets mcpk do nothing. Mend the cause and run the same command again.',
  });
}

/** Each API server learns of a binding by itself, a moment later. */
function letsIn({ cluster }: Means, host: string): GateCheck {
  return {
    title: `${ADMINS.user} let in by ${host}`,
    asks: [askApi(cluster, host, '/api/v1/namespaces/kube-system')],
    check: ([answer]) => (parseHttp(answer)?.status === 200 ? undefined : seen(answer)),
    host,
    unit: { host, name: 'kube-apiserver.service' },
    deadline: 30,
  };
}
