import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { LabError } from './errors.ts';
import { ensureCompiler } from './machine.ts';
import { ARCH } from './paths.ts';
import { isOnPath, run } from './run.ts';
import { COMPONENT_FILES, type Component } from './versions.ts';

/** A Go module of our own that names the wanted programs as tools, so that their versions are pinned. */
interface Recipe {
  tools: readonly string[];
  requires: Readonly<Record<string, string>>;
  replaces: Readonly<Record<string, string>>;
  /** `importpath.Variable` → value, put in by the linker. */
  variables: Readonly<Record<string, string>>;
  /** Programs of our own, out of the module's packages: name → main.go. */
  mains?: Readonly<Record<string, string>>;
  /** Program as Go names it → name in upstream's release. */
  renames?: Readonly<Record<string, string>>;
  tags?: readonly string[];
  /** Has C in it, and is linked whole, so that it runs on any host. */
  cgo?: true;
}

/**
 * Builds a component's programs from Go modules into `directory`/bin, for places where the Go
 * module proxy can be reached and upstream's release server cannot.
 */
export async function goBuild(component: Component, version: string, directory: string): Promise<void> {
  await requireGo(component, version);
  const recipe = await recipeOf(component, version);
  await mkdir(join(directory, 'bin'), { recursive: true });
  await writeFile(join(directory, 'go.mod'), goMod(recipe));
  for (const [name, text] of Object.entries(recipe.mains ?? {})) {
    await mkdir(join(directory, name));
    await writeFile(join(directory, name, 'main.go'), text);
  }
  if (recipe.cgo) await ensureCompiler();
  const env = { ...goEnvironment(), ...(recipe.cgo ? { CGO_ENABLED: '1' } : {}) };
  await run(['go', 'mod', 'tidy'], { cwd: directory, env });
  await run(
    [
      'nice',
      '-n',
      '10',
      'go',
      'build',
      '-p',
      '2',
      '-trimpath',
      '-tags',
      (recipe.tags ?? []).join(','),
      '-ldflags',
      linkerFlags(recipe),
      '-o',
      'bin/',
      ...recipe.tools,
      ...Object.keys(recipe.mains ?? {}).map((name) => `./${name}`),
    ],
    { cwd: directory, env },
  );
  for (const [from, to] of Object.entries(recipe.renames ?? {})) {
    await rename(join(directory, 'bin', from), join(directory, 'bin', to));
  }
}

async function requireGo(component: Component, version: string): Promise<void> {
  if (await isOnPath('go')) return;
  throw new LabError(`${component} ${version} cannot be downloaded from upstream and Go is not installed to build it`, {
    hint: 'install Go 1.26 or newer (https://go.dev/dl), or put the binaries into the cache by hand; see CONTRIBUTING.md',
  });
}

/** The machine's own Go settings hold; only what would change the result is set. */
function goEnvironment(): Record<string, string> {
  return {
    CGO_ENABLED: '0',
    GOOS: 'linux',
    GOARCH: ARCH,
    GOWORK: 'off',
    GOMAXPROCS: process.env['GOMAXPROCS'] ?? String(cpus().length),
  };
}

async function recipeOf(component: Component, version: string): Promise<Recipe> {
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
  }
}

/**
 * k8s.io/kubernetes takes its libraries from its own staging tree; a module that requires it must
 * replace each by the version published beside it (v1.37.1 → v0.37.1). Which ones these are differs
 * by release, so they are read from the release's own go.mod.
 */
async function kubernetes(version: string): Promise<Recipe> {
  const staged = `v0.${version.split('.').slice(1).join('.')}`;
  const { GoMod } = await goModule('k8s.io/kubernetes', `v${version}`);
  const text = await readFile(GoMod, 'utf8');
  const names = [...text.matchAll(/^\s*(?:replace\s+)?(k8s\.io\/\S+)\s+=>\s+\.\/staging\//gm)].map(
    (match) => match[1] ?? '',
  );
  const replaces = Object.fromEntries(names.map((name) => [name, `${name} ${staged}`]));
  const [major, minor] = version.split('.');
  const prefix = 'k8s.io/component-base/version';
  return {
    tools: COMPONENT_FILES.kubernetes.map((name) => `k8s.io/kubernetes/cmd/${name}`),
    requires: { 'k8s.io/kubernetes': `v${version}` },
    replaces,
    // Without them the programs call themselves v0.0.0 and every check of version skew goes wrong.
    variables: {
      [`${prefix}.gitVersion`]: `v${version}`,
      [`${prefix}.gitMajor`]: major ?? '1',
      [`${prefix}.gitMinor`]: minor ?? '0',
      [`${prefix}.gitTreeState`]: 'clean',
      'k8s.io/client-go/pkg/version.gitVersion': `v${version}`,
    },
  };
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
  const module = 'github.com/coredns/coredns';
  const plugins = ['cache', 'errors', 'forward', 'health', 'kubernetes', 'loadbalance']
    .concat(['log', 'loop', 'metrics', 'ready', 'reload'])
    .map((name) => `import _ "${module}/plugin/${name}"\n`);
  const main = `package main\n\nimport "${module}/coremain"\n${plugins.join('')}\nfunc main() { coremain.Run() }\n`;
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

/** Tags v3.x of a module without /v3 in its path are none to Go: versions by commit, as the module proxy names them. */
const CALICO_MODULES: Readonly<Record<string, string>> = {
  '3.28.5': 'v1.11.0-cni-plugin.0.20250813170300-a0db560f0520',
};
const CALICO = 'github.com/projectcalico/calico';

/** Upstream's own files of a release: manifest, folders of the images, licence. */
export async function calicoModule(version: string): Promise<string> {
  return (await goModule(CALICO, calicoModuleVersion(version))).Dir;
}

function calicoModuleVersion(version: string): string {
  const found = CALICO_MODULES[version];
  if (found !== undefined) return found;
  throw new LabError(`the lab knows no Go module of Calico ${version}`, {
    hint: `it builds ${Object.keys(CALICO_MODULES).join(', ')}`,
  });
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

/** A module in Go's own cache, checked by Go against its checksums. */
async function goModule(name: string, version: string): Promise<{ GoMod: string; Dir: string }> {
  const said = await run(['go', 'mod', 'download', '-json', `${name}@${version}`], { env: { GOWORK: 'off' } });
  return JSON.parse(said) as { GoMod: string; Dir: string };
}

function goMod(recipe: Recipe): string {
  const lines = [
    'module mcpk.lab/build',
    '',
    'go 1.26.0',
    '',
    'tool (',
    ...recipe.tools.map((tool) => `\t${tool}`),
    ')',
    '',
    'require (',
    ...Object.entries(recipe.requires).map(([name, version]) => `\t${name} ${version}`),
    ')',
    '',
    ...Object.entries(recipe.replaces).map(([name, target]) => `replace ${name} => ${target}`),
  ];
  return `${lines.join('\n')}\n`;
}

function linkerFlags(recipe: Recipe): string {
  const variables = Object.entries(recipe.variables).map(([name, value]) => `-X ${name}=${value}`);
  const whole = recipe.cgo ? ['-linkmode external', '-extldflags -static'] : [];
  return ['-s', '-w', ...variables, ...whole].join(' ');
}
