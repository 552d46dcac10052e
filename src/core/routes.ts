/** Marks our routes on a host, so that they can be replaced and removed without touching others. */
export const ROUTE_PROTOCOL = '77';

/** The gateway that Calico's CNI plugin gives to every pod; no host has this address. */
export const POD_GATEWAY = '169.254.1.1';
