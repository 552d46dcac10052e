/** What other tools call the roles. */
const ROLES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['control-plane', 'controlplane', 'control', 'controller', 'leader', 'server', 'manager'].map((word) => [
      word,
      'master',
    ]),
  ),
  ...Object.fromEntries(['node', 'agent', 'compute', 'minion'].map((word) => [word, 'worker'])),
};

/** {@link nearest}, also for a role by another name. */
export function meant(word: string, candidates: readonly string[]): string | undefined {
  const role = ROLES[word.toLowerCase().replace(/s$/, '')];
  return role !== undefined && candidates.includes(role) ? role : nearest(word, candidates);
}

/** What people call settings that have another name here, without regard to case, hyphens and underscores. */
const SETTINGS: Readonly<Partial<Record<string, string>>> = {
  no: 'noProxy',
  clustername: 'name',
  hostname: 'name',
  nodes: 'hosts',
  servers: 'hosts',
  ip: 'address',
  vip: 'address',
  privateip: 'internalAddress',
  podsubnet: 'podCidr',
  podnetworkcidr: 'podCidr',
  clustercidr: 'podCidr',
  servicesubnet: 'serviceCidr',
  cni: 'plugin',
  key: 'identityFiles',
  keyfile: 'identityFiles',
  keypath: 'identityFiles',
  privatekey: 'identityFiles',
  bastion: 'jump',
  proxyjump: 'jump',
  sudopassword: 'becomePassword',
};

/** {@link nearest}, also for a setting by another name, or with more behind its own: httpProxy for http. */
export function meantSetting(word: string, candidates: readonly string[]): string | undefined {
  const other = SETTINGS[word.toLowerCase().replaceAll(/[-_]/g, '')];
  if (other !== undefined && candidates.includes(other)) return other;
  const near = nearest(word, candidates);
  if (near !== undefined) return near;
  const begun = candidates.filter(
    (each) => each.length > BEGINNING && word.toLowerCase().startsWith(each.toLowerCase()),
  );
  return begun.toSorted((a, b) => b.length - a.length)[0];
}

/** So many letters are the beginning of a word, and not any. */
const BEGINNING = 3;

/**
 * The candidate that was most likely meant, or undefined when none is near: one with few other letters, else the only one
 * that begins so. Case does not count.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const limit = Math.min(3, Math.max(1, Math.floor(word.length / 3)));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > limit) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    // A short word shares nothing with what is as many edits away as it is long.
    if (distance < bestDistance && distance < Math.max(word.length, candidate.length)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== undefined || word.length < BEGINNING) return best;
  const [only, ...others] = [...candidates].filter((each) => each.toLowerCase().startsWith(word.toLowerCase()));
  return others.length === 0 ? only : undefined;
}

/** Edits (insert, delete, replace, swap neighbours) between two words: optimal string alignment. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(beforeLast, j - 2) + 1 : Infinity;
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced, swapped));
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
