const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15,
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50,
}; // prettier-ignore

/** Kubernetes' resource.Quantity as a number; undefined where it is none (`1.10` of a version is one, too). */
export function quantity(value: string | number): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([numkMGTP]?|[KMGTP]i)$/.exec(String(value));
  const factor = FACTORS[match?.[2] ?? '?'];
  return match && factor !== undefined ? Number(match[1]) * factor : undefined;
}
