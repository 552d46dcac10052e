import { pullImages } from '../cluster/cri.ts';
import { PATHS } from '../core/paths.ts';
import type { CommandResource } from '../resources/types.ts';
import { CALICO, networkImages } from './calico/objects.ts';
import { sandboxImage } from './containerd/config.ts';
import { nodeHosts } from './node-rollout.ts';
import type { Stage, StateContext } from './stage.ts';

/**
 * Has a new host pull what its pods of the network need while the control plane comes up. Nobody waits for it: of an
 * image that is not there the kubelet tells, as of any other.
 */
export const images: Stage = {
  name: 'images',
  title: 'Images',
  about: "has a new host pull the images of Calico's pods ahead of them; nobody waits for it",
  hosts: nodeHosts,
  manifests: true,
  needs: ['runtime'],
  states: ahead,
};

function ahead(context: StateContext): CommandResource[] {
  const pods = networkImages(context);
  if (pods.length === 0) return [];
  const wanted = [sandboxImage(context.cluster), ...pods];
  return [
    {
      kind: 'command',
      id: 'pull-images',
      title: `pull ${wanted.join(', ')}`,
      argv: pullImages(wanted),
      // Written by one of these pods: their images are there.
      creates: `${PATHS.cniConfig}/${CALICO.cniFiles[0]}`,
      needsNoUndo: true,
    },
  ];
}
