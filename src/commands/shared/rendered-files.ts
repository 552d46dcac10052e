import { Secret } from '../../core/secret.ts';
import type { StateTree } from '../../engine/types.ts';
import type { CertificateResource, Resource } from '../../resources/types.ts';

/** One file of one host: `m1/etc/etcd/etcd.yaml`. */
export interface RenderedFile {
  path: string;
  text: string;
}

/** Every file of every host. A secret is its label; a certificate is its specification. */
export async function renderedFiles(tree: StateTree): Promise<RenderedFile[]> {
  const { dump } = await import('js-yaml');
  const states = tree.stages.flatMap((stage) => stage.hosts);
  return states.flatMap(({ host, resources }) =>
    resources.flatMap((resource) =>
      filesOf(resource, dump).map(({ path, text }) => ({ path: `${host}${path}`, text })),
    ),
  );
}

function filesOf(resource: Resource, dump: (value: unknown) => string): RenderedFile[] {
  switch (resource.kind) {
    case 'file':
      return [{ path: resource.path, text: textOf(resource.content) }];
    case 'certificate': {
      const specification = { path: resource.path, text: dump(specify(resource)) };
      return resource.keyPath === resource.path
        ? [specification]
        : [specification, { path: resource.keyPath, text: `<secret key of ${resource.path}>\n` }];
    }
    case 'sharedSecret':
      return resource.files.map(({ item, path }) => ({ path, text: `<${resource.id} ${item}>\n` }));
    case 'kubeObject':
      return [{ path: `/${resource.id.replaceAll(/[^\w.-]+/g, '_')}.yaml`, text: dump(resource.object) }];
    default:
      return [];
  }
}

function textOf(content: string | Secret): string {
  return content instanceof Secret ? `${content.toString()}\n` : content;
}

function specify(resource: CertificateResource): object {
  const { subject, dns, ip, usages, days, authority, keyAlgorithm } = resource;
  return { subject, dns, ip, usages, days, authority, keyAlgorithm };
}
