import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/process.ts';
import { COMPONENTS } from '../../src/artifacts/components.ts';
import { COMMANDS } from '../../src/commands/main.ts';
import { endingsOf, type Ending } from '../../src/commands/shared/exit-codes.ts';
import { EXIT_CODES } from '../../src/core/errors.ts';
import { writeBundle } from '../support/bundle.ts';
import { loadYaml } from '../inventory/load-text.ts';
import { INVENTORY, mcpk, scratch } from './support.ts';

const IDS = Object.keys(COMMANDS);
const ends = (id: string): Ending[] => endingsOf(COMMANDS[id] ?? {});
const codesOf = (id: string): number[] => ends(id).map((ending) => EXIT_CODES[ending][0]);

/** What a command wants besides its flags, so that it gets to what is tried. FOLDER is one of its own. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'artifacts:bundle': ['--out', 'FOLDER/taken'],
  exec: ['--', 'true'],
  'etcd:recover': ['--from', 'm1', '--yes', '--cluster', 'c'],
  'etcd:rehearse': ['FOLDER/bundle'],
  'etcd:restore': ['--abandon', '--yes', '--cluster', 'c'],
  'etcd:snapshot': ['--out', 'FOLDER/bundle.tar'],
  render: ['FOLDER/out'],
  ...Object.fromEntries(
    ['drain', 'reboot', 'remove', 'replace', 'uncordon', 'upgrade-packages'].map((verb) => [`node:${verb}`, ['w1']]),
  ),
  reset: ['--yes', '--cluster', 'c'],
  init: ['FOLDER/new.yaml', '--master', '10.9.0.11'],
};

let folder: string;
/** Nothing listens there. */
let port: number;

beforeAll(async () => {
  folder = await scratch();
  await writeBundle(join(folder, 'bundle'));
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  ({ port } = server.address() as AddressInfo);
  await new Promise((done) => server.close(done));
});

const command = (id: string, ...flags: string[]): string[] => {
  const words = (WORDS[id] ?? []).map((word) => word.replace('FOLDER', folder));
  const dashes = words.indexOf('--');
  const cut = dashes < 0 ? words.length : dashes;
  return [...id.split(':'), ...words.slice(0, cut), ...flags, ...words.slice(cut)];
};
const has = (id: string, flag: string): boolean => Object.hasOwn(COMMANDS[id]?.flags ?? {}, flag);
const reads = IDS.filter((id) => has(id, 'inventory'));
const limits = IDS.filter((id) => has(id, 'limit'));
const connects = IDS.filter((id) => has(id, 'concurrency'));

async function put(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

describe('a wrong flag ends every command with 64', () => {
  it.each(IDS)('%s', async (id) => {
    expect((await mcpk(command(id, '--no-such-flag'))).code).toBe(64);
  });
});

describe('an inventory that can not be read ends every command that reads one with 10', () => {
  it.each(reads)('%s', async (id) => {
    const broken = await put('broken.yaml', INVENTORY.replace('kind: Cluster', 'kind: Clutter'));
    for (const file of [join(folder, 'none.yaml'), folder, '/dev/zero', broken]) {
      expect((await mcpk(command(id, '-i', file))).code, file).toBe(10);
    }
  });
});

describe('a host that there is none of ends every command that takes --limit with 18', () => {
  it.each(limits)('%s', async (id) => {
    const file = await put('good.yaml', INVENTORY);
    expect((await mcpk(command(id, '-i', file, '--limit', 'm9'))).code).toBe(18);
  });
});

describe('hosts that are not reached end every command that talks to them with 11', () => {
  beforeAll(async () => {
    const cluster = await loadYaml(INVENTORY);
    for (const component of COMPONENTS) {
      const { name } = component;
      const required = component.required(cluster);
      const version = component.version(cluster);
      const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
      for (const arch of ['amd64', 'arm64']) {
        const shelf = `artifacts/${name}/${version}/linux-${arch}`;
        for (const file of required) await put(`${shelf}/${file}`, '');
        await put(`${shelf}/SHA256SUMS`, required.map((file) => `${empty}  ${file}\n`).join(''));
      }
    }
  });

  it.each(connects)('%s', async (id) => {
    const file = await put(
      'closed.yaml',
      `name: c
hosts:
  - { name: m1, address: localhost, internalAddress: 10.9.0.11, roles: [master] }
  - { name: w1, address: 127.0.0.1, internalAddress: 10.9.0.12, roles: [worker] }
ssh: { agent: false, port: ${String(port)}, connectTimeout: 1 }
network: { plugin: none }
artifacts: { directory: ./artifacts, download: false }
`,
    );
    const gather = id === 'render' ? ['--gather'] : [];
    const { code, stderr } = await mcpk(command(id, '-i', file, ...gather));
    expect(code, stderr).toBe(11);
  });
});

describe('a command documents no code that nothing in it gives', () => {
  /** All files that a command may load, however late. */
  function reach(file: string, seen = new Set<string>()): Set<string> {
    if (seen.has(file)) return seen;
    seen.add(file);
    const text = readFileSync(file, 'utf8').replaceAll(/import type[^;]*;/g, '');
    for (const [, path = ''] of text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
      const target = resolve(dirname(file), path);
      if (existsSync(target)) reach(target, seen);
    }
    return seen;
  }

  const GIVEN =
    /new \w*(?:Error|Failure)\(\s*'(\w+)'|super\('(\w+)'|\bcode(?:: | = | \?\? )'(\w+)'|EXIT_CODES\.(\w+)|return '(refused|pending|done)'|\? 'done' : '(pending)'/g;

  it.each(IDS)('%s', (id) => {
    const files = reach(join(ROOT, 'src/commands', `${id.replace(':', '/')}.ts`));
    const given = new Set(
      [...files].flatMap((file) => [...readFileSync(file, 'utf8').matchAll(GIVEN)].flatMap((match) => match.slice(1))),
    );
    const always: readonly Ending[] = ['done', 'unexpected'];
    expect(ends(id).filter((ending) => !given.has(ending) && !always.includes(ending))).toEqual([]);
  });

  it('pending is what plan says, and what plans only when told so', () => {
    const only = IDS.filter((id) => 'plan-only' in (COMMANDS[id]?.flags ?? {}));
    expect(only).toContain('node:reboot');
    expect(IDS.filter((id) => ends(id).includes('pending'))).toEqual([...only, 'plan']);
  });
});

describe('the table', () => {
  it.each(IDS)('%s --help has just its own codes', async (id) => {
    const { stdout } = await mcpk([...id.split(':'), '--help']);
    const [, section = ''] = stdout.split('EXIT CODES\n');
    expect([...section.matchAll(/^ +(\d+) {2,}\S/gm)].map(([, code]) => Number(code))).toEqual(
      codesOf(id).toSorted((a, b) => a - b),
    );
  });

  it('holds every code for some command', () => {
    const all = new Set(IDS.flatMap((id) => ends(id)));
    expect(Object.keys(EXIT_CODES).filter((name) => !all.has(name as Ending))).toEqual([]);
  });
});
