/**
 * The images that upstream's conformance specs run, under upstream's names: their programs from upstream's sources, all
 * else from Debian in place of Alpine. Which names and tags these are, upstream's own list says.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { LabError } from './errors.ts';
import { goModule, KUBERNETES } from './go-modules.ts';
import { exists } from './machine.ts';
import { packImage } from './oci.ts';
import { run } from './run.ts';
import { pauseImage, shellImage, USERS, type Content, type Shell } from './shell-image.ts';
import { debianTree } from './trees.ts';
import { listedImages, type ListedImage } from './upstream-images.ts';
import { DEFAULT_VERSIONS, type Component } from './versions.ts';

interface Parts {
  /** An empty folder for trees. */
  work: string;
  shell: Shell;
  /** A program of a component. */
  program: (component: Component, name: string) => string;
  /** A file of upstream's test/images. */
  source: (path: string) => string;
}

interface Recipe {
  /** What it is made of, in words. */
  of: string;
  make(parts: Parts): Content | Promise<Content>;
}

const AGNHOST_PACKAGES = ['bash', 'bind9-dnsutils', 'bsdextrautils', 'curl', 'iperf', 'iproute2'].concat([
  'libc-bin',
  'netcat-openbsd',
  'socat',
  'util-linux',
]);

/** Names are looked up in /etc/hosts first, as Alpine's C library does. */
const NAME_SERVICE = { 'etc/nsswitch.conf': 'hosts: files dns\n' };

/** A user and a group that specs expect to be in there. */
const AGNHOST_USERS = {
  'etc/passwd': `${USERS['etc/passwd']}user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh\n`,
  'etc/group': `${USERS['etc/group']}user-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n`,
};

const NGINX_CONFIGURATION = `user nobody nogroup;
pid /run/nginx.pid;
error_log /dev/stderr;
events {}
http {
  access_log /dev/stdout;
  server { listen 80; root /usr/share/nginx/html; }
}
`;

const AGNHOST: Recipe = {
  of: `upstream's program; ${AGNHOST_PACKAGES.filter((name) => name !== 'libc-bin').join(', ')} and busybox of Debian; CoreDNS ${DEFAULT_VERSIONS.coredns} with the plugins that specs configure`,
  async make({ work, shell, program, source }) {
    return {
      tree: await debianTree(join(work, 'agnhost'), AGNHOST_PACKAGES, shell),
      files: {
        agnhost: program('conformance', 'agnhost'),
        coredns: program('agnhost-coredns', 'coredns'),
        'localhost.crt': source('agnhost/porter/localhost.crt'),
        'localhost.key': source('agnhost/porter/localhost.key'),
      },
      // The shell of a static busybox takes its own nc before that of the image.
      links: { 'agnhost-2': 'agnhost', 'usr/bin/nc': 'nc.openbsd', 'usr/bin/sh': 'bash' },
      texts: { ...AGNHOST_USERS, ...NAME_SERVICE },
      writable: ['uploads'],
      entrypoint: ['/agnhost'],
      command: ['pause'],
    };
  },
};

/** agnhost with a picture, which it serves. */
function served(name: string): Recipe {
  return {
    of: "upstream's agnhost and files, busybox of Debian",
    make: ({ shell, program, source }) => {
      const { files, ...rest } = shellImage(shell);
      const own = ['data.json', `${name}.jpg`].map((file): [string, string] => [file, source(`${name}/html/${file}`)]);
      return {
        ...rest,
        files: { ...files, agnhost: program('conformance', 'agnhost'), ...Object.fromEntries(own) },
        entrypoint: ['/agnhost'],
        command: ['test-webserver'],
      };
    },
  };
}

const NGINX: Recipe = {
  of: 'nginx and busybox of Debian',
  make: async ({ work, shell }) => ({
    tree: await debianTree(join(work, 'nginx'), ['nginx'], shell),
    files: {},
    texts: { ...USERS, ...NAME_SERVICE, 'etc/nginx/nginx.conf': NGINX_CONFIGURATION },
    writable: ['run', 'var/lib/nginx', 'var/log/nginx'],
    command: ['nginx', '-g', 'daemon off;'],
  }),
};

/** By the names that upstream's list has for them. */
export const TEST_IMAGES: Readonly<Record<string, Recipe>> = {
  Agnhost: AGNHOST,
  AgnhostPrev: AGNHOST,
  BusyBox: {
    of: 'busybox and bash of Debian, and hexdump, which they lack',
    make: async ({ work, shell }) => ({
      tree: await debianTree(join(work, 'busybox'), ['bash', 'bsdextrautils'], shell),
      files: {},
      // Debian's ash drops variables whose names are none of a shell, as `data-1`, of which specs want to see that they came.
      links: { 'usr/bin/sh': 'bash' },
      texts: USERS,
      command: ['sh'],
    }),
  },
  NonRoot: { of: 'busybox of Debian, user 1234', make: ({ shell }) => ({ ...shellImage(shell), user: '1234' }) },
  Pause: { of: 'a script of busybox, as in the rest of the lab', make: ({ shell }) => pauseImage(shell) },
  GlibcDnsTesting: {
    of: 'bind9-dnsutils and busybox of Debian',
    make: async ({ work, shell }) => ({
      tree: await debianTree(join(work, 'dns'), ['bind9-dnsutils', 'libc-bin'], shell),
      files: {},
      texts: { ...USERS, ...NAME_SERVICE },
      command: ['sh'],
    }),
  },
  Kitten: served('kitten'),
  Nautilus: served('nautilus'),
  Nginx: NGINX,
  NginxNew: NGINX,
  Nonewprivs: {
    of: "upstream's program, with the set-user-id bit; busybox of Debian",
    async make({ work, shell, program }) {
      const tree = join(work, 'nonewprivs');
      await mkdir(join(tree, 'usr/local/bin'), { recursive: true });
      await run(['install', '-m', '6755', program('conformance', 'nnp'), join(tree, 'usr/local/bin/nnp')]);
      return { ...shellImage(shell), tree, command: ['nnp'] };
    },
  },
  APIServer: {
    of: `k8s.io/sample-apiserver ${DEFAULT_VERSIONS['sample-apiserver']}`,
    make: ({ program }) => ({
      files: { 'sample-apiserver': program('sample-apiserver', 'sample-apiserver') },
      texts: USERS,
      entrypoint: ['/sample-apiserver'],
    }),
  },
  Etcd: {
    of: `etcd ${DEFAULT_VERSIONS.etcd}, as on the masters`,
    make: ({ program }) => ({
      files: Object.fromEntries(['etcd', 'etcdctl'].map((name) => [`usr/local/bin/${name}`, program('etcd', name)])),
      texts: USERS,
      command: ['/usr/local/bin/etcd'],
    }),
  },
};

/** Components that they are made of, besides those of the lab's own cluster. */
export const TEST_COMPONENTS: readonly Component[] = ['conformance', 'sample-apiserver', 'agnhost-coredns'];

/** The images above, as upstream names them. */
export async function namesOfTestImages(): Promise<Map<string, ListedImage>> {
  const path = join(await upstream(), 'test/utils/image/manifest.go');
  const listed = listedImages(await readFile(path, 'utf8'));
  return new Map(
    Object.keys(TEST_IMAGES).map((id) => {
      const image = listed.get(id);
      if (image === undefined) throw new LabError(`upstream's list of images has no ${id} any more: ${path}`);
      return [id, image];
    }),
  );
}

/**
 * Puts the images into the store that the lab's registry serves, which may be up: it looks at its files anew each time.
 * True where they were there, made in the same way.
 */
export async function ensureTestImages(
  store: string,
  shell: Shell,
  programs: (component: Component) => string,
): Promise<boolean> {
  const names = await namesOfTestImages();
  const mark = join(store, `test-images-${await recipeDigest([...names.values()])}`);
  if (await exists(mark)) return true;
  const sources = join(await upstream(), 'test/images');
  for (const [id, { repository, tag }] of names) {
    const work = join(store, 'trees');
    await rm(work, { recursive: true, force: true });
    await mkdir(work);
    const content = await TEST_IMAGES[id]?.make({
      work,
      shell,
      program: (component, name) => join(programs(component), name),
      source: (path) => join(sources, path),
    });
    if (content) await packImage(store, { ...content, repository, tag });
    await rm(work, { recursive: true, force: true });
  }
  await writeFile(mark, '');
  return false;
}

async function upstream(): Promise<string> {
  return (await goModule(KUBERNETES, `v${DEFAULT_VERSIONS.conformance}`)).Dir;
}

/** Images of another recipe are packed anew. */
async function recipeDigest(names: readonly ListedImage[]): Promise<string> {
  const own = await readFile(fileURLToPath(import.meta.url), 'utf8');
  const all = JSON.stringify([own, names, DEFAULT_VERSIONS]);
  return createHash('sha256').update(all).digest('hex').slice(0, 8);
}
