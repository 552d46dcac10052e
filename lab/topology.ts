/** The reference cluster's hosts, as inventories/lab.yaml names them. */
export interface HostSpec {
  name: string;
  address: string;
}

export const HOSTS: readonly HostSpec[] = [
  { name: 'm1', address: '10.77.0.11' },
  { name: 'm2', address: '10.77.0.12' },
  { name: 'm3', address: '10.77.0.13' },
  { name: 'w1', address: '10.77.0.21' },
  { name: 'w2', address: '10.77.0.22' },
];

/** The operator's side. There is no other: the lab has no route out. */
export const OPERATOR_ADDRESS = '10.77.0.1';
export const PREFIX_LENGTH = 24;

/** The endpoint that Keepalived moves; the lab itself never configures it. */
export const VIP = '10.77.0.100';

export const REGISTRY_PORT = 5000;
export const REGISTRY = `http://${OPERATOR_ADDRESS}:${REGISTRY_PORT}`;
