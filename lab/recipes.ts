import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CALICO, calicoModuleVersion, goModule, KUBERNETES, staged } from './go-modules.ts';
import { COMPONENT_FILES, type Component } from './versions.ts';

/** A Go module of our own that names the wanted programs as tools, so that their versions are pinned. */
export interface Recipe {
  tools: readonly string[];
  requires: Readonly<Record<string, string>>;
  replaces: Readonly<Record<string, string>>;
  /** `importpath.Variable` → value, put in by the linker. */
  variables: Readonly<Record<string, string>>;
  /** Programs of our own, out of the module's packages: name → main.go. */
  mains?: Readonly<Record<string, string>>;
  /** Program → package whose tests it is. */
  tests?: Readonly<Record<string, string>>;
  /** Program as Go names it → name in upstream's release. */
  renames?: Readonly<Record<string, string>>;
  tags?: readonly string[];
  /** Has C in it, and is linked whole, so that it runs on any host. */
  cgo?: true;
}

/** How a component's programs are built. */
export async function recipeOf(component: Component, version: string): Promise<Recipe> {
  switch (component) {
    case 'kubernetes':
      return kubernetes(version);
    case 'etcd':
      return etcd(version);
    case 'cni-plugins':
      return cniPlugins(version);
    case 'containerd':
      return containerd(version);
    case 'runc':
      return runc(version);
    case 'coredns':
      return coredns(version);
    case 'calico':
      return calico(version);
    case 'conformance':
      return conformance(version);
    case 'sample-apiserver':
      return sampleApiserver(version);
    case 'agnhost-coredns':
      return withPlugins(version, ['hosts', 'log']);
  }
}

/**
 * k8s.io/kubernetes takes its libraries from its own staging tree; a module that requires it must
 * replace each by the version published beside it (v1.37.1 → v0.37.1). Which ones these are differs
 * by release, so they are read from the release's own go.mod.
 */
async function kubernetes(version: string): Promise<Recipe> {
  const { GoMod } = await goModule(KUBERNETES, `v${version}`);
  const text = await readFile(GoMod, 'utf8');
  const names = [...text.matchAll(/^\s*(?:replace\s+)?(k8s\.io\/\S+)\s+=>\s+\.\/staging\//gm)].map(
    (match) => match[1] ?? '',
  );
  return {
    tools: COMPONENT_FILES.kubernetes.map((name) => `${KUBERNETES}/cmd/${name}`),
    requires: { [KUBERNETES]: `v${version}` },
    replaces: Object.fromEntries(names.map((name) => [name, `${name} ${staged(version)}`])),
    variables: versionVariables(version),
  };
}

/** Without them the programs call themselves v0.0.0 and every check of version skew goes wrong. */
function versionVariables(version: string): Record<string, string> {
  const [major = '1', minor = '0'] = version.split('.');
  const values = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const packages = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'];
  return Object.fromEntries(
    packages.flatMap((path) => Object.entries(values).map(([name, value]) => [`${path}.${name}`, value])),
  );
}

/** Upstream's end-to-end tests, what runs them in parallel, and the program that most of their pods run. */
async function conformance(version: string): Promise<Recipe> {
  const { Dir } = await goModule(KUBERNETES, `v${version}`);
  const agnhost = (await readFile(join(Dir, 'test/images/agnhost/VERSION'), 'utf8')).trim();
  const { requires, replaces, variables } = await kubernetes(version);
  return {
    requires,
    replaces,
    tools: ['agnhost', 'nonewprivs']
      .map((name) => `${KUBERNETES}/test/images/${name}`)
      .concat('github.com/onsi/ginkgo/v2/ginkgo'),
    tests: { 'e2e.test': `${KUBERNETES}/test/e2e` },
    variables: { ...variables, 'main.Version': agnhost },
    renames: { nonewprivs: 'nnp' },
  };
}

/** An API server for the aggregator: an older one, as upstream's list of images wants it. */
function sampleApiserver(version: string): Recipe {
  const module = 'k8s.io/sample-apiserver';
  return { tools: [module], requires: { [module]: staged(version) }, replaces: {}, variables: {} };
}

function etcd(version: string): Recipe {
  const modules = ['server', 'etcdctl', 'etcdutl'].map((name) => `go.etcd.io/etcd/${name}/v3`);
  return {
    tools: modules,
    requires: Object.fromEntries(modules.map((module) => [module, `v${version}`])),
    replaces: {},
    variables: { 'go.etcd.io/etcd/api/v3/version.GitSHA': `v${version}` },
    renames: { server: 'etcd' },
  };
}

/** With the plugins of our Corefile alone: those for clouds and tracing are half of what there is to compile. */
function coredns(version: string): Recipe {
  const own = ['cache', 'errors', 'forward', 'health', 'kubernetes', 'loadbalance'];
  return withPlugins(version, [...own, 'log', 'loop', 'metrics', 'ready', 'reload']);
}

function withPlugins(version: string, plugins: readonly string[]): Recipe {
  const module = 'github.com/coredns/coredns';
  const imports = plugins.map((name) => `import _ "${module}/plugin/${name}"\n`);
  const main = `package main\n\nimport "${module}/coremain"\n${imports.join('')}\nfunc main() { coremain.Run() }\n`;
  return { tools: [], mains: { coredns: main }, requires: { [module]: `v${version}` }, replaces: {}, variables: {} };
}

/** Without the snapshotters for file systems that no host of the lab has, two of which need C. */
function containerd(version: string): Recipe {
  const module = 'github.com/containerd/containerd/v2';
  return {
    tools: COMPONENT_FILES.containerd.map((name) => `${module}/cmd/${name}`),
    requires: { [module]: `v${version}` },
    replaces: {},
    variables: { [`${module}/version.Version`]: `v${version}` },
    tags: ['no_btrfs', 'no_devmapper', 'no_zfs'],
  };
}

/** With libseccomp, as pods get the runtime's seccomp profile. */
function runc(version: string): Recipe {
  const module = 'github.com/opencontainers/runc';
  return {
    tools: [module],
    requires: { [module]: `v${version}` },
    replaces: {},
    variables: { 'main.version': version },
    tags: ['seccomp', 'netgo', 'osusergo'],
    cgo: true,
  };
}

function cniPlugins(version: string): Recipe {
  const folders: Record<string, string> = {
    bridge: 'main',
    loopback: 'main',
    'host-local': 'ipam',
  };
  const module = 'github.com/containernetworking/plugins';
  return {
    tools: COMPONENT_FILES['cni-plugins'].map((name) => `${module}/plugins/${folders[name] ?? 'meta'}/${name}`),
    requires: { [module]: `v${version}` },
    replaces: {},
    variables: { [`${module}/pkg/utils/buildversion.BuildVersion`]: `v${version}` },
  };
}

/** Without cgo: upstream's way for other processors. What is lost are the BPF dataplane and XDP. */
async function calico(version: string): Promise<Recipe> {
  const module = calicoModuleVersion(version);
  const { GoMod } = await goModule(CALICO, module);
  const text = await readFile(GoMod, 'utf8');
  const carried = [...text.matchAll(/^\s+(\S+) => (\S+ v\S+)$/gm)].map(([, from = '', to = '']): [string, string] => [
    from,
    to,
  ]);
  return {
    tools: [
      'node/cmd/calico-node',
      'cni-plugin/cmd/calico',
      'cni-plugin/cmd/install',
      'kube-controllers/cmd/kube-controllers',
      'kube-controllers/cmd/check-status',
    ].map((path) => `${CALICO}/${path}`),
    requires: { [CALICO]: module },
    replaces: {
      ...Object.fromEntries(carried),
      // Upstream builds it from a folder of its own repository.
      'github.com/projectcalico/api': 'github.com/projectcalico/api v0.0.0-20240708202104-e3f70b269c2c',
      // Windows only and never compiled here; the version that upstream names can't be had as a module.
      'github.com/Microsoft/hcsshim': 'github.com/Microsoft/hcsshim v0.11.7',
    },
    variables: {
      [`${CALICO}/node/pkg/lifecycle/startup.VERSION`]: `v${version}`,
      [`${CALICO}/node/buildinfo.GitVersion`]: `v${version}`,
      [`${CALICO}/node/buildinfo.GitRevision`]: module.slice(-12),
      'main.VERSION': `v${version}`,
    },
  };
}
