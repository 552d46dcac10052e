import type {
  ApiServerSettings,
  Cluster,
  Endpoint,
  FreeText,
  HostState,
  Mirror,
  NodeServiceSettings,
  Registry,
  Role,
  SshSettings,
} from './types.ts';

/** The YAML form, once it fits the schema: as `Cluster`, but with what is inherited or computed left out. */
export interface ClusterInput {
  readonly name?: string;
  readonly hosts?: readonly (HostInput | undefined)[];
  readonly groups?: Readonly<Partial<Record<Role, GroupInput>>>;
  readonly endpoint?: Partial<Endpoint>;
}

/** `null` gives up what is inherited. */
export interface GroupInput {
  readonly ssh?: { readonly [K in keyof SshInput]: SshInput[K] | null } | null;
  readonly labels?: Readonly<Record<string, string | null>> | null;
  readonly taints?: readonly string[] | null;
  readonly kubelet?: ServiceInput | null;
  readonly kubeProxy?: ServiceInput | null;
  readonly pillar?: Readonly<Record<string, unknown>> | null;
}

export interface ServiceInput {
  readonly config?: NodeServiceSettings['config'] | null;
  readonly extraArgs?: NodeServiceSettings['extraArgs'] | null;
  readonly environment?: Readonly<Record<string, NodeServiceSettings['environment'][string] | null>> | null;
}

export interface HostInput extends GroupInput {
  readonly name: string;
  readonly address: string;
  readonly internalAddress?: string;
  readonly roles: readonly Role[];
  readonly state?: HostState;
  readonly priority?: number;
  readonly vipInterface?: string;
}

export type JumpInput = string | { readonly user?: string; readonly address: string; readonly port?: number };

export interface SshInput extends Partial<Omit<SshSettings, 'jump' | 'becomePassword'>> {
  readonly jump?: string | readonly JumpInput[];
  readonly becomePassword?: string;
}

type WithText<T extends { readonly password?: unknown }> = Omit<T, 'password'> & { readonly password?: string };

export interface RegistryInput extends WithText<Omit<Registry, 'mirrors'>> {
  readonly mirrors: readonly (FreeText | WithText<Mirror>)[];
}

/** The form with the schema's literal defaults filled in. */
export interface FilledInput extends Omit<
  Cluster,
  'hosts' | 'leaving' | 'endpoint' | 'artifacts' | 'registries' | 'addons' | 'files' | 'apiServer'
> {
  readonly ssh: Omit<SshSettings, 'jump' | 'becomePassword' | 'agent'> &
    Pick<SshInput, 'jump' | 'becomePassword' | 'agent'>;
  readonly endpoint: Omit<Endpoint, 'address'> & { readonly address?: string };
  readonly artifacts: Omit<Cluster['artifacts'], 'directory'> & { readonly directory?: string };
  readonly registries: readonly RegistryInput[];
  readonly addons: Omit<Cluster['addons'], 'coredns'> & {
    readonly coredns: Omit<Cluster['addons']['coredns'], 'image' | 'serviceAddress'> & {
      readonly image?: string;
      readonly serviceAddress?: string;
    };
  };
  readonly apiServer: Omit<ApiServerSettings, 'files'> & {
    readonly files: readonly (ApiServerSettings['files'][number] & { readonly secret: boolean })[];
  };
}
