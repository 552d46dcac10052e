import { LabError } from './errors.ts';
import { run } from './run.ts';

export const KUBERNETES = 'k8s.io/kubernetes';

/** The version of what Kubernetes publishes as modules of their own: 1.37.1 → v0.37.1. */
export function staged(version: string): string {
  return `v0.${version.split('.').slice(1).join('.')}`;
}

/** Tags v3.x of a module without /v3 in its path are none to Go: versions by commit, as the module proxy names them. */
const CALICO_MODULES: Readonly<Record<string, string>> = {
  '3.28.5': 'v1.11.0-cni-plugin.0.20250813170300-a0db560f0520',
};
export const CALICO = 'github.com/projectcalico/calico';

/** Upstream's own files of a release: manifest, folders of the images, licence. */
export async function calicoModule(version: string): Promise<string> {
  return (await goModule(CALICO, calicoModuleVersion(version))).Dir;
}

export function calicoModuleVersion(version: string): string {
  const found = CALICO_MODULES[version];
  if (found !== undefined) return found;
  throw new LabError(`the lab knows no Go module of Calico ${version}`, {
    hint: `it builds ${Object.keys(CALICO_MODULES).join(', ')}`,
  });
}

/** A module in Go's own cache, checked by Go against its checksums. */
export async function goModule(name: string, version: string): Promise<{ GoMod: string; Dir: string }> {
  const said = await run(['go', 'mod', 'download', '-json', `${name}@${version}`], { env: { GOWORK: 'off' } });
  return JSON.parse(said) as { GoMod: string; Dir: string };
}
