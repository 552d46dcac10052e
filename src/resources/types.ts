import type { Secret } from '../core/secret.ts';

/**
 * A resource is plain data: what one thing on one host shall be. `kind:id` names it on its host, and
 * two stages that describe the same one are a compile error.
 *
 * Paths are absolute, free of control characters and backslashes (compile refuses others).
 */
export type Resource =
  | FileResource
  | DirectoryResource
  | LinkResource
  | PackageResource
  | UnitResource
  | SysctlResource
  | KernelModuleResource
  | UserResource
  | BinaryResource
  | CertificateResource
  | SharedSecretResource
  | ClusterRecordResource
  | CommandResource
  | KubeObjectResource;

export type Kind = Resource['kind'];

/** `file:/etc/etcd/etcd.yaml`, `unit:etcd.service`: how requisites and inputs name another resource of the host. */
export type Ref = `${Kind}:${string}`;

interface Common {
  /** Beyond the implied ones (file → owner and parent; unit → package, files, binary; validation → what it reads). */
  requires?: Ref[];
  /**
   * May cut the way on which the host is reached: the host puts the stage back by itself unless it is reached anew
   * after the change.
   */
  guarded?: boolean;
}

export interface FileResource extends Common {
  kind: 'file';
  path: string;
  /** A Secret is never shown; its hash is not published either. */
  content: string | Secret;
  mode: string; // '0644'
  owner: string;
  group: string;
  /** Run before the rename, `{}` stands for the new file's path: `['haproxy', '-c', '-f', '{}']`. */
  validate?: string[];
  /** Only the lines between `# BEGIN mcpk NAME` and `# END mcpk NAME` are ours. */
  block?: string;
  /** Lines (regular expression) that are read once in the life of what reads the file: nobody is restarted for them. */
  readOnce?: string;
}

export interface DirectoryResource extends Common {
  kind: 'directory';
  path: string;
  mode: string;
  owner: string;
  group: string;
  /** Entries that no resource describes are removed (the CNI folder: the first name wins there). */
  exclusive?: boolean;
  /** Names that somebody else writes there, and that stay although no resource describes them. */
  except?: readonly string[];
}

export interface LinkResource extends Common {
  kind: 'link';
  path: string;
  target: string;
}

export interface PackageResource extends Common {
  kind: 'package';
  name: string;
  /** Exactly this one, as dpkg writes it; absent = any. */
  version?: string;
  /** Runtime-masked while dpkg runs, so that nothing starts with a stock configuration. */
  units: string[];
  /** apt-mark hold. */
  hold: boolean;
  /** Packages that can't be beside it, and are taken off for it; no other ever is. */
  replaces?: string[];
  /** Packages that we hold and that change along with it where it needs another version of them. */
  moves?: string[];
}

export interface UnitInput {
  ref: Ref;
  /** What a change of it calls for. */
  on: 'live' | 'reload' | 'restart';
}

export interface UnitResource extends Common {
  kind: 'unit';
  name: string; // 'etcd.service'
  enabled: boolean;
  state: 'running' | 'stopped';
  inputs: UnitInput[];
  /** `systemctl start --no-block`: members of a new etcd wait for each other. */
  noBlock?: boolean;
  /** Seconds until a start counts as failed. */
  timeout?: number;
}

export interface SysctlResource extends Common {
  kind: 'sysctl';
  key: string; // net.ipv4.ip_forward
  value: string;
}

export interface KernelModuleResource extends Common {
  kind: 'kernelModule';
  name: string;
  /** A path whose existence also proves that it is there (built in, no module file). */
  evidence?: string;
}

export interface UserResource extends Common {
  kind: 'user';
  name: string;
  group: string;
  home: string;
}

/** A binary in the store of the host, `/var/lib/mcpk/store/SHA256`, mode 0755; a link makes it a command. */
export interface BinaryResource extends Common {
  kind: 'binary';
  name: string;
  version: string;
  sha256: string;
  /** File on the operator's side. */
  source: string;
  size: number;
}

/** The parts of a subject that Kubernetes reads. */
export interface Subject {
  CN: string;
  O: string[];
}

export interface CertificateResource extends Common {
  kind: 'certificate';
  /** Path of the PEM certificate. */
  path: string;
  /** Path of the PEM key, 0600; equal to `path` when both share one file (kubelet's rotated pair). */
  keyPath: string;
  authority: string; // id of the sharedSecret that signs
  subject: Subject;
  dns: string[];
  ip: string[];
  /** Addresses that one which is there may have besides: the host's own, at which it was known before. */
  sparedIp?: string[];
  usages: ('server' | 'client')[];
  days: number;
  renewBeforeDays: number;
  keyAlgorithm: 'ecdsa-p256' | 'rsa-2048' | 'rsa-4096';
  owner: string;
  group: string;
  /** Somebody else renews it: only expired or untrusted is a difference. */
  rotatedBy?: string;
}

/** What a sharedSecret is made of, and its items' names. */
export type SecretRecipe =
  /** Items `cert` (PEM), `key` (PEM, secret), `bundle` (PEM of all trusted certificates). */
  | { type: 'authority'; commonName: string; days: number; keyAlgorithm: CertificateResource['keyAlgorithm'] }
  /** Items `private` (secret) and `public`. */
  | { type: 'keypair'; keyAlgorithm: CertificateResource['keyAlgorithm'] }
  /** Item `config`: an EncryptionConfiguration with a secretbox key (secret). */
  | { type: 'encryption-config'; resources: string[] };

export interface SharedSecretResource extends Common {
  kind: 'sharedSecret';
  id: string; // 'authority/cluster'
  recipe: SecretRecipe;
  files: { item: string; path: string; mode: string; owner: string; group: string }[];
  /** This host keeps the secret itself (a master); others only get public items. */
  holder: boolean;
}

/** Of which cluster the host is a part, `/var/lib/mcpk/cluster.json`. */
export interface ClusterRecordResource extends Common {
  kind: 'clusterRecord';
  /** Its name. */
  cluster: string;
  /** Id of the sharedSecret that tells it from others of its name, where no host says so yet. */
  authority: string;
  /** What a host says of the cluster's authority. */
  known?: string;
}

export interface CommandResource extends Common {
  kind: 'command';
  id: string;
  argv: string[];
  /** Unchanged when this exits 0. */
  unless?: string[];
  /** Changed only when a line of the file matches: a text costs a host less than a process. */
  onlyif?: { file: string; line: string };
  /** Unchanged when this path exists. */
  creates?: string;
  /** Going back leaves what it did, and nobody minds. */
  needsNoUndo?: true;
  /** Shown in the plan. */
  title: string;
}

/** Lives on the pseudo-host `api`. */
export interface KubeObjectResource extends Common {
  kind: 'kubeObject';
  /** apiVersion/Kind/namespace/name */
  id: string;
  object: Readonly<Record<string, unknown>>;
  /** Node labels and taints: apply only these fields, never create or prune the object. */
  partial?: boolean;
}

/* ---- what the probe reads ---- */

/** One request per host; all resources' reads are merged into it. Encoded by engine/wire, answered by probe.sh. */
export interface Reads {
  /** Stat (type, mode, owner, group, link target) and, for regular files, sha256. */
  paths: string[];
  /** Text wanted whatever it is (certificates, blocks), up to 1 MiB. */
  texts: string[];
  /** Certificates of PEM files that hold a key too: only the certificates are read, into `texts`. */
  certificates: string[];
  /** Text wanted when the file's hash differs from this one (for the diff); never asked for secrets. */
  differing: { path: string; sha256: string }[];
  /** Names of the entries of these directories. */
  listings: string[];
  /** Store files, hashed with the host's memory of size, mtime, ctime, inode. */
  binaries: string[];
  units: string[];
  /** What the process of a unit must be a run of: one of these files, behind links. Paths without blanks. */
  executables: { unit: string; paths: string[] }[];
  packages: string[];
  sysctls: string[];
  modules: { name: string; evidence?: string }[];
  users: string[];
  /** Exit codes wanted. */
  commands: { id: string; argv: string[] }[];
}

export interface PathState {
  type: 'file' | 'directory' | 'link' | 'other';
  mode: string; // '0644'
  owner: string;
  group: string;
  size: number;
  /** Seconds since the epoch, fractional. */
  ctime: number;
  target?: string; // of a link
  sha256?: string; // of a regular file
}

export interface UnitState {
  loadState: string;
  activeState: string;
  subState: string;
  unitFileState: string;
  needDaemonReload: boolean;
  invocationId: string;
  /** Seconds since the epoch; 0 = never started. */
  startedAt: number;
  restarts: number;
  fragmentPath: string;
  dropIns: string[];
  /** Its process runs another file than the executables that were asked for are now. */
  runsOther?: true;
  /** `restartDigest reloadDigest invocationId` of the last good start, from /run/mcpk/stamps. */
  stamp?: { restart: string; reload: string; invocationId: string };
}

/** All that one probe saw on one host. Absent things have no entry. */
export interface Observed {
  paths: Record<string, PathState>;
  texts: Record<string, string>;
  listings: Record<string, string[]>;
  /** path → sha256 */
  binaries: Record<string, string>;
  units: Record<string, UnitState>;
  packages: Record<string, { version: string; status: string; held: boolean }>;
  sysctls: Record<string, string>;
  modules: Record<string, boolean>;
  users: Record<string, { group: string; home: string; shell: string }>;
  commands: Record<string, number>;
}

/* ---- comparison ---- */

/** State of a sharedSecret over all hosts that hold it. */
export interface SharedState {
  state: 'absent' | 'held';
  /** Host that can give it to the others, when held. */
  from?: string;
  /** item → sha256 of what all holders have. */
  hashes: Record<string, string>;
  /** item → text, public items only. */
  texts: Record<string, string>;
}

export interface CompareContext {
  host: string;
  shared: ReadonlyMap<string, SharedState>;
  /** What mcpk wrote on this host, from owned.json: ref → hash. */
  owned: ReadonlyMap<string, string>;
  /** Comparison of another resource of the same host that was compared before (inputs of a unit). */
  of(ref: Ref): { resource: Resource; comparison: Comparison } | undefined;
  /** Paths that a resource of any kind is made of. */
  pathsOf(resource: Resource): string[];
  now: Date;
}

export type Comparison = Change | Unchanged | Deferred;

export interface Unchanged {
  result: 'unchanged';
  reason: string;
  /** Identity of the present content, for unit stamps and owned.json. */
  hash: string;
  /** What it counts as to who has read it: {@link FileResource.readOnce}. */
  readAs?: string;
}

export interface Deferred {
  result: 'deferred';
  until: string; // stage name
  why: string;
}

/** `forget`: what was taken for ours is left as it is, and no longer remembered. */
export type Verb =
  | 'create'
  | 'update'
  | 'remove'
  | 'start'
  | 'stop'
  | 'restart'
  | 'reload'
  | 'enable'
  | 'run'
  | 'issue'
  | 'install'
  | 'forget';

export interface Change {
  result: 'change';
  verb: Verb;
  /** Shown to the user: why it differs. One line each. */
  reasons: string[];
  /** Content identity after the change; `''` when it is known only after (a certificate to be issued). */
  hash: string;
  /** Hash of the observed state that this rests on. */
  rests: string;
  /** Old and new text for a unified diff; absent for secrets and binaries. */
  diff?: { before: string; after: string };
  /** A certificate's or secret's specification, instead of bytes. */
  specification?: string[];
  /** Only mode or owner change: whoever reads it need not read it anew. */
  accessOnly?: true;
  /** Only lines change that nobody reads any more. */
  unread?: true;
  /** What it counts as to who has read it: {@link FileResource.readOnce}. */
  readAs?: string;
  /** A unit that runs with its present inputs, of which no stamp tells so: it gets one. */
  stamps?: true;
  /**
   * A unit that did not run when it was read, and whose inputs change: one that came up by itself meanwhile (a boot,
   * systemd's own restart) runs with the old ones and must start again.
   */
  renews?: true;
  /** Paths that nobody describes and that go: foreign drop-ins, foreign entries of an exclusive directory. */
  removes?: string[];
  /** Why it can't be undone, if so. */
  irreversible?: string;
}

/* ---- convergence ---- */

/** What can't be data at plan time: signed, generated or copied on the way. Given by the engine. */
export interface Materials {
  /** PEM certificate chain and key for this resource, dated `now`. */
  leaf(resource: CertificateResource, now?: Date): Promise<{ cert: string; key: Secret }>;
  /** An item of a sharedSecret, generated or copied from a holder. */
  item(id: string, item: string): Promise<string | Secret>;
}

/** The operations of converge: data for fixed code. One resource gives a short list of them. */
export type Op =
  | {
      op: 'write';
      path: string;
      mode: string;
      owner: string;
      group: string;
      content: string | Secret;
      validate?: string[];
    }
  /** Mode and owner of a file that is there. */
  | { op: 'access'; path: string; mode: string; owner: string; group: string }
  | { op: 'mkdir'; path: string; mode: string; owner: string; group: string }
  | { op: 'link'; path: string; target: string }
  /** A file, link or directory tree; kept in the generation store. */
  | { op: 'remove'; path: string }
  /** A file that must not come back: overwritten, and kept nowhere. */
  | { op: 'destroy'; path: string }
  /** Only when empty: what others keep in it stays. */
  | { op: 'rmdir'; path: string }
  | { op: 'install'; packages: string[]; mask: string[]; hold: string[]; replaced: string[]; moved?: string[] }
  | { op: 'sysctl'; key: string; value: string }
  | { op: 'modprobe'; name: string }
  | { op: 'user'; name: string; group: string; home: string }
  /** `keeps`: what it changes and shall come back with a rollback. */
  | { op: 'run'; argv: string[]; keeps?: string[] }
  | { op: 'daemon-reload' }
  | {
      op: 'unit';
      action: 'start' | 'restart' | 'reload' | 'stop' | 'enable' | 'disable';
      name: string;
      noBlock: boolean;
      timeout: number;
    }
  /** Written after the unit is active. */
  | { op: 'stamp'; unit: string; restart: string; reload: string }
  /** What that run's stream of the same stage did on the host is undone. */
  | { op: 'restore'; run: string };

/** A file on the operator's side, and where it goes. */
export interface Upload {
  source: string;
  path: string;
  sha256: string;
  size: number;
}

/**
 * One resource kind: pure functions, no I/O.
 * `src/resources/<kind>.ts` exports one of these; `src/resources/kinds.ts` is the table of all.
 */
export interface ResourceKind<R extends Resource> {
  /** Names it on its host, after `kind:`. */
  id(resource: R): string;
  /** Paths that it is made of: one thing each, for one stage. Their times tell a unit what it has not read yet. */
  paths(resource: R): string[];
  /** Those of its paths that must be as the plan saw them when it changes; absent = all. */
  preconditions?(resource: R): string[];
  /** Adds what must be observed to the host's request. */
  reads(resource: R, into: Reads): void;
  compare(resource: R, observed: Observed, context: CompareContext): Comparison;
  /** The operations that carry out `change`. */
  converge(resource: R, change: Change, materials: Materials, observed: Observed): Promise<Op[]>;
  /**
   * Operations for something owned that is no longer wanted; [] when nothing is to be done on the host. `beside`:
   * the further files that it was laid down with.
   */
  remove(id: string, beside: readonly string[]): Op[];
  /** The further files that its id does not name, for `remove`. */
  beside?(resource: R): string[];
  /** What travels to its host ahead of the operations. */
  upload?(resource: R): Upload;
  /** An operation, with hashes that are known only as its host converges; `hashOf` gives '' for what is no resource there. */
  withHashes?(op: Op, resource: R, hashOf: (ref: Ref) => string): Op;
  /** Its hash is made of others': owned.json keeps none of it. */
  derived?: true;
  /** References that must have converged before it, beside `requires`. */
  implied(resource: R): Ref[];
  /** One line for the plan: `/etc/etcd/etcd.yaml`, `kube-apiserver.service`. */
  title(resource: R): string;
}
