/** What a host tells about itself, read in the same round trip that takes the lock. */
export interface HostFacts {
  os: { id: string; version: string; name: string; like: string[] };
  /** As Go names it: amd64, arm64. */
  arch: string;
  kernel: string;
  hostname: string;
  machineId: string;
  bootId: string;
  /** The VIP is left out. IPv4 only. */
  interfaces: { name: string; addresses: { address: string; prefix: number }[]; mtu: number }[];
  /**
   * A route other than ours leads to 169.254.1.1, the gateway that Calico gives to pods. Linux answers for it (proxy
   * ARP) only where it has a route to it by another interface than the pod's; a default route is one.
   */
  routesPodGateway: boolean;
  /** Whether the endpoint's VIP sits on one of its interfaces now. */
  holdsVip: boolean;
  memoryBytes: number;
  cpus: number;
  /** Free bytes below /var/lib. */
  diskFreeBytes: number;
  cgroup: 1 | 2;
  /** Host's clock minus ours, ms, corrected by half of the round trip. */
  clockSkewMs: number;
  swap: boolean;
  systemd: number;
  /** Whether systemd-resolved and systemd-networkd run. */
  resolved: boolean;
  networkd: boolean;
  packageManager: 'apt' | 'none';
  /** Listening TCP ports. */
  ports: number[];
  /** Units or binaries of foreign installs that were seen: docker, kubeadm, k3s … */
  foreign: string[];
  /** From /var/lib/mcpk/owned.json. */
  owned: OwnedEntry[];
  /** A run is under way here, or was cut off. */
  unfinished: boolean;
  /** Text of the few files whose present content decides states: etcd.yaml. */
  files: Record<string, string>;
  /** The data directory of etcd has a member. */
  etcdData: boolean;
  /** What the units of the control plane on this host were given; absent where there are none. */
  ranges?: { services?: string; pods?: string };
  kernelFeatures: string[];
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
}

export interface Facts {
  hosts: ReadonlyMap<string, HostFacts>;
  /** Hosts that did not answer (allowed only by --skip-unreachable). */
  unreachable: readonly string[];
  /** none: no member has data; formed: a quorum reports one cluster id. */
  etcd: 'none' | 'forming' | 'formed';
  /** Who serves now; asked only when a part of the control plane is about to change. */
  standing?: Standing;
  /** From the API; absent while no API server is ready. */
  nodes?: ReadonlyMap<string, NodeFacts>;
  /** Calico's, from the API, none where it does not run; absent while no API server is ready. */
  ipPools?: readonly IpPool[];
  /** From the API; absent while no API server is ready. */
  services?: ServiceAddresses;
}

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
