import type { Secret } from '../core/secret.ts';

/**
 * A cluster as `load` returns it: checked against schema/cluster.v1.schema.json, files merged,
 * `${ENV}` substituted, every default filled in. Durations are seconds unless the name says otherwise.
 * Frozen; nothing downstream changes it. The YAML has the same shape, with everything optional
 * but `name`, `endpoint.address` (with several masters) and `hosts`.
 */
export interface Cluster {
  readonly apiVersion: 'mcpk/v1';
  readonly kind: 'Cluster';
  /** DNS label; names the kubeconfig's cluster and context. */
  readonly name: string;
  /** Files it was read from, in the order in which they were merged. */
  readonly files: readonly string[];
  readonly versions: Versions;
  readonly artifacts: ArtifactSettings;
  /** Those that are, or shall become, a part of the cluster. */
  readonly hosts: readonly Host[];
  /** Those that shall be no part of it any more: `absent` and `gone`. */
  readonly leaving: readonly Host[];
  readonly endpoint: Endpoint;
  readonly network: NetworkSettings;
  readonly etcd: EtcdSettings;
  readonly apiServer: ApiServerSettings;
  readonly controllerManager: ComponentSettings;
  readonly scheduler: ComponentSettings;
  readonly kubelet: NodeServiceSettings;
  readonly kubeProxy: KubeProxySettings;
  readonly containerd: ContainerdSettings;
  readonly haproxy: HaproxySettings;
  readonly keepalived: KeepalivedSettings;
  readonly certificates: CertificateSettings;
  readonly system: SystemSettings;
  readonly registries: readonly Registry[];
  readonly proxy: { readonly http?: FreeText; readonly https?: FreeText; readonly noProxy: readonly FreeText[] };
  readonly addons: AddonSettings;
  /** What `mcpk verify` runs on the nodes; it needs sh, httpd, wget and nslookup. */
  readonly verify: { readonly image: string };
  readonly rollout: RolloutSettings;
  /** What a host keeps of what was replaced there. */
  readonly generations: { readonly keep: number; readonly maxMegabytes: number };
  /** Free data for templates and extra files; what the environment gave is a `Secret`, as in every `config`. */
  readonly pillar: Readonly<Record<string, unknown>>;
  /** What works, but is likely not meant; lines for a reader. Absent when there is none. */
  readonly warnings?: readonly string[];
  /**
   * What came from the environment and must not be shown, also where it is a part of a text: `${NAME}` is its label.
   * Absent when there is none.
   */
  readonly hidden?: readonly Secret[];
}

export interface RolloutSettings {
  /** Workers at a time: a number or `N%`. */
  readonly workers: number | string;
  /** Nodes that may not drain before nothing new starts. */
  readonly maxFailures: number;
  /** Seconds between batches. */
  readonly pause: number;
  readonly drain: DrainSettings;
}

export interface DrainSettings {
  /** Seconds. */
  readonly timeout: number;
  /** Seconds; absent = each pod's own. */
  readonly gracePeriod?: number;
  /** Of pods that lose one. */
  readonly emptyDir: 'delete' | 'refuse';
  /** Pods without a controller. */
  readonly unmanaged: 'refuse' | 'delete';
  /** `skip`: the node stays as it was, and the next one is tried. */
  readonly onTimeout: 'stop' | 'skip';
}

/** Text, a secret where the environment gave some of it. */
export type FreeText = string | Secret;

export type Role = 'master' | 'etcd' | 'worker';

/**
 * `absent`: shall be no part of the cluster, and nothing of mcpk shall be left on it. `gone`: the same of one that is
 * never contacted, as it can't answer or must not be touched.
 */
export type HostState = 'present' | 'absent' | 'gone';

export interface Host {
  /** Name of the host and of its Kubernetes node. DNS-1123 subdomain. */
  readonly name: string;
  /** Where SSH reaches it: name or address. */
  readonly address: string;
  /** Its address inside the cluster (IPv4); equal to `address` unless given. */
  readonly internalAddress: string;
  /** Masters carry the role etcd unless some host names that role explicitly. */
  readonly roles: readonly Role[];
  readonly state: HostState;
  readonly ssh: SshSettings;
  readonly labels: Readonly<Record<string, string>>;
  /** As kubectl writes them: `key=value:Effect`. Masters that are not workers too get the control-plane taint unless `taints` is given. */
  readonly taints: readonly string[];
  /** The cluster's, the groups' and the host's, merged; as are those of kube-proxy. */
  readonly kubelet: NodeServiceSettings;
  readonly kubeProxy: NodeServiceSettings;
  /** VRRP priority of a master, 1–254; by default 250. */
  readonly priority: number;
  /** Carries the VIP on this master; absent = `endpoint.interface`. */
  readonly vipInterface?: string;
  /** The cluster's, the groups' and the host's, merged. */
  readonly pillar: Readonly<Record<string, unknown>>;
  /** `inventories/lab.yaml:14`, for errors. */
  readonly source: string;
}

/** Settable for the cluster, a group (`groups.<role>`) or a host; the nearer one wins. */
export interface SshSettings {
  readonly user: string;
  readonly port: number;
  readonly identityFiles: readonly string[];
  /** Use the agent of SSH_AUTH_SOCK. */
  readonly agent: boolean;
  readonly knownHostsFiles: readonly string[];
  /** Hops on the way, nearest first; without a user that of the SSH config, else the host's own. */
  readonly jump: readonly { readonly user?: string; readonly address: string; readonly port: number }[];
  /** sudo: `auto` = only when the user is not root. */
  readonly become: 'auto' | 'sudo' | 'none';
  readonly becomePassword?: Secret;
  readonly connectTimeout: number;
  /** OpenSSH client config to read (HostName, User, Port, IdentityFile, ProxyJump …), as `ssh -F`. */
  readonly configFile?: string;
}

export interface Versions {
  readonly kubernetes: string;
  readonly etcd: string;
  readonly cniPlugins: string;
  readonly coredns: string;
  /** The sandbox image's tag. */
  readonly pause: string;
  readonly calico: string;
  /** Of upstream's release or of the distribution's package, as `containerd.source` says; absent = its default. */
  readonly containerd?: string;
  /** Of upstream's. */
  readonly runc: string;
  /** Of the distribution's packages; absent = whichever apt has. */
  readonly haproxy?: string;
  readonly keepalived?: string;
}

export interface ArtifactSettings {
  /** Local folder: COMPONENT/VERSION/linux-ARCH/NAME beside a SHA256SUMS file. `~` allowed. Downloads land there too. */
  readonly directory: string;
  /** Fetch from upstream what the folder lacks. */
  readonly download: boolean;
  /** Base URLs, each settable to a mirror. */
  readonly mirrors: Readonly<Record<'kubernetes' | 'etcd' | 'cniPlugins' | 'containerd' | 'runc', string>>;
  /** `COMPONENT/VERSION/linux-ARCH/FILE` → sha256 that this file must have, wherever it comes from. */
  readonly sha256: Readonly<Record<string, string>>;
}

export interface Endpoint {
  /** The VIP, or with `external` the load balancer's address or name. With one master it may be that master's. */
  readonly address: string;
  readonly port: number;
  /** Set: a load balancer that mcpk does not manage; no haproxy, no keepalived. */
  readonly external: boolean;
  readonly tls: 'passthrough' | 'terminate';
  /** Found from the subnet when absent. */
  readonly interface?: string;
  readonly virtualRouterId: number;
  /** Further names and addresses for the API server's certificate. */
  readonly names: readonly string[];
}

export interface NetworkSettings {
  readonly plugin: 'bridge' | 'calico' | 'none';
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly domain: string;
  /** Size of each node's part of podCidr. */
  readonly nodePrefix: number;
  /** 0 = the interface's. */
  readonly mtu: number;
  readonly calico: {
    readonly manifest?: string;
    readonly sha256?: string;
    readonly encapsulation: 'vxlan' | 'ipip' | 'bgp';
    readonly asNumber: number;
    readonly registry?: string;
  };
}

export interface ComponentSettings {
  /** Flag name without dashes → value; `null` removes a default flag. */
  readonly extraArgs: Readonly<Record<string, string | number | boolean | null>>;
  readonly environment: Readonly<Record<string, FreeText>>;
}

export interface EtcdSettings extends ComponentSettings {
  readonly heartbeatInterval: number; // ms
  readonly electionTimeout: number; // ms
  readonly quotaBytes: number;
  readonly dataDirectory: string;
  /** Absent: no member makes any. */
  readonly backup?: EtcdBackup;
  /** Merged over etcd.yaml. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface EtcdBackup {
  /** OnCalendar of systemd.time(7). */
  readonly schedule: string;
  /** So many of the newest bundles stay on each member. */
  readonly keep: number;
  readonly directory: string;
  /** Who can read the keys in them; empty = whoever reads the file. */
  readonly ageRecipients: readonly string[];
  /** A command, run after each with the file's path as its last word; empty = none. */
  readonly upload: readonly string[];
}

export interface ApiServerSettings extends ComponentSettings {
  readonly port: number;
  readonly nodePortRange: string;
  readonly audit: {
    readonly enabled: boolean;
    readonly directory: string;
    readonly maxAge: number;
    readonly maxBackup: number;
    readonly maxSize: number;
    readonly compress: boolean;
    readonly mode: AuditMode;
    /** Policy of audit.k8s.io/v1, with or without its `apiVersion` and `kind`. */
    readonly policy?: Readonly<Record<string, unknown>>;
    /** `kubeconfig` in upstream's format. */
    readonly webhook?: { readonly kubeconfig: Readonly<Record<string, unknown>>; readonly mode: AuditMode };
  };
  readonly authentication: { readonly jwt: readonly JwtAuthenticator[] };
  readonly admission: {
    readonly podSecurity: PodSecuritySettings;
    /** AdmissionPluginConfiguration of apiserver.config.k8s.io/v1. */
    readonly plugins: readonly {
      readonly name: string;
      readonly path?: string;
      readonly configuration?: Readonly<Record<string, unknown>>;
    }[];
  };
  /** `path` counts from a folder of the API server's. */
  readonly files: readonly { readonly path: string; readonly content: FreeText; readonly mode: string }[];
  readonly shutdownDelay: number;
  readonly watchGracePeriod: number;
  readonly goawayChance: number;
}

export type AuditMode = 'batch' | 'blocking' | 'blocking-strict';

type PodSecurityLevel = 'privileged' | 'baseline' | 'restricted';

export interface PodSecuritySettings {
  /** Absent: a new cluster has it on, one that stands keeps what it has. */
  readonly enabled?: boolean;
  readonly enforce: PodSecurityLevel;
  readonly warn: PodSecurityLevel;
  readonly audit: PodSecurityLevel;
  readonly exemptNamespaces: readonly string[];
}

/** JWTAuthenticator of apiserver.config.k8s.io/v1. */
export interface JwtAuthenticator {
  readonly issuer: {
    readonly url: string;
    readonly discoveryURL?: string;
    /** PEM, also where the inventory names a file. */
    readonly certificateAuthority?: string;
    readonly audiences: readonly string[];
    readonly audienceMatchPolicy?: 'MatchAny';
    readonly egressSelectorType?: string;
  };
  readonly claimMappings: {
    readonly username: PrefixedClaim;
    readonly groups?: PrefixedClaim;
    readonly uid?: Omit<PrefixedClaim, 'prefix'>;
    readonly extra?: readonly { readonly key: string; readonly valueExpression: FreeText }[];
  };
  readonly claimValidationRules?: readonly {
    readonly claim?: string;
    readonly requiredValue?: FreeText;
    readonly expression?: FreeText;
    readonly message?: FreeText;
  }[];
  readonly userValidationRules?: readonly { readonly expression: FreeText; readonly message?: FreeText }[];
}

/** A claim with a prefix, or an expression. */
export interface PrefixedClaim {
  readonly claim?: string;
  readonly prefix?: FreeText;
  readonly expression?: FreeText;
}

export interface NodeServiceSettings extends ComponentSettings {
  /** Merged over KubeletConfiguration, or KubeProxyConfiguration. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface KubeProxySettings extends NodeServiceSettings {
  readonly enabled: boolean;
  readonly mode: 'nftables' | 'iptables' | 'ipvs';
}

export interface ContainerdSettings {
  /** Absent = as the hosts have it (src/states/containerd/source.ts). */
  readonly source?: 'package' | 'upstream';
  readonly sandboxImage: string; // registry.k8s.io/pause without a tag, or with a digest
  /** As containerd's restrict_oom_score_adj; a container without CAP_SYS_RESOURCE needs true. */
  readonly restrictOomScoreAdj: boolean;
  /** Merged over config.toml's tree. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface HaproxySettings {
  readonly maxconn: number;
  readonly statsSocket: string;
  readonly timeouts: {
    readonly connect: string;
    readonly client: string;
    readonly server: string;
    readonly tunnel: string;
    readonly check: string;
  };
  readonly check: { readonly inter: string; readonly downInter: string; readonly fall: number; readonly rise: number };
  /** Lines appended to `global` and `defaults`. */
  readonly extraGlobal: readonly FreeText[];
  readonly extraDefaults: readonly FreeText[];
}

export interface KeepalivedSettings {
  readonly advertInterval: number; // seconds
  readonly extraGlobal: readonly FreeText[];
}

export interface CertificateSettings {
  readonly keyAlgorithm: 'ecdsa-p256' | 'rsa-2048' | 'rsa-4096';
  readonly leafDays: number;
  readonly authorityDays: number;
  readonly renewBeforeDays: number;
}

export interface SystemSettings {
  readonly sysctls: Readonly<Record<string, string>>;
  readonly packages: readonly string[];
  readonly manageHostsFile: boolean;
  readonly timeSync: boolean;
  readonly disableSwap: boolean;
}

export interface Registry extends RegistryAccess {
  /** As in image names: `registry.k8s.io`. */
  readonly name: string;
  readonly mirrors: readonly Mirror[];
  /** The mirrors' certificates neither. */
  readonly skipVerify: boolean;
}

export interface Mirror extends RegistryAccess {
  readonly url: FreeText;
}

export interface RegistryAccess {
  readonly username?: FreeText;
  readonly password?: Secret;
  /** PEM. */
  readonly ca?: string;
}

export interface AddonSettings {
  readonly coredns: {
    readonly enabled: boolean;
    readonly image: string;
    readonly replicas: number;
    readonly serviceAddress: string;
    /** Name servers for names outside the cluster; empty = those of the node. */
    readonly forward: readonly string[];
  };
  /** Further manifests: files or URLs, applied server-side and pruned by label. */
  readonly manifests: readonly { readonly name: string; readonly source: string; readonly sha256?: string }[];
}

/** Hosts that a run talks to: those of the cluster, and those that leave and can still be asked. */
export function contactable(cluster: Pick<Cluster, 'hosts' | 'leaving'>): Host[] {
  return [...cluster.hosts, ...cluster.leaving.filter(({ state }) => state === 'absent')];
}

/** Hosts of the cluster that have a role; none that leaves. */
export function hostsWith(cluster: Cluster, role: Role): Host[] {
  return cluster.hosts.filter((host) => host.roles.includes(role));
}
