/** Health and metrics of etcd, on loopback, without TLS. */
export const ETCD_METRICS_PORT = 2381;
