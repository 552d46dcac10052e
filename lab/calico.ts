import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from './errors.ts';
import { calicoModule } from './go-modules.ts';
import type { ContainerImage } from './oci.ts';
import { run } from './run.ts';
import type { Shell } from './shell-image.ts';
import { debianTree } from './trees.ts';
import { DEFAULT_VERSIONS } from './versions.ts';

const VERSION = DEFAULT_VERSIONS.calico;

/** Of manifests/calico.yaml in upstream's module of {@link VERSION}. */
const MANIFEST_SHA256 = '206678e7adb2e931bb97385300c408490635616f371941d68468207d6e0f9713';

/** Programs that calico-node calls, and runit, which starts its services. */
const NODE_PACKAGES = ['iptables', 'ipset', 'conntrack', 'iproute2', 'runit'];

/** CNI plugins that upstream's image brings besides its own: mcpk lays down none where Calico is the network. */
const PLUGINS = ['bandwidth', 'host-local', 'loopback', 'portmap', 'tuning'];

interface Parts {
  /** Folders with the programs of these components. */
  calico: string;
  cniPlugins: string;
  shell: Shell;
}

/** Upstream's calico.yaml out of Go's module cache, as its release has it. */
export async function calicoManifest(): Promise<string> {
  const path = join(await calicoModule(VERSION), 'manifests/calico.yaml');
  const text = await readFile(path, 'utf8');
  const found = createHash('sha256').update(text).digest('hex');
  if (found === MANIFEST_SHA256) return text;
  throw new LabError(`${path} has sha256 ${found}, not ${MANIFEST_SHA256}`, {
    hint: 'go clean -modcache, then run the command again',
  });
}

/**
 * The three images that upstream's manifest names, laid as upstream's Dockerfiles do, from Debian's packages in place
 * of Red Hat's. Left out: bird and the BPF tools. `work` is an empty folder that is the caller's to remove.
 */
export async function calicoImages(work: string, parts: Parts): Promise<ContainerImage[]> {
  const tag = `v${VERSION}`;
  const from = (name: string): string => join(parts.calico, name);
  return [
    {
      repository: 'calico/node',
      tag,
      tree: await nodeTree(join(work, 'node'), parts),
      files: { 'usr/bin/calico-node': from('calico-node') },
      environment: { SVDIR: '/etc/service/enabled' },
      command: ['start_runit'],
    },
    {
      repository: 'calico/cni',
      tag,
      files: {
        'opt/cni/bin/install': from('install'),
        'opt/cni/bin/calico': from('calico'),
        ...Object.fromEntries(PLUGINS.map((name) => [`opt/cni/bin/${name}`, join(parts.cniPlugins, name)])),
      },
      links: { 'opt/cni/bin/calico-ipam': 'calico' },
      environment: { PATH: '/opt/cni/bin:/usr/bin:/bin' },
      command: ['/opt/cni/bin/install'],
    },
    {
      repository: 'calico/kube-controllers',
      tag,
      files: { 'usr/bin/kube-controllers': from('kube-controllers'), 'usr/bin/check-status': from('check-status') },
      writable: ['status', 'profiles'],
      user: '999',
      entrypoint: ['/usr/bin/kube-controllers'],
    },
  ];
}

async function nodeTree(root: string, { shell }: Parts): Promise<string> {
  await debianTree(root, NODE_PACKAGES, shell);
  await rm(join(root, 'etc/service'), { recursive: true, force: true });
  const module = await calicoModule(VERSION);
  // What comes out of a module has no execute bits and can't be written to.
  const lay = async (source: string, target: string, mode: string): Promise<void> => {
    await mkdir(join(root, target), { recursive: true });
    await run(['cp', '-r', `${join(module, source)}/.`, join(root, target)]);
    await run(['chmod', '-R', mode, join(root, target)]);
  };
  await lay('node/filesystem/etc', 'etc', 'u=rwX,go=rX');
  await lay('confd/etc/calico', 'etc/calico', 'u=rwX,go=rX');
  await run(['sh', '-c', 'cp "$1"/* "$2"', 'sh', join(module, 'node/filesystem/sbin'), join(root, 'usr/sbin')]);
  const scripts = ['start_runit', 'restart-calico-confd', 'versions'].map((name) => join(root, 'usr/sbin', name));
  await run(['chmod', '0755', ...scripts, join(root, 'etc/rc.local')]);
  await run(['find', join(root, 'etc/service'), '-name', 'run', '-exec', 'chmod', '0755', '{}', '+']);
  // As update-alternatives would have it.
  for (const name of ['iptables', 'ip6tables'])
    for (const verb of ['', '-save', '-restore'])
      await run(['ln', '-sf', 'xtables-nft-multi', join(root, 'usr/sbin', `${name}${verb}`)]);
  for (const folder of ['var/lib/calico', 'var/log/calico', 'var/run', 'run'])
    await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  return root;
}
