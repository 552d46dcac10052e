import { PATHS } from '../../core/paths.ts';
import { POD_GATEWAY } from '../../core/routes.ts';
import type { Resource } from '../../resources/types.ts';
import { directory } from '../build.ts';
import { byCarrier, routeToServices, withoutDefaultRoute } from '../host-routes.ts';
import type { StateContext } from '../stage.ts';
import { CALICO } from './objects.ts';

/** Without any route to it Linux does not answer for the pods' gateway, and no pod reaches anything. */
function routeToPodGateway(context: StateContext): string[] {
  return context.own.routesPodGateway ? [] : byCarrier(context, POD_GATEWAY);
}

/** What Calico needs on a host beside its objects in the API. */
export function calicoHost(context: StateContext): Resource[] {
  return [
    ...withoutDefaultRoute([...routeToPodGateway(context), ...routeToServices(context)]),
    directory('/etc/cni'),
    { ...directory(PATHS.cniConfig), exclusive: true, except: CALICO.cniFiles },
  ];
}
