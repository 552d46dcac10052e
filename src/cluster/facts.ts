import type { Service } from '../core/services.ts';

/** What a host tells about itself, read in the same round trip that takes the lock. */
export interface HostFacts {
  os: { id: string; version: string; name: string; like: string[] };
  /** As Go names it: amd64, arm64. */
  arch: string;
  kernel: string;
  hostname: string;
  machineId: string;
  /** The VIP is left out. IPv4 only. */
  interfaces: { name: string; addresses: { address: string; prefix: number }[]; mtu: number }[];
  /**
   * A route other than ours leads to 169.254.1.1, the gateway that Calico gives to pods. Linux answers for it (proxy
   * ARP) only where it has a route to it by another interface than the pod's; a default route is one.
   */
  routesPodGateway: boolean;
  /** Any address is routed, Services' ones too. */
  hasDefaultRoute: boolean;
  /** Of a host on which mcpk owns nothing: its IPv4 routes, but default ones and those of its own networks. */
  routes: { to: string; dev: string }[];
  /** Whether the endpoint's VIP sits on one of its interfaces now. */
  holdsVip: boolean;
  memoryBytes: number;
  cpus: number;
  /** Free bytes below /var/lib. */
  diskFreeBytes: number;
  /** Of /var/lib, and of /var/lib/kubelet and containerd's root where they are there, or of folders above that; 0 inodes: made as needed. */
  filesystems: { path: string; freeBytes: number; totalBytes: number; freeInodes: number; inodes: number }[];
  cgroup: 1 | 2;
  /** Host's clock minus ours, ms: by how much at least, as an answer takes its time; 0 when they may be the same. */
  clockSkewMs: number;
  swap: boolean;
  /** Its version; 0 where it is not the init that runs the host. */
  systemd: number;
  /** Whether systemd-resolved runs. */
  resolved: boolean;
  packageManager: 'apt' | 'none';
  /** Listening TCP ports. */
  ports: number[];
  /** The versions of processes that run, which are not always those of the files that lie there: `1.37.1`. */
  runs: Partial<Record<Service, string>>;
  /** Units or binaries of foreign installs that were seen: docker, kubeadm, k3s … */
  foreign: string[];
  /** Modules that nodes need and this kernel neither has nor can load. */
  missingModules: string[];
  /** Installed packages that can't be beside one that mcpk may install. */
  rivals: string[];
  /** Lines of files of sysctls that may be read after mcpk's own at the next boot, and count then. */
  laterSysctls: { file: string; key: string; value: string }[];
  /** nftables.service is enabled, and /etc/nftables.conf flushes the rules of all others, too. */
  flushesRules: boolean;
  /** From /var/lib/mcpk/owned.json. */
  owned: OwnedEntry[];
  /** A run is under way here, or was cut off. */
  unfinished: boolean;
  /** Text of the few files whose present content decides states: etcd.yaml, the state of a restore of etcd, the cluster's record. */
  files: Record<string, string>;
  /** etcd has a write-ahead log here: the data of a member. */
  etcdData: boolean;
  /** What the units of the control plane on this host were given; absent where there are none. */
  ranges?: { services?: string; pods?: string };
  /** What services on this host run by and a cluster that has formed keeps; absent where there are none. */
  kept?: { domain?: string; issuer?: string; etcdPrefix?: string };
  /** Names of the files in /etc/cni/net.d. */
  cniFiles: string[];
}

export interface OwnedEntry {
  ref: string;
  hash: string;
  stage: string;
  /** Further files that leave with it: the key of a certificate. */
  beside?: string[];
}

export interface NodeFacts {
  name: string;
  podCidr?: string;
  ready: boolean;
  kubeletVersion: string;
  /** Who keeps new pods off it; absent = nobody. */
  cordoned?: 'mcpk' | 'other';
}

/**
 * none: no member has data, and none ever had; forming: founders that never were a cluster; formed: a quorum answers;
 * down: it was formed, and a quorum of its members has data but does not answer; lost: it was formed, and too few of
 * its members have data to ever answer.
 */
export type EtcdPhase = 'none' | 'forming' | 'formed' | 'down' | 'lost';

export interface EtcdMember {
  /** Empty until it starts for the first time. */
  name: string;
  peerUrls: readonly string[];
  /** It follows the log and has no vote yet: it answers nothing but its status. */
  isLearner?: true;
  /** It was put into the list and has not started since. */
  unstarted?: true;
  /** That it runs, and of its data; known of the one that was asked. */
  version?: string;
  storage?: string;
}

/** The undo of a step of a run that was cut off, as the host's journal has it: what was done before it was noted. */
export interface OwedUndo {
  stage: string;
  host: string;
  run: string[];
}

export interface Facts {
  hosts: ReadonlyMap<string, HostFacts>;
  /** Hosts that did not answer (allowed only by --skip-unreachable). */
  unreachable: readonly string[];
  etcd: EtcdPhase;
  /** As etcd lists them; absent while no member tells. */
  members?: readonly EtcdMember[];
  /** Who serves now; asked only when a part of the control plane is about to change. */
  standing?: Standing;
  /** A master whose API server answers and lets the administrator read nothing: he is not bound (yet, or any more). */
  apiRefuses?: string;
  /** What runs that were cut off left undone. */
  owed?: readonly OwedUndo[];
  /** The first master whose API server told its nodes; absent while none is ready. */
  apiHost?: string;
  /** Addresses of the API servers that serve, by the API's own list; absent while it is not told. */
  apiServers?: readonly string[];
  /** From the API; absent while no API server is ready. */
  nodes?: ReadonlyMap<string, NodeFacts>;
  /** Calico's, from the API, none where it does not run; absent while no API server is ready. */
  ipPools?: readonly IpPool[];
  /** From the API; absent while no API server is ready. */
  services?: ServiceAddresses;
}

/** What some hosts tell: of the cluster nothing, unless they are all that a run would ask. */
export type FactsOfHosts = Pick<Facts, 'hosts' | 'unreachable'> & Partial<Facts>;

/** Addresses of the two Services that the inventory numbers; one that is not there is left out. */
export interface ServiceAddresses {
  kubernetes?: string;
  dns?: string;
}

export interface Standing {
  /** Hosts whose member is healthy. */
  etcd: readonly string[];
  /** Hosts whose API server is ready. */
  apiServers: readonly string[];
  /** Host whose member leads. */
  etcdLeader?: string;
  /** The lowest that a member runs. */
  etcdVersion?: string;
}

export interface IpPool {
  name: string;
  cidr: string;
  encapsulation: 'vxlan' | 'ipip' | 'bgp';
}

/** What `mcpk etcd status` tells, in this shape with --json. Ids are in decimal digits, as in etcd's own JSON. */
export interface EtcdReport {
  cluster: string;
  clusterId: string;
  /** Member that leads; absent = none does. */
  leader?: string;
  /** A quorum of the members is healthy. */
  quorum: boolean;
  revision: number;
  alarms: { member: string; alarm: string }[];
  members: MemberReport[];
}

export interface MemberReport {
  /** Empty until it starts for the first time. */
  name: string;
  id: string;
  /** Host of the inventory; absent for a member of none. */
  host?: string;
  peerUrls: string[];
  role: 'leader' | 'voter' | 'learner' | 'unstarted';
  healthy: boolean;
  /** Why it is not. */
  problem?: string;
  version?: string;
  storageVersion?: string;
  databaseBytes?: number;
  inUseBytes?: number;
  quotaBytes?: number;
  raftIndex?: number;
  /** Entries of the log that others have, and it has not. They are asked one after another: a few are none. */
  raftLag?: number;
  /** The newest bundle of `etcd.backup` on it. */
  backup?: { name: string; bytes: number; ageSeconds: number };
}

/** What moved since the last run that changed a host that had or could have it, as far as the hosts' journals go back. */
export interface Moves {
  /** End of that run; times are of this machine's clock, ISO 8601. */
  since: string;
  /** Absent where there is none that can move. */
  vip?: Move[];
  etcdLeader?: Move[];
  /** A host told only the last ones. */
  incomplete?: true;
}

/** The latest last. */
export interface Move {
  at: string;
  /** Absent where nobody knows any more. */
  from?: string;
  to: string;
}
