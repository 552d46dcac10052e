/** Units by the names of their executables: what a cluster runs, in the order in which it is upgraded. */
export const SERVICES = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'containerd',
  'haproxy',
  'keepalived',
] as const;

export type Service = (typeof SERVICES)[number];

/** `etcd.service` → `etcd`. */
export function serviceOf(unit: string): Service | undefined {
  return SERVICES.find((name) => unit === `${name}.service`);
}

/** The setting below `versions` that a service's version comes from; undefined for those of the distribution's packages. */
export function versionSetting(service: Service): 'etcd' | 'kubernetes' | undefined {
  if (service === 'etcd') return 'etcd';
  return service.startsWith('kube') ? 'kubernetes' : undefined;
}

/** Host, or name of a Node that is of no host that was read → service → version of the process. */
export type Running = ReadonlyMap<string, Partial<Record<Service, string>>>;

/** What an executable says to `--version`, whatever stands around it: `Kubernetes v1.37.1`; undefined for none. */
export function versionSaid(text: string): string | undefined {
  return /(?:^|\s)v?(\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)\.\d+)?)/.exec(text)?.[1];
}
