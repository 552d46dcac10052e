import { describe, expect, it } from 'vitest';

import { kindOf, pathsOf, ref } from '../../src/resources/kinds.ts';
import type { Change, CompareContext, Materials, Op } from '../../src/resources/types.ts';
import { emptyObserved, type Case } from './case.ts';
import { cases as files } from './cases/files.ts';
import { cases as host } from './cases/host.ts';
import { cases as kube } from './cases/kube.ts';
import { cases as secrets } from './cases/secrets.ts';
import { cases as units } from './cases/units.ts';
import { Secret } from '../../src/core/secret.ts';

const materials: Materials = {
  leaf: () => Promise.resolve({ cert: 'CERT\n', key: new Secret('KEY\n', 'key') }),
  item: (id, item) => Promise.resolve(`${id} ${item}`),
};

function run(each: Case): {
  comparison: ReturnType<ReturnType<typeof kindOf>['compare']>;
  observed: ReturnType<typeof emptyObserved>;
} {
  const observed = { ...emptyObserved(), ...each.seen };
  const before = new Map((each.before ?? []).map((known) => [ref(known.resource), known]));
  const context: CompareContext = {
    host: 'm1',
    shared: new Map(Object.entries(each.shared ?? {})),
    owned: new Map(Object.entries(each.owned ?? {})),
    of: (name) => before.get(name),
    pathsOf,
    now: new Date('2026-06-01T00:00:00Z'),
  };
  return { observed, comparison: kindOf(each.wanted).compare(each.wanted, observed, context) };
}

/** Fixtures are plain data: a secret is written `secret:VALUE`. */
function revealed(op: Op): Op {
  return op.op === 'write' && op.content instanceof Secret ? { ...op, content: `secret:${op.content.reveal()}` } : op;
}

describe.each(Object.entries({ files, host, units, secrets, kube }))('%s', (_group, cases) => {
  it.each(cases.map((each) => [each.name, each] as const))('%s', async (_name, each) => {
    const { comparison, observed } = run(each);
    if (each.gives === 'unchanged') {
      expect(comparison).toMatchObject({ result: 'unchanged' });
      return;
    }
    expect(comparison).toMatchObject(each.gives);
    for (const key of each.without ?? []) expect(comparison).not.toHaveProperty(key);
    if (each.ops) {
      const ops = await kindOf(each.wanted).converge(each.wanted, comparison as Change, materials, observed);
      expect(ops.map(revealed)).toEqual(each.ops);
    }
  });
});

it('no comparison, as JSON, shows a secret or its hash', () => {
  for (const each of [...files, ...secrets]) {
    const text = JSON.stringify(run(each).comparison);
    for (const secret of ['hunter2', 'f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7', 'KEY'])
      expect(text).not.toContain(secret);
  }
});

it('every change has a reason and a title', () => {
  for (const each of [...files, ...host, ...units, ...secrets, ...kube]) {
    const { comparison } = run(each);
    expect(kindOf(each.wanted).title(each.wanted)).not.toBe('');
    if (comparison.result === 'change') expect(comparison.reasons.length, each.name).toBeGreaterThan(0);
  }
});
