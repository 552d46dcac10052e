/** Of the tokens of service accounts, followed by the cluster's domain, where the inventory names no issuer. */
export const ISSUER = 'https://kubernetes.default.svc.';
