import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/process.ts';
import { COMMANDS } from '../../src/commands/main.ts';
import { scratch } from '../commands/support.ts';
import { blocks, commandsOf, DOCS, spans } from './blocks.ts';
import { parse } from './parse.ts';

const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  name: string;
  version: string;
  scripts: Record<string, string>;
};

/** Commands of the docs that are not run here, and why; what they take is looked at all the same. */
const NOT_RUN: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      ...['apply', 'exec', 'facts', 'history', 'kubeconfig', 'plan', 'rollback', 'show', 'verify', 'reset'],
      ...['node:drain', 'node:reboot', 'node:remove', 'node:replace', 'node:uncordon', 'node:upgrade-packages'],
      ...['etcd:defrag', 'etcd:recover', 'etcd:rehearse', 'etcd:restore', 'etcd:snapshot', 'etcd:status'],
    ].map((id) => [id, 'asks hosts: test/e2e runs it']),
  ),
  'host-key:pin': 'asks hosts: test/commands/host-key.test.ts runs it',
  'host-key:scan': 'asks hosts: test/commands/host-key.test.ts runs it',
  render: 'test/commands/cli.test.ts and test/states/topologies.test.ts run it',
  ...Object.fromEntries(
    ['bundle', 'fetch', 'list', 'verify'].map((verb) => [
      `artifacts:${verb}`,
      'test/commands/artifacts.test.ts runs it',
    ]),
  ),
  images: 'test/commands/artifacts.test.ts runs it',
  'host-key:show': 'test/commands/host-key.test.ts runs it',
  explain: 'test/commands/cli.test.ts runs it',
};
/** … and these are, one after the other, in a folder of their own. */
const RUN = ['init', 'validate'];

/** Words behind mcpk that are no command of ours. */
const NO_COMMAND: Readonly<Record<string, string>> = {
  '--help': 'of oclif',
  '--version': 'of oclif',
  COMMAND: 'stands for any',
};

/** Programs beside mcpk, and what of them is looked at. */
const OTHERS: Readonly<Record<string, (words: readonly string[]) => string | undefined>> = {
  npm: ([verb = '', ...rest]) => {
    if (verb === 'pack' || verb === 'ci') return undefined;
    if (verb === 'install') {
      const packed = `./${PACKAGE.name}-${PACKAGE.version}.tgz`;
      return rest.includes('-g') && rest.at(-1) !== packed ? `npm pack makes ${packed}` : undefined;
    }
    const script = verb === 'run' ? (rest[0] ?? '') : verb;
    return Object.hasOwn(PACKAGE.scripts, script) ? undefined : `there is no script ${script}`;
  },
  // What is passed on through a pipe, or sets things up for mcpk.
  jq: () => undefined,
  sha256sum: () => undefined, // parts.test.ts runs it
  mkdir: () => undefined,
  kubectl: () => undefined, // test/e2e runs it
};

/** What is wrong with a command of a block; undefined when nothing is. */
async function wrongWith([program = '', ...words]: readonly string[]): Promise<string | undefined> {
  if (program !== 'mcpk') return OTHERS[program] ? OTHERS[program](words) : `nothing looks at ${program}`;
  if (Object.hasOwn(NO_COMMAND, words[0] ?? '')) return undefined;
  return parse(words).then(
    () => undefined,
    (error: unknown) => String(error),
  );
}

/** Of this block all is run, below. */
const BREAK_GLASS = blocks('sh').find(({ text }) => text.includes('system:masters'));

describe('each command of a block of shell is one that mcpk, or npm here, takes', () => {
  const commands = blocks('sh')
    .filter((block) => block.text !== BREAK_GLASS?.text)
    .flatMap(({ doc, text }) =>
      commandsOf(text).map((words): [string, string, string[]] => [doc, words.join(' '), words]),
    );

  it('there are some', () => expect(commands.length).toBeGreaterThan(10));

  it.each(commands)('%s: %s', async (_doc, _text, words) => {
    expect(await wrongWith(words)).toBeUndefined();
  });

  it.each(commands.filter(([, , [program]]) => program === 'mcpk'))(
    '%s: %s is run, or it is said why not',
    async (_doc, _text, [, ...words]) => {
      if (Object.hasOwn(NO_COMMAND, words[0] ?? '')) return;
      const { id } = await parse(words);
      expect([...RUN, ...Object.keys(NOT_RUN)]).toContain(id);
    },
  );

  it('and what is wrong is found', async () => {
    const wrong = ['mcpk aply', 'mcpk plan --onyl etcd', "mcpk plan --limit 'm1 m2'", 'mcpk plan --only etdc', 'npm run dmo', 'npm install -g ./mcpk-9.9.9.tgz', 'mcpk apply --timeout soon', 'curl x']; // prettier-ignore
    for (const text of wrong) for (const words of commandsOf(text)) expect(await wrongWith(words), text).toBeDefined();
  });
});

describe('each command between backticks is one of mcpk', () => {
  const ids = Object.keys(COMMANDS).map((id) => id.replace(':', ' '));
  const isCommand = (text: string): boolean => text.startsWith('mcpk ') || ids.some((id) => text.startsWith(`${id} `));
  const commands = DOCS.flatMap((doc) =>
    spans(doc)
      .filter((text) => isCommand(text) && !text.includes('…'))
      .map((text): [string, string] => [doc, text]),
  );

  it('there are some', () => expect(commands.length).toBeGreaterThan(20));

  it.each(commands)('%s: %s', async (_doc, text) => {
    const [words = []] = commandsOf(text.replaceAll(/[[\]]/g, '').replace(/^mcpk /, ''));
    if (Object.hasOwn(NO_COMMAND, words[0] ?? '')) return;
    // A name alone stands for the command, whatever it wants besides.
    const isName = ids.includes(words.join(' '));
    // What stands in the middle of a sentence may leave out what is said around it.
    const isCut = /^--[\w-]+$/.test(words.at(-1) ?? '');
    const complete = isCut ? [...words, 'X'] : words;
    if (isName) return;
    await Promise.any([parse(words), parse(complete)]);
  });

  it('and what is wrong is found', async () => {
    await expect(parse(['plan', '--outt', 'x'])).rejects.toThrow('--outt');
  });
});

describe("each example of a command's help is one that mcpk takes", () => {
  const examples = Object.entries(COMMANDS).flatMap(([id, { examples: all = [] }]) =>
    (all as string[]).map((text): [string] => [
      text.replaceAll('<%= config.bin %>', 'mcpk').replaceAll('<%= command.id %>', id.replace(':', ' ')),
    ]),
  );

  it.each(examples)('%s', async (text) => {
    for (const words of commandsOf(text)) expect(await wrongWith(words)).toBeUndefined();
  });
});

describe('what the docs run without hosts works', () => {
  it('README: from nothing to an inventory that is valid', async () => {
    const folder = await scratch();
    const [text = ''] = blocks('sh').flatMap((block) => (block.text.includes('mcpk init') ? [block.text] : []));
    const ran = commandsOf(text).filter(([program, id = '']) => program === 'mcpk' && RUN.includes(id));
    expect(ran.map(([, id]) => id)).toEqual(RUN);
    for (const [, ...words] of ran) {
      const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'bin/dev.js'), ...words], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(status, stderr).toBe(0);
    }
    expect(readFileSync(join(folder, 'mcpk.yaml'), 'utf8')).toContain('10.0.0.100');
  });

  it('docs/access.md: an administrator who needs no binding, made by hand', async () => {
    const folder = await scratch();
    const authorities = join(folder, 'authorities');
    const bin = join(folder, 'bin');
    for (const each of [authorities, bin]) mkdirSync(each);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const made = ['-keyout', join(authorities, 'cluster.key'), '-out', join(authorities, 'cluster.crt')];
    execFileSync('openssl', ['req', '-x509', ...key, '-subj', '/CN=cluster', ...made], { stdio: 'ignore' });
    // Stands for kubectl and the API server: whether the certificate is of the authority, and whose it is.
    writeFileSync(
      join(bin, 'kubectl'),
      `#!/bin/sh -e\nopenssl verify -CAfile ${authorities}/cluster.crt cert\nopenssl x509 -in cert -noout -subject\necho "$@"\n`,
    );
    chmodSync(join(bin, 'kubectl'), 0o755);
    const text = (BREAK_GLASS?.text ?? '')
      .replaceAll('/run/', `${folder}/`)
      .replaceAll('/var/lib/mcpk/authorities', authorities);
    const { status, stdout, stderr } = spawnSync('sh', ['-eu', '-c', text], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toContain('cert: OK');
    expect(stdout).toMatch(/O ?= ?system:masters/);
    expect(stdout).toContain('--client-certificate=cert --client-key=key get nodes');
  });
});
