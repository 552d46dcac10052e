import { PATHS } from '../../core/paths.ts';
import { POD_GATEWAY } from '../../core/routes.ts';
import type { Resource } from '../../resources/types.ts';
import { directory } from '../build.ts';
import { carrierOf } from '../carrier.ts';
import { hostRoutes } from '../host-routes.ts';
import type { StateContext } from '../stage.ts';
import { CALICO } from './objects.ts';

/** What Calico needs on a host beside its objects in the API. */
export function calicoHost({ host, own }: StateContext): Resource[] {
  const carrier = carrierOf(host, own);
  // Without any route to it Linux does not answer for the pods' gateway, and no pod reaches anything.
  const gateway =
    own.routesPodGateway || carrier === undefined
      ? []
      : hostRoutes({
          routes: [`${POD_GATEWAY} dev ${carrier.name}`],
          title: `route to ${POD_GATEWAY}, the gateway of Calico's pods: the host has no default route`,
          guarded: false,
        });
  return [
    ...gateway,
    directory('/etc/cni'),
    { ...directory(PATHS.cniConfig), exclusive: true, except: CALICO.cniFiles },
  ];
}
