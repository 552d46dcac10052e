import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareHost } from '../../src/cluster/bare-host.ts';
import { McpkError } from '../../src/core/errors.ts';
import { needsFacts, parseExpression, type Expression } from '../../src/inventory/expression.ts';
import { matchHosts, select } from '../../src/inventory/targeting.ts';
import { cpuMs } from '../support/cpu.ts';
import { loadYaml } from './load-text.ts';
import { anyCharacter } from '../support/any-character.ts';

const cluster = await loadYaml(`
name: c
endpoint: { address: 10.0.0.100 }
groups: { worker: { labels: { pool: general } } }
hosts:
  - { name: m1, address: 10.0.0.1, roles: [master], labels: { example.org/rack: r1 } }
  - { name: m2, address: 10.0.0.2, roles: [master], labels: { example.org/rack: r2 } }
  - { name: m3, address: 10.0.0.3, roles: [master, worker] }
  - { name: w1, address: 10.0.0.11, roles: [worker], labels: { example.org/rack: r1, pool: gpu } }
  - { name: w2, address: 10.0.0.12, roles: [worker] }
`);
const facts = new Map(
  cluster.hosts.map((host, index) => [
    host.name,
    {
      os: { id: index < 3 ? 'debian' : 'ubuntu' },
      cpus: index + 1,
      swap: index === 4,
      interfaces: [{ addresses: [{ address: host.address }] }],
    },
  ]),
);
const names = (text: string): string =>
  matchHosts(cluster, text, facts)
    .map((host) => host.name)
    .join(' ');

function errorOf(text: string, given: typeof facts | undefined = facts): McpkError {
  try {
    select(cluster, text, given);
  } catch (error) {
    if (error instanceof McpkError) return error;
    throw error;
  }
  throw new Error('it matched');
}

describe('an expression names', () => {
  it.each([
    ['m1', 'm1'],
    ['w2,m1', 'm1 w2'],
    ['m*', 'm1 m2 m3'],
    ['?2', 'm2 w2'],
    ['*', 'm1 m2 m3 w1 w2'],
    ['all', 'm1 m2 m3 w1 w2'],
    ['all and not m*', 'w1 w2'],
    ['role:master', 'm1 m2 m3'],
    ['role:etcd and role:worker', 'm3'],
    ['role:worker and not w2', 'm3 w1'],
    ['not role:master or m1', 'm1 w1 w2'],
    ['not (role:master or w1)', 'w2'],
    ['m1, role:worker and not w2', 'm1 m3 w1'],
    ['m1 or m2 and w1', 'm1'],
    ['not not m1', 'm1'],
    ['label:pool', 'm3 w1 w2'],
    ['label:pool=general', 'm3 w2'],
    ['label:example.org/rack=r*', 'm1 m2 w1'],
    ['label:pool=', ''],
    ['fact:os.id=debian', 'm1 m2 m3'],
    ['fact:cpus=5', 'w2'],
    ['fact:swap=true', 'w2'],
    ['fact:interfaces.addresses.address=10.0.0.1*', 'm1 w1 w2'],
    ['fact:kept.domain', ''],
    ['name:m1', 'm1'],
    ['x*', ''],
    ['m.*', ''],
  ])('%s → %s', (text, expected) => {
    expect(names(text)).toBe(expected);
  });
});

describe('a wrong expression', () => {
  it.each([
    ['m1 and', 'the expression ends where a host should stand', '        ^'],
    ['m1 m2', 'the expression has "m2" where and, or or a comma should stand', '     ^'],
    ['(m1', 'the expression opens a parenthesis that is not closed', '  ^'],
    ['m1)', 'the expression closes a parenthesis that was not opened', '    ^'],
    ['and m1', 'the expression has "and" where a host should stand', '  ^'],
    ['m1, ,m2', 'the expression has "," where a host should stand', '      ^'],
    ['', 'the expression names no host', '  ^'],
    ['role:', 'the expression has nothing behind role:', '  ^'],
    ['m1 or role:mastr', 'the expression has "role:mastr", which is none of master, etcd, worker', '        ^'],
    ['os:debian', 'the expression has "os:", which is none of name:, role:, label:, fact:', '  ^'],
  ])('%j is wrong usage, with a caret', (text, message, caret) => {
    expect(errorOf(text)).toMatchObject({ code: 'usage', message, details: [`  ${text}`, caret] });
  });

  it.each([
    ['role=worker', 'role=worker', "Did you mean 'role:worker'?"],
    ['m1 or rack==r1', 'rack==r1', "Did you mean 'label:rack=r1'?"],
    ['all and !w2', '!w2', "Did you mean 'not w2'?"],
    ['! w2', '!', "It is written as a word: 'not w1'"],
  ])('%j in the words of another tool is shown in ours', (text, word, hint) => {
    expect(errorOf(text)).toMatchObject({
      code: 'usage',
      message: `the expression has "${word}", which is no host`,
      hint,
    });
  });

  it.each([
    ['label:zone=a', 'Labels are: example.org/rack, pool'],
    ['not (not label:zone)', 'Labels are: example.org/rack, pool'],
    ['label:pol=gpu', 'Did you mean label:pool?'],
    ['m1 and label:pool=cpu', 'Values of pool are: general, gpu'],
    ['m1 and label:pool', 'Hosts are: m1, m2, m3, w1, w2'],
  ])('%j matches no host, and the labels that there are are named', (text, hint) => {
    expect(errorOf(text)).toMatchObject({ code: 'refused', hint });
  });

  it('with another word for a role suggests what to write', () => {
    expect(errorOf('role:node')).toMatchObject({ hint: 'Did you mean role:worker?' });
  });

  it.each([
    ['not fact:os.foo=debian', 'os.foo', 'There are id, version, name, like.'],
    ['fact:cpu=4', 'cpu', 'Did you mean fact:cpus?'],
    ['fact:os.idd=debian', 'os.idd', 'Did you mean fact:os.id?'],
    ['fact:interfaces.qqq.x', 'interfaces.qqq.x', 'There are name, addresses, mtu.'],
    ['fact:cpus.x', 'cpus.x', 'mcpk facts --json shows all that there are.'],
  ])('%j, a fact that no host tells, is wrong usage', (text, fact, hint) => {
    const told = new Map([['m1', bareHost('m1', '10.0.0.1')]]);
    expect(() => matchHosts(cluster, text, told)).toThrow(
      expect.objectContaining({ message: `the expression has "fact:${fact}", which no host tells`, hint }) as Error,
    );
  });

  it('finds the facts that the docs name', async () => {
    const [, row = ''] = /^\| `fact:os\.id=debian` \|(.*)$/m.exec(await readFile('docs/inventory.md', 'utf8')) ?? [];
    const names = [...row.matchAll(/`([a-z]\w*(?:\.\w+)*)`/g)].flatMap(([, name]) => name ?? []);
    const told = new Map(cluster.hosts.map(({ name }) => [name, bareHost(name, '10.0.0.1')]));
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) expect(matchHosts(cluster, `fact:${name}`, told), name).not.toEqual([]);
  });

  it('that names a host which is not there is refused, with the nearest one', () => {
    expect(errorOf('m1 or m4')).toMatchObject({
      code: 'refused',
      exitCode: 18,
      message: 'there is no host "m4"',
      hint: 'Did you mean m1?',
    });
    expect(errorOf('workers')).toMatchObject({ code: 'refused', hint: 'For all of a role: role:worker' });
  });

  it('that matches no host is refused: an empty run is not what was meant', () => {
    expect(errorOf('x*')).toMatchObject({ code: 'refused', hint: 'Hosts are: m1, m2, m3, w1, w2' });
  });

  it('that asks for facts before they are known says so', () => {
    expect(needsFacts(parseExpression('m1 or not fact:os.id=x'))).toBe(true);
    expect(needsFacts(parseExpression('m1 or label:fact'))).toBe(false);
    expect(() => select(cluster, 'fact:os.id=debian')).toThrow('asks no host for its facts');
  });
});

const expression: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('m1', 'w*', '?2', 'role:master', 'role:worker', 'label:pool=gpu', 'fact:os.id=debian', 'not m2'),
    fc.tuple(tie('any'), fc.constantFrom('and', 'or'), tie('any')).map(([a, word, b]) => `(${a} ${word} ${b})`),
    tie('any').map((a) => `not (${a})`),
  ),
})).any;

/** The text of an expression, with every parenthesis. */
function print(read: Expression): string {
  if (read.kind === 'not') return `not ${print(read.operand)}`;
  if (read.kind === 'match') return `${read.field}:${read.key}${read.value === undefined ? '' : `=${read.value}`}`;
  return `(${print(read.left)} ${read.kind} ${print(read.right)})`;
}

/** What was read, without where it stood. */
function placeless(read: Expression): unknown {
  return JSON.parse(JSON.stringify(read, (key, value: unknown) => (key === 'offset' ? undefined : value)));
}

describe('what is read', () => {
  const word = fc.stringMatching(/^[^\s(),=:]{1,8}$/);
  const match = fc.oneof(
    fc.record({ kind: fc.constant('match' as const), field: fc.constantFrom('name' as const, 'role' as const), key: word, value: fc.constant(undefined), offset: fc.constant(0) }), // prettier-ignore
    fc.record({ kind: fc.constant('match' as const), field: fc.constantFrom('label' as const, 'fact' as const), key: word, value: fc.option(word, { nil: undefined }), offset: fc.constant(0) }), // prettier-ignore
  );
  const tree = fc.letrec<{ any: Expression }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      match,
      fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), left: tie('any'), right: tie('any') }),
      // Two of them are none.
      match.map((operand): Expression => ({ kind: 'not', operand })),
    ),
  })).any;

  it('is read again from its own text', () => {
    fc.assert(
      fc.property(tree, (read) => {
        expect(placeless(parseExpression(print(read)))).toEqual(placeless(read));
      }),
    );
  });

  it('is read the same from text with other blanks and brackets', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom(' ', '\t', '\n ', '  '), (read, blank) => {
        const text = `${blank}((${print(read).replaceAll(' ', blank)}))${blank}`;
        expect(placeless(parseExpression(text))).toEqual(placeless(read));
      }),
    );
  });
});

describe('and, or and not', () => {
  it('are the set operations that they are called after', () => {
    const hits = (text: string): boolean[] => {
      const found = matchHosts(cluster, text, facts);
      return cluster.hosts.map((host) => found.includes(host));
    };
    fc.assert(
      fc.property(expression, expression, (a, b) => {
        const inA = hits(a);
        const inB = hits(b);
        expect(hits(`${a} and ${b}`)).toEqual(inA.map((hit, index) => hit && inB[index]));
        expect(hits(`${a} or ${b}`)).toEqual(inA.map((hit, index) => hit || inB[index]));
        expect(hits(`${a}, ${b}`)).toEqual(inA.map((hit, index) => hit || inB[index]));
        expect(hits(`not (${a})`)).toEqual(inA.map((hit) => !hit));
      }),
    );
  });

  it('never crash on any text', () => {
    const words = fc
      .array(fc.constantFrom('and', 'or', 'not', '(', ')', ',', 'm1', 'm*', 'role:', ':', '=', 'fact:a.b=c', '*'), {
        maxLength: 12,
      })
      .map((list) => list.join(' '));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: anyCharacter }), words), (text) => {
        try {
          matchHosts(cluster, text, facts);
        } catch (error) {
          expect(error).toBeInstanceOf(McpkError);
        }
      }),
    );
  });

  it.each(['('.repeat(100_000), 'not '.repeat(100_000) + 'm1', `m${'*a'.repeat(5_000)}`])(
    'end quickly on a huge one (%#)',
    async (text) => {
      expect(await cpuMs(() => expect(errorOf(text)).toBeInstanceOf(McpkError))).toBeLessThan(500);
    },
  );
});
