export interface LeftOut {
  /** In words that JavaScript and Go both take, without ends: ginkgo looks at more than the name. */
  spec: RegExp;
  reason: string;
}

/** Specs that need what can't be had here. */
export const LEFT_OUT: readonly LeftOut[] = [
  {
    spec: /\[sig-node\] ImageVolume should succeed with pod and pull policy of Always /,
    reason: 'wants to read "Alpine Linux" in /etc/os-release of `kitten`, which here is made of Debian',
  },
];

export function whyLeftOut(name: string, all: readonly LeftOut[] = LEFT_OUT): string | undefined {
  return all.find(({ spec }) => spec.test(name))?.reason;
}

/** Entries that none of these names is meant by: upstream has given the spec another one. */
export function staleAmong(names: readonly string[], all: readonly LeftOut[] = LEFT_OUT): LeftOut[] {
  return all.filter(({ spec }) => !names.some((name) => spec.test(name)));
}
