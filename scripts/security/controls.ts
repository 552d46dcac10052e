import { load } from 'js-yaml';
import { PATHS } from '../../src/core/paths.ts';
import { createEncryptionConfig } from '../../src/pki/encryption.ts';
import { API_SERVER_FILES } from '../../src/states/api-server/flags.ts';
import { BRIDGE_CONFLIST } from '../../src/states/bridge/conflist.ts';
import { CIPHER_SUITES } from '../../src/states/tls.ts';
import { flagsOf, settingsAt, type Rendered } from './rendered.ts';

/**
 * One control of the CIS Kubernetes Benchmark 1.12, and how mcpk stands to it: what is rendered passes, or it does not
 * and that is meant so, or nobody but a person can tell, or there is no such thing.
 */
export interface Control {
  readonly id: string;
  /** What it asks for. */
  readonly asks: string;
  readonly verdict: Verdict;
}

export type Verdict =
  | { readonly kind: 'pass'; readonly by: string; readonly holds: (seen: Rendered) => boolean; readonly inFile?: true }
  | { readonly kind: 'deviation' | 'by hand' | 'not there'; readonly why: string };

export const PARTS: readonly { readonly id: string; readonly title: string; readonly controls: readonly Control[] }[] =
  [
    { id: '1.1', title: 'Files of the control plane', controls: controlPlaneFiles() },
    { id: '1.2', title: 'API server', controls: apiServer() },
    { id: '1.3', title: 'Controller-manager', controls: controllerManager() },
    { id: '1.4', title: 'Scheduler', controls: scheduler() },
    { id: '2', title: 'etcd', controls: etcd() },
    { id: '3.1', title: 'Authentication', controls: authentication() },
    { id: '3.2', title: 'Logging', controls: logging() },
    { id: '4.1', title: 'Files of nodes', controls: nodeFiles() },
    { id: '4.2', title: 'kubelet', controls: kubelet() },
    { id: '4.3', title: 'kube-proxy', controls: kubeProxy() },
  ];

function controlPlaneFiles(): Control[] {
  const services: [number, string, string][] = [
    [1, 'the API server', 'kube-apiserver'],
    [3, 'the controller-manager', 'kube-controller-manager'],
    [5, 'the scheduler', 'kube-scheduler'],
    [7, 'etcd', 'etcd'],
  ];
  const specifications = services.flatMap(([number, what, unit]) => [
    control(`1.1.${String(number)}`, `pod specification of ${what}: 600`, {
      kind: 'not there',
      why: 'systemd starts it; its unit is 0644 and holds no secret, as systemd tells everybody on a host what is in units',
    }),
    owned(`1.1.${String(number + 1)}`, `pod specification of ${what}: root:root`, [`${PATHS.units}/${unit}.service`]),
  ]);
  const why = "it is 600 of the user of the service, who alone reads it; as root's a group would have to read it, too";
  return [
    ...specifications,
    moded('1.1.9', 'CNI configuration: 600', 0o600, [BRIDGE_CONFLIST], 'with `bridge`: Calico writes its own'),
    owned('1.1.10', 'CNI configuration: root:root', [BRIDGE_CONFLIST]),
    moded('1.1.11', "etcd's data: 700", 0o700, ['/var/lib/etcd']),
    owned('1.1.12', "etcd's data: etcd:etcd", ['/var/lib/etcd'], 'etcd'),
    moded('1.1.13', "administrator's credentials: 600", 0o600, [PATHS.adminKubeconfig, PATHS.adminKey]),
    owned('1.1.14', "administrator's credentials: root:root", [PATHS.adminKubeconfig, PATHS.adminKey]),
    moded('1.1.15', 'kubeconfig of the scheduler: 600', 0o600, [`${PATHS.scheduler}/kubeconfig`]),
    control('1.1.16', 'kubeconfig of the scheduler: root:root', { kind: 'deviation', why }),
    moded('1.1.17', 'kubeconfig of the controller-manager: 600', 0o600, [`${PATHS.controllerManager}/kubeconfig`]),
    control('1.1.18', 'kubeconfig of the controller-manager: root:root', { kind: 'deviation', why }),
    passes('1.1.19', `${PATHS.pki}: root:root`, `all below ${PATHS.pki} is root's`, ({ laid }) => {
      const all = laid.filter(({ path }) => path === PATHS.pki || path.startsWith(`${PATHS.pki}/`));
      return all.length > 1 && all.every(({ owner, group }) => owner === 'root' && group === 'root');
    }),
    passes('1.1.20', 'certificates: 644', '0644 or 0600', (seen) => ofNames(seen, /\.crt$/, 0o644)),
    passes('1.1.21', 'keys: 600', '0600, of the service that uses it', (seen) => ofNames(seen, /\.key$/, 0o600)),
  ];
}

function apiServer(): Control[] {
  const name = 'kube-apiserver';
  const admits = (id: string, plugin: string): Control =>
    passes(id, `admission plugin ${plugin} is on`, `\`--enable-admission-plugins\` has it`, (seen) =>
      everyFlag(seen, name, 'enable-admission-plugins', (value) => value?.split(',').includes(plugin) === true),
    );
  const notOff = (id: string, plugin: string): Control =>
    passes(id, `admission plugin ${plugin} is on`, 'it is by default, and not taken off', (seen) =>
      everyFlag(seen, name, 'disable-admission-plugins', (value) => value?.split(',').includes(plugin) !== true),
    );
  const authorizes = (id: string, asks: string, holds: (types: unknown[]) => boolean): Control =>
    inFile(id, asks, `Node and RBAC, in ${API_SERVER_FILES.authorization}`, (seen) =>
      everySetting(seen, API_SERVER_FILES.authorization, 'authorizers', (value) =>
        holds(Array.isArray(value) ? value.map((each: { type?: unknown }) => each.type) : []),
      ),
    );
  const atLeast = (id: string, flag: string, least: number): Control =>
    passes(id, `\`--${flag}\` is ${String(least)} or more`, `${String(least)} by default (apiServer.audit)`, (seen) =>
      everyFlag(seen, name, flag, (value) => Number(value) >= least),
    );
  return [
    control('1.2.1', 'no anonymous requests', {
      kind: 'deviation',
      why: 'anonymous requests reach /livez, /readyz and /healthz and nothing else: HAProxy asks those',
    }),
    unset('1.2.2', name, 'token-auth-file'),
    admits('1.2.3', 'DenyServiceExternalIPs'),
    set('1.2.4', name, ['kubelet-client-certificate', 'kubelet-client-key']),
    set('1.2.5', name, ['kubelet-certificate-authority']),
    authorizes(
      '1.2.6',
      'authorization is not AlwaysAllow',
      (types) => types.length > 0 && !types.includes('AlwaysAllow'),
    ),
    authorizes('1.2.7', 'authorization has Node', (types) => types.includes('Node')),
    authorizes('1.2.8', 'authorization has RBAC', (types) => types.includes('RBAC')),
    control('1.2.9', 'admission plugin EventRateLimit is on', {
      kind: 'deviation',
      why: 'it is alpha, and no limit suits all clusters; `apiServer.admission.plugins` configures it, `apiServer.extraArgs` switches it on',
    }),
    passes('1.2.10', 'admission plugin AlwaysAdmit is off', '`--enable-admission-plugins` has it not', (seen) =>
      everyFlag(seen, name, 'enable-admission-plugins', (value) => value?.split(',').includes('AlwaysAdmit') !== true),
    ),
    control('1.2.11', 'admission plugin AlwaysPullImages is on', {
      kind: 'deviation',
      why: 'no pod would start while its registry is away; where tenants share nodes, switch it on by `apiServer.extraArgs`',
    }),
    notOff('1.2.12', 'ServiceAccount'),
    notOff('1.2.13', 'NamespaceLifecycle'),
    admits('1.2.14', 'NodeRestriction'),
    equals('1.2.15', name, 'profiling', 'false'),
    set('1.2.16', name, ['audit-log-path']),
    atLeast('1.2.17', 'audit-log-maxage', 30),
    atLeast('1.2.18', 'audit-log-maxbackup', 10),
    atLeast('1.2.19', 'audit-log-maxsize', 100),
    control('1.2.20', '`--request-timeout` as it suits', {
      kind: 'by hand',
      why: "Kubernetes' default of a minute, unless `apiServer.extraArgs` says otherwise",
    }),
    passes('1.2.21', '`--service-account-lookup` is not off', 'on by default, and not set', (seen) =>
      everyFlag(seen, name, 'service-account-lookup', (value) => value !== 'false'),
    ),
    set('1.2.22', name, ['service-account-key-file']),
    set('1.2.23', name, ['etcd-certfile', 'etcd-keyfile']),
    set('1.2.24', name, ['tls-cert-file', 'tls-private-key-file']),
    set('1.2.25', name, ['client-ca-file']),
    set('1.2.26', name, ['etcd-cafile']),
    set('1.2.27', name, ['encryption-provider-config']),
    passes(
      '1.2.28',
      'encryption by aescbc, kms or secretbox',
      'secretbox, with a key made on the first run',
      (seen) => {
        const file = load(createEncryptionConfig(['secrets'], new Date(0)).reveal()) as {
          resources: { providers: object[] }[];
        };
        const providers = file.resources.map((each) => Object.keys(each.providers[0] ?? {})[0] ?? '');
        const laid = seen.laid.some(({ path }) =>
          flagsOf(seen, name).every((flags) => flags['encryption-provider-config'] === path),
        );
        return laid && providers.every((each) => ['aescbc', 'kms', 'secretbox'].includes(each));
      },
    ),
    passes('1.2.29', 'strong ciphers alone', '`--tls-cipher-suites`: forward secrecy and AEAD', (seen) =>
      everyFlag(seen, name, 'tls-cipher-suites', (value) => isStrong(value?.split(','))),
    ),
    equals('1.2.30', name, 'service-account-extend-token-expiration', 'false'),
  ];
}

function controllerManager(): Control[] {
  const name = 'kube-controller-manager';
  return [
    set('1.3.1', name, ['terminated-pod-gc-threshold']),
    equals('1.3.2', name, 'profiling', 'false'),
    equals('1.3.3', name, 'use-service-account-credentials', 'true'),
    set('1.3.4', name, ['service-account-private-key-file']),
    set('1.3.5', name, ['root-ca-file']),
    gateOn('1.3.6', (seen) =>
      flagsOf(seen, name).map(
        (flags) => flags['feature-gates']?.includes('RotateKubeletServerCertificate=false') !== true,
      ),
    ),
    equals('1.3.7', name, 'bind-address', '127.0.0.1'),
  ];
}

function scheduler(): Control[] {
  const config = `${PATHS.scheduler}/config.yaml`;
  return [
    inFile('1.4.1', '`--profiling` is false', `\`enableProfiling: false\` in ${config}`, (seen) =>
      everySetting(seen, config, 'enableProfiling', (value) => value === false),
    ),
    equals('1.4.2', 'kube-scheduler', 'bind-address', '127.0.0.1'),
  ];
}

function etcd(): Control[] {
  const has = (id: string, asks: string, holds: (value: unknown) => boolean, ...paths: string[]): Control =>
    inFile(id, asks, `in ${PATHS.etcdConfig}`, (seen) =>
      paths.every((path) => everySetting(seen, PATHS.etcdConfig, path, holds)),
    );
  const hasNot = (id: string, asks: string, path: string): Control =>
    passes(id, asks, 'not set', (seen) => everySetting(seen, PATHS.etcdConfig, path, (value) => value !== true));
  const given = (value: unknown): boolean => typeof value === 'string' && value !== '';
  const [client, peer] = ['client-transport-security', 'peer-transport-security'];
  return [
    has('2.1', 'certificate and key', given, `${client}.cert-file`, `${client}.key-file`),
    has('2.2', 'clients need a certificate', (value) => value === true, `${client}.client-cert-auth`),
    hasNot('2.3', 'no certificates of its own making for clients', `${client}.auto-tls`),
    has('2.4', 'certificate and key for peers', given, `${peer}.cert-file`, `${peer}.key-file`),
    has('2.5', 'peers need a certificate', (value) => value === true, `${peer}.client-cert-auth`),
    hasNot('2.6', 'no certificates of its own making for peers', `${peer}.auto-tls`),
    inFile('2.7', "an authority of etcd's own", 'it signs for nothing else', (seen) => {
      const trusted = settingsAt(seen, PATHS.etcdConfig, [client, 'trusted-ca-file']);
      const others = flagsOf(seen, 'kube-apiserver').map((flags) => flags['client-ca-file']);
      return trusted.length > 0 && trusted.every((each) => given(each) && !others.includes(String(each)));
    }),
  ];
}

function authentication(): Control[] {
  return [
    control('3.1.1', 'users log in by no client certificate', {
      kind: 'by hand',
      why: "`apiServer.authentication.jwt` lets them log in by an issuer; mcpk's own administrator has a certificate, whose binding can be taken away ([access.md](access.md))",
    }),
    control('3.1.2', 'users log in by no token of a service account', {
      kind: 'by hand',
      why: 'mcpk makes none for users; `apiServer.authentication.jwt` is there for them',
    }),
    passes('3.1.3', 'users log in by no bootstrap token', 'bootstrap tokens are off', (seen) =>
      everyFlag(seen, 'kube-apiserver', 'enable-bootstrap-token-auth', (value) => value !== 'true'),
    ),
  ];
}

function logging(): Control[] {
  const covers = (rules: unknown): boolean => {
    const all = Array.isArray(rules) ? (rules as { level?: string; resources?: { resources?: string[] }[] }[]) : [];
    const [first, last] = [all[0], all.at(-1)];
    const named = first?.resources?.flatMap((each) => each.resources ?? []) ?? [];
    const wanted = [
      'secrets',
      'configmaps',
      'tokenreviews',
      'pods/exec',
      'pods/portforward',
      'pods/proxy',
      'services/proxy',
    ];
    // Before anything is left out; and what no rule names is logged.
    return first?.level === 'Metadata' && wanted.every((each) => named.includes(each)) && isOnly(last, 'Metadata');
  };
  return [
    set('3.2.1', 'kube-apiserver', ['audit-policy-file']),
    passes(
      '3.2.2',
      'the audit policy covers what matters',
      'Secrets, ConfigMaps, tokens and ways into pods come first, without bodies; so does all that no rule leaves out',
      (seen) => everySetting(seen, API_SERVER_FILES.auditPolicy, 'rules', covers),
    ),
  ];
}

function isOnly(rule: object | undefined, level: string): boolean {
  return JSON.stringify(rule) === JSON.stringify({ level });
}

function nodeFiles(): Control[] {
  const unit = `${PATHS.units}/kubelet.service`;
  const authority = `${PATHS.pki}/ca.crt`;
  return [
    moded('4.1.1', 'unit of the kubelet: 600', 0o600, [unit]),
    owned('4.1.2', 'unit of the kubelet: root:root', [unit]),
    moded('4.1.3', 'kubeconfig of kube-proxy: 600', 0o600, [PATHS.kubeProxyKubeconfig]),
    owned('4.1.4', 'kubeconfig of kube-proxy: root:root', [PATHS.kubeProxyKubeconfig]),
    moded('4.1.5', 'kubeconfig of the kubelet: 600', 0o600, [PATHS.kubeletKubeconfig]),
    owned('4.1.6', 'kubeconfig of the kubelet: root:root', [PATHS.kubeletKubeconfig]),
    moded('4.1.7', 'authorities: 644', 0o644, [authority]),
    owned('4.1.8', 'authorities: root:root', [authority]),
    moded('4.1.9', 'configuration of the kubelet: 600', 0o600, [PATHS.kubeletConfig]),
    owned('4.1.10', 'configuration of the kubelet: root:root', [PATHS.kubeletConfig]),
  ];
}

function kubelet(): Control[] {
  const has = (id: string, asks: string, path: string, by: string, holds: (value: unknown) => boolean): Control =>
    passes(id, asks, by, (seen) => everySetting(seen, PATHS.kubeletConfig, path, holds));
  return [
    has(
      '4.2.1',
      'no anonymous requests',
      'authentication.anonymous.enabled',
      '`anonymous: { enabled: false }`',
      (value) => value === false,
    ),
    has(
      '4.2.2',
      'authorization is not AlwaysAllow',
      'authorization.mode',
      '`authorization.mode: Webhook`',
      (value) => value === 'Webhook',
    ),
    has(
      '4.2.3',
      'an authority for clients',
      'authentication.x509.clientCAFile',
      "`clientCAFile`: the cluster's",
      (value) => value === `${PATHS.pki}/ca.crt`,
    ),
    has('4.2.4', 'no read-only port', 'readOnlyPort', '`readOnlyPort: 0`', (value) => value === 0),
    has(
      '4.2.5',
      'streaming connections end when idle',
      'streamingConnectionIdleTimeout',
      "not set: Kubernetes' default of four hours",
      (value) => !['0', '0s', 0].includes(value as string),
    ),
    has(
      '4.2.6',
      'it makes its iptables chains',
      'makeIPTablesUtilChains',
      'not set: on by default',
      (value) => value !== false,
    ),
    control('4.2.7', '`--hostname-override` is not set', {
      kind: 'deviation',
      why: 'a node is called what the inventory calls the host, whatever the host calls itself; its certificates are for that name',
    }),
    has(
      '4.2.8',
      'events are not held back',
      'eventRecordQPS',
      "not set: Kubernetes' default of 50 a second",
      (value) => value === undefined || Number(value) >= 0,
    ),
    passes('4.2.9', 'certificate and key', "of the cluster's authority, renewed by `apply`", (seen) =>
      [
        ['tlsCertFile', PATHS.kubeletServerCert],
        ['tlsPrivateKeyFile', PATHS.kubeletServerKey],
      ].every(([key = '', path]) => everySetting(seen, PATHS.kubeletConfig, key, (value) => value === path)),
    ),
    has(
      '4.2.10',
      'client certificates rotate',
      'rotateCertificates',
      '`rotateCertificates: true`',
      (value) => value === true,
    ),
    gateOn('4.2.11', (seen) =>
      settingsAt(seen, PATHS.kubeletConfig, ['featureGates', 'RotateKubeletServerCertificate']).map(
        (value) => value !== false,
      ),
    ),
    has('4.2.12', 'strong ciphers alone', 'tlsCipherSuites', '`tlsCipherSuites`: forward secrecy and AEAD', isStrong),
    has(
      '4.2.13',
      'a limit of processes for each pod',
      'podPidsLimit',
      '`podPidsLimit: 4096`',
      (value) => Number(value) > 0,
    ),
    has('4.2.14', 'pods get a seccomp profile', 'seccompDefault', '`seccompDefault: true`', (value) => value === true),
  ];
}

function kubeProxy(): Control[] {
  const config = `${PATHS.kubeProxy}/config.yaml`;
  return [
    passes('4.3.1', 'metrics on loopback', '`metricsBindAddress: 127.0.0.1:10249`', (seen) =>
      everySetting(
        seen,
        config,
        'metricsBindAddress',
        (value) => typeof value === 'string' && value.startsWith('127.0.0.1:'),
      ),
    ),
  ];
}

function control(id: string, asks: string, verdict: Verdict): Control {
  return { id, asks, verdict };
}

function passes(id: string, asks: string, by: string, holds: (seen: Rendered) => boolean): Control {
  return control(id, asks, { kind: 'pass', by, holds });
}

/** What kube-bench, which looks for flags of this service, finds nowhere. */
function inFile(id: string, asks: string, by: string, holds: (seen: Rendered) => boolean): Control {
  return control(id, asks, { kind: 'pass', by, holds, inFile: true });
}

function equals(id: string, service: string, flag: string, wanted: string): Control {
  return passes(id, `\`--${flag}\` is ${wanted}`, `\`--${flag}=${wanted}\``, (seen) =>
    everyFlag(seen, service, flag, (value) => value === wanted),
  );
}

function set(id: string, service: string, flags: readonly string[]): Control {
  const names = flags.map((flag) => `\`--${flag}\``).join(' and ');
  return passes(id, `${names} ${flags.length > 1 ? 'are' : 'is'} set`, 'set', (seen) =>
    flags.every((flag) => everyFlag(seen, service, flag, (value) => value !== undefined && value !== '')),
  );
}

function unset(id: string, service: string, flag: string): Control {
  return passes(id, `\`--${flag}\` is not set`, 'not set', (seen) =>
    everyFlag(seen, service, flag, (value) => value === undefined),
  );
}

/** `on`: of each host, that nothing switches it off. */
function gateOn(id: string, on: (seen: Rendered) => boolean[]): Control {
  const by = 'on by default; mcpk issues and renews the serving certificates of kubelets itself';
  return passes(id, 'RotateKubeletServerCertificate is on', by, (seen) => {
    const all = on(seen);
    return all.length > 0 && all.every(Boolean);
  });
}

/** `most`: no bit of the mode but these. */
function moded(id: string, asks: string, most: number, paths: readonly string[], beside = ''): Control {
  return passes(id, asks, [paths.join(', '), beside].filter(Boolean).join('; '), (seen) =>
    paths.every((path) => isAtMost(seen, (each) => each === path, most)),
  );
}

function owned(id: string, asks: string, paths: readonly string[], user = 'root'): Control {
  return passes(id, asks, paths.join(', '), ({ laid }) =>
    paths.every((path) => {
      const all = laid.filter((each) => each.path === path);
      return all.length > 0 && all.every(({ owner, group }) => owner === user && group === user);
    }),
  );
}

function ofNames(seen: Rendered, names: RegExp, most: number): boolean {
  return isAtMost(seen, (path) => names.test(path), most);
}

function isAtMost({ laid }: Rendered, matches: (path: string) => boolean, most: number): boolean {
  const all = laid.filter(({ path }) => matches(path));
  return all.length > 0 && all.every(({ mode }) => (Number.parseInt(mode, 8) & ~most) === 0);
}

/** On every host that has the service; there must be one. */
function everyFlag(
  seen: Rendered,
  service: string,
  flag: string,
  holds: (value: string | undefined) => boolean,
): boolean {
  const all = flagsOf(seen, service);
  return all.length > 0 && all.every((flags) => holds(flags[flag]));
}

/** In every text of the file; there must be one. */
function everySetting(seen: Rendered, file: string, path: string, holds: (value: unknown) => boolean): boolean {
  const all = settingsAt(seen, file, path.split('.'));
  return all.length > 0 && all.every(holds);
}

function isStrong(suites: unknown): boolean {
  return Array.isArray(suites) && suites.length > 0 && suites.every((each) => CIPHER_SUITES.includes(String(each)));
}
