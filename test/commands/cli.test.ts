import { existsSync } from 'node:fs';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { bareHost } from '../../src/cluster/bare-host.ts';
import { COMMANDS } from '../../src/commands/main.ts';
import { MainHelp } from '../../src/commands/shared/help.ts';
import { EXIT_CODES } from '../../src/core/errors.ts';
import { schemaText } from '../../src/inventory/schema.ts';
import { STAGES } from '../../src/states/index.ts';
import { INVENTORY, inventory, loadConfig, mcpk, scratch } from './support.ts';

interface Failure {
  error: { code: string; exitCode: number; message: string };
}

/** As they are typed. */
const NAMES = Object.entries(COMMANDS).flatMap(([id, { hidden }]) => (hidden ? [] : [id.replaceAll(':', ' ')]));

describe('mcpk', () => {
  it('names the nearest command for a word that is none, and exits 64', async () => {
    const said = await mcpk(['vaildate']);
    expect(said.code).toBe(64);
    expect(said.stderr).toContain('mcpk has no command "vaildate"; did you mean validate?');
    expect(said.stdout).toBe('');
  });

  it.each([
    [['plan', '--onyl', 'etcd'], 'there is no flag --onyl; did you mean --only?'],
    [['apply', '--verbos'], 'there is no flag --verbos; did you mean --verbose?'],
    [['host-key', 'pin', '--jsno'], 'there is no flag --jsno; did you mean --json?'],
    [['init', '--masters', '10.0.0.1'], 'there is no flag --masters; did you mean --master?'],
    [['plan', '--heLp'], 'there is no flag --heLp; did you mean --help?'],
    [['plan', '--nothing-like-it'], 'there is no flag --nothing-like-it (exit 64)'],
    [['plan', '-z'], 'there is no flag -z (exit 64)'],
  ])('exits 64 for an unknown flag, names the nearest and says where to look: %j', async (words, text) => {
    const { code, stderr } = await mcpk(words);
    expect([code, stderr]).toEqual([64, expect.stringContaining(text)]);
    expect(stderr).toContain(
      `mcpk ${words.filter((word) => /^[a-z-]+$/.test(word) && !word.startsWith('-') && word !== 'etcd').join(' ')} --help`,
    );
  });

  it.each([
    [
      ['render'],
      'FOLDER is missing: folder to write into: a new or empty one, or one that render wrote before, of which only what it writes now is left (exit 64)',
    ],
    [['exec', '-i', 'x.yaml'], 'COMMAND is missing: program and its arguments, after -- (exit 64)'],
    [['exec', 'm1', '--', 'id'], 'm1 stands before --, where no words are: --limit names hosts (exit 64)'],
    [
      ['exec', '-l', 'm1', 'or', 'm2', '--', 'id'],
      'or m2 stand before --, where no words are: --limit names hosts (exit 64)',
    ],
    [['exec', 'id'], 'the command stands after -- (exit 64)'],
    [['etcd', 'restore', '--yes', '--cluster', 'small'], 'name a bundle, or --abandon without one (exit 64)'],
    [['etcd', 'restore', '', '--yes', '--cluster', 'small'], 'name a bundle, or --abandon without one (exit 64)'],
    [
      ['etcd', 'restore', '', '--abandon', '--yes', '--cluster', 'small'],
      'name a bundle, or --abandon without one (exit 64)',
    ],
    [['etcd', 'restore', 'a.tar', '--abandon'], 'name a bundle, or --abandon without one (exit 64)'],
    [['autocomplete'], 'SHELL is missing: bash, fish, zsh (exit 64)'],
    [['init'], '--master is missing (exit 64)'],
    [['init', '--master', '10.0.0.1', 'a', 'b'], 'words too many: b (exit 64)'],
    [
      ['init', '--endpoint', '10.0.0.100', '--master', '10.0.0.11', '10.0.0.12'],
      '"10.0.0.12" stands where the file to write is named, and is a host (exit 64)',
    ],
    [['plan', '--summary', '-v'], '--summary and --verbose cannot be given together (exit 64)'],
    [['apply', '--plan', 'x', '--only', 'a,b'], '--plan and --only cannot be given together (exit 64)'],
    [['render', 'a', 'b'], 'a word too many: b (exit 64)'],
    [['render', 'a', 'b', 'c'], 'words too many: b, c (exit 64)'],
    [['plan', '--concurrency', '0'], '--concurrency: at least 1, not 0 (exit 64)'],
    [['plan', '--concurrency', '1001'], '--concurrency: at most 1000, not 1001 (exit 64)'],
    [['plan', '--concurrency', 'x'], '--concurrency: a whole number, not x (exit 64)'],
    [['autocomplete', 'powershell'], 'powershell is none of bash, fish, zsh (exit 64)'],
    [['drain', 'w1'], 'mcpk has no command "drain w1"; did you mean node drain? (exit 64)'],
    [['pin'], 'mcpk has no command "pin"; did you mean host-key pin? (exit 64)'],
    [['get', 'nodes'], 'mcpk has no command "get nodes": mcpk kubeconfig --merge, then kubectl get (exit 64)'],
    [['plan', '-i', ''], 'an inventory was named that is empty: "" (exit 64)'],
    [['plan', '-i', '-'], 'an inventory is a file, and not read from standard input: -i - (exit 64)'],
    [['apply', '--dry-run'], 'there is no flag --dry-run: mcpk plan shows what apply would change (exit 64)'],
    [['apply', '--check'], 'there is no flag --check: mcpk plan shows what apply would change (exit 64)'],
    [['apply', '--diff'], 'there is no flag --diff: mcpk plan shows what apply would change (exit 64)'],
    [['apply', '-k'], 'there is no flag -k: mcpk logs in by a key, never by a password (ssh.identityFiles in the inventory, or an agent) (exit 64)'], // prettier-ignore
    [['apply', '--user=x'], 'there is no flag --user: ssh.user in the inventory says as whom mcpk logs in (exit 64)'],
    [
      ['apply', '-b'],
      'there is no flag -b: as another user than root mcpk works by sudo anyway (ssh.become) (exit 64)',
    ],
    [['apply', '--tags', 'etcd'], 'there is no flag --tags: --only takes stages (exit 64)'],
    [
      ['apply', '-f', '5'],
      'there is no flag -f: -i takes an inventory, --concurrency takes a number of hosts (exit 64)',
    ],
    [['validate', '-f', 'lab.yaml'], 'there is no flag -f: -i takes an inventory, FILE is a word by itself (exit 64)'],
    [
      ['validate', '--file', 'lab.yaml'],
      'there is no flag --file: -i takes an inventory, FILE is a word by itself (exit 64)',
    ],
    [['host-key', 'show', '-f', 'lab.yaml'], 'there is no flag -f: -i takes an inventory (exit 64)'],
    [['init', '-f', 'lab.yaml', '--master', '10.0.0.1'], 'there is no flag -f: FILE is a word by itself (exit 64)'],
    [['explain', '-f', 'lab.yaml'], 'there is no flag -f (exit 64)'],
    [['version', '-f', 'lab.yaml'], 'there is no flag -f (exit 64)'],
    [['validate', '--tags', 'etcd'], 'there is no flag --tags (exit 64)'],
    [['init', '-o', 'lab.yaml', '--master', '10.0.0.1'], 'there is no flag -o: FILE is a word by itself: mcpk init FILE (exit 64)'], // prettier-ignore
    [['render', '--output=out'], 'there is no flag --output: FOLDER is a word by itself: mcpk render FOLDER (exit 64)'],
    [['facts', '-o', 'json'], 'there is no flag -o: --json prints JSON; > FILE keeps what is printed (exit 64)'],
    [['plan', '-o', 'json'], '--out: a file, not a format: --json prints JSON; a file of that name is ./json (exit 64)'], // prettier-ignore
    [['plan', '-i', 'a.yaml,b.yaml'], 'there is no file "a.yaml,b.yaml" (exit 10)'],
    [['init', '/', '--master', '10.0.0.1'], '/ cannot be written (it is a folder) (exit 64)'],
    [['status'], 'mcpk has no command "status": mcpk verify tells how the cluster is (exit 64)'],
    [['destroy'], 'mcpk has no command "destroy": mcpk reset takes the cluster off its hosts (exit 64)'],
    [['backup'], 'mcpk has no command "backup": mcpk etcd snapshot takes one (exit 64)'],
    [['etcd', 'backup'], 'mcpk has no command "etcd backup": mcpk etcd snapshot takes one (exit 64)'],
    [['join'], 'mcpk has no command "join": write the host into the inventory, then mcpk apply (exit 64)'],
    [
      ['node', 'add', 'w3'],
      'mcpk has no command "node add w3": write the host into the inventory, then mcpk apply (exit 64)',
    ],
    [
      ['nodes'],
      'mcpk has no command "nodes": mcpk verify tells how they are; mcpk kubeconfig --merge, then kubectl get nodes (exit 64)',
    ],
    [['logs'], 'mcpk has no command "logs": mcpk exec --limit HOST -- journalctl -u UNIT prints them (exit 64)'],
    [['constructor'], 'mcpk has no command "constructor" (exit 64)'],
    [['apply', '--dryrun'], 'there is no flag --dryrun: mcpk plan shows what apply would change (exit 64)'],
    [
      ['plan', '--output', 'json'],
      'there is no flag --output: --json prints JSON; --out FILE keeps the plan (exit 64)',
    ],
    [
      ['plan', '--only', 'certs', '-i', 'inventories/one-master.yaml'],
      '--only: there is no stage "certs"; did you mean certificates? (exit 64)',
    ],
    [['upgrade'], 'mcpk has no command "upgrade": set versions in the inventory, then mcpk apply (exit 64)'],
    [['node', 'drain', 'm1', '--update-lock'], 'there is no flag --update-lock (exit 64)'],
    [['node', 'uncordon', 'm1', '--force-unsafe'], 'there is no flag --force-unsafe (exit 64)'],
    [['host-key', 'pin', '--accept-new-host-keys'], 'there is no flag --accept-new-host-keys (exit 64)'],
    [['validate', ''], 'an inventory was named that is empty: "" (exit 64)'],
    [['-v'], '-v stands behind a command (exit 64)'],
    [['--json', 'plan'], '--json stands behind a command (exit 64)'],
    [['-V'], 'mcpk has no command "-V"; did you mean --version? (exit 64)'],
    [['--hlep'], 'mcpk has no command "--hlep"; did you mean --help? (exit 64)'],
  ])('%j is told in one line and a hint', async (words, text) => {
    const { code, stderr } = await mcpk(words);
    const [first, ...more] = stderr.trimEnd().split('\n');
    expect([`(exit ${String(code)})`, first]).toEqual([text.slice(text.lastIndexOf('(')), `✖ ${text}`]);
    expect(more).toEqual([expect.stringMatching(/^ {2}hint {2}/)]);
  });

  it.each([
    [64, 'plan m1', 'Hosts are named with --limit: mcpk plan --limit m1'],
    [64, 'host-key pin m1', 'Hosts are named with --limit: mcpk host-key pin --limit m1'],
    [64, 'plan lab.yaml', 'An inventory is named with -i: mcpk plan -i lab.yaml'],
    [64, 'etcd status m1', 'mcpk etcd status --help shows what it takes.'],
    [10, 'plan -i a.yaml,b.yaml', 'Several files are named one by one: -i a.yaml -i b.yaml'],
  ])('(%i) of %s the hint says how that is named', async (exit, line, hint) => {
    const { code, stderr } = await mcpk(line.split(' '));
    expect([code, stderr]).toEqual([exit, expect.stringContaining(`  hint  ${hint}\n`)]);
  });

  it('faults of the command line are the same in JSON', async () => {
    const { stdout } = await mcpk(['plan', '--json', '--summary', '-v']);
    expect((JSON.parse(stdout) as Failure).error.message).toBe('--summary and --verbose cannot be given together');
  });

  it.each([
    [['m1'], 'mcpk exec --limit m1 -- id'],
    [['m1', 'm2'], "mcpk exec --limit 'm1 or m2' -- id"],
    [['-l', 'm1', 'or', 'm2'], "mcpk exec --limit 'm1 or m2' -- id"],
    [['role:master', 'and', 'not', 'm1'], "mcpk exec --limit 'role:master and not m1' -- id"],
  ])('exec %j -- id runs nowhere, and says how hosts are named', async (words, hint) => {
    const said = await mcpk(['exec', '-i', await inventory(), ...words, '--', 'id']);
    expect([said.code, said.stderr]).toEqual([64, expect.stringContaining(hint)]);
  });

  it.each([
    [['help'], ['--help']],
    [
      ['help', 'plan'],
      ['plan', '--help'],
    ],
    [
      ['help', 'host-key', 'pin'],
      ['host-key', 'pin', '--help'],
    ],
    [
      ['help', 'host-key'],
      ['host-key', '--help'],
    ],
    [['version'], ['--version']],
  ])('%j says what %j does', async (words, flags) => {
    const said = await mcpk(words, await loadConfig());
    expect(said).toEqual(await mcpk(flags, await loadConfig()));
    expect([said.code, said.stdout]).toEqual([0, expect.stringContaining('mcpk')]);
  });

  it.each(['plan', 'apply', 'render', 'show', 'verify', 'facts'])(
    '%s --help lists the stages where it takes them',
    async (name) => {
      const { stdout } = await mcpk([name, '--help']);
      const takes = stdout.includes('--only=');
      expect(takes).toBe(name !== 'facts');
      for (const stage of STAGES)
        expect(stdout.includes(`  ${stage.name} `) && stdout.includes(stage.title)).toBe(takes);
    },
  );

  it.each([
    ['help', '--no-such-flag'],
    ['help', 'host-key', 'pin', 'm1'],
    ['version', 'now'],
  ])('%s %s is wrong usage', async (...words) => {
    const said = await mcpk(words);
    expect([said.code, said.stdout]).toEqual([64, '']);
  });

  it('help of a word that is no command names the nearest, and exits 64', async () => {
    const said = await mcpk(['help', 'host-key', 'pim']);
    expect([said.code, said.stderr]).toEqual([64, expect.stringContaining('did you mean host-key pin?')]);
  });

  it('lists every command with a summary, and every exit code', async () => {
    const { stdout, code } = await mcpk(['--help']);
    expect(code).toBe(0);
    for (const name of new Set(NAMES.map((words) => words.split(' ')[0])))
      expect(stdout).toMatch(new RegExp(`^  ${name} +[A-Z]`, 'm'));
    for (const [exit, meaning] of Object.values(EXIT_CODES))
      expect(stdout.replaceAll(/ *\n? {2,}/g, ' ')).toContain(` ${exit} ${meaning}`);
  });

  it.each(['', ...NAMES])('fits a terminal of 60 columns: %s', async (name) => {
    const config = await loadConfig();
    const lines: string[] = [];
    class Narrow extends MainHelp {
      protected override log(...said: string[]): void {
        lines.push(...said.join(' ').split('\n'));
      }
    }
    // An example is copied as it stands; oclif leaves it to the terminal to break the first line.
    await new Narrow(config, { maxWidth: 60 }).showHelp(name.split(' ').filter(Boolean));
    expect(lines.filter((line) => line.length > 60 && /^ +[^ $]/.test(line))).toEqual([]);
  });

  it('show says that it asks the hosts; render has the flags of an API server where the docs say, asking none', async () => {
    const { stdout } = await mcpk(['show', '--help']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/The hosts are asked for their facts; without them, mcpk render/);
    const file = 'out/m1/etc/systemd/system/kube-apiserver.service';
    expect(await readFile('docs/inventory.md', 'utf8')).toContain(`\`${file}\``);
    const folder = await scratch();
    expect((await mcpk(['render', join(folder, 'out'), '--only', 'api-server', '-i', await inventory()])).code).toBe(0);
    expect(await readFile(join(folder, file), 'utf8')).toContain('--tls-cipher-suites=');
  });

  it.each([
    ['show', '[-i FILE...] [--env NAME...] [-l EXPR] [--only STAGES...] [--skip STAGES...]'],
    ['apply', '[-l EXPR] [--only STAGES...] [--skip STAGES...]'],
    ['plan', '[--summary | -v]'],
    ['exec', '$ mcpk exec [FLAGS] -- COMMAND...'],
  ])('the usage of %s sets apart only what excludes each other', async (command, usage) => {
    const { stdout } = await mcpk([command, '--help']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(usage);
  });

  it.each(NAMES)('%s explains itself with examples', async (command) => {
    const { stdout, code } = await mcpk([...command.split(' '), '--help']);
    expect(code).toBe(0);
    const [summary = ''] = stdout.split('\n');
    expect(stdout).toContain('DESCRIPTION');
    expect(stdout.split(summary), 'the summary once').toHaveLength(2);
    expect(stdout).toContain(`  $ mcpk ${command}`);
    // plan ends with 2 where there is something to apply.
    expect(stdout).not.toMatch(/mcpk plan .*&&/);
  });

  const ASKING = Object.entries(COMMANDS).filter(([, { flags }]) => flags && 'yes' in flags);
  it.each(ASKING)('%s says what it does where nobody can be asked', (_, { flags }) => {
    expect(flags?.['yes']?.summary).toMatch(/no terminal (nobody is asked, and it goes on|nothing is \w+ \(64\))/);
  });
});

describe('validate', () => {
  it.each([
    ['ssh_config', 'Host *\n  ProxyCommand nc %h %p\n', /config:2: ProxyCommand is refused/],
    ['ssh_config', 'FooBar yes\n', /config:1: what stands here is no option that mcpk understands/],
    [
      'calico',
      'kind: Secret\napiVersion: v1\nmetadata: { name: x }\n',
      /manifest calico: it has no ConfigMap calico-config .* network\.calico\.manifest: \S+config hint/,
    ],
    [
      'calico',
      'ssh-ed25519 AAAA me',
      /manifest calico: a document is no object .* network\.calico\.manifest: \S+config hint/,
    ],
    [
      'addon',
      'kind: Secret\n',
      /manifest own: an object needs apiVersion, kind and metadata.name .* addons\.manifests\[0\]\.source: \S+config hint/,
    ],
    ['addon', 'a: b\n c: [\n', /manifest own: .* in line 2/],
  ])('reads the files that a run would read: %s %j', async (kind, text, told) => {
    const file = join(await scratch(), 'config');
    await writeFile(file, text);
    const uses: Record<string, string> = {
      ssh_config: INVENTORY.replace('agent: false', `agent: false, configFile: ${file}`),
      calico: INVENTORY.replace('plugin: none', `plugin: calico, calico: { manifest: ${file} }`),
      addon: `${INVENTORY}addons: { manifests: [{ name: own, source: ${file} }] }\n`,
    };
    const said = await mcpk(['validate', '-i', await inventory(uses[kind])]);
    expect([said.code, said.stdout]).toEqual([10, '']);
    expect(said.stderr.replaceAll(/\s+/g, ' ')).toMatch(told);
  });

  it('accepts an inventory and lists its hosts', async () => {
    const said = await mcpk(['validate', '-i', await inventory()]);
    expect(said.stderr).toBe('');
    expect(said.code).toBe(0);
    expect(said.stdout).toContain('  m3  10.9.0.13        master, etcd\n');
  });

  it('names file and line of each mistake, and exits 10', async () => {
    const file = await inventory(INVENTORY.replace('[master] }\n  - { name: m2', '[masterr] }\n  - { name: m2'));
    const said = await mcpk(['validate', '-i', file]);
    expect(said.code).toBe(10);
    expect(said.stderr).toMatch(/mcpk\.yaml:7:\d+.*masterr.*master/);
  });

  it('takes the inventory as a word, too, and looks whether the files are there that it names', async () => {
    const file = await inventory();
    expect(await mcpk(['validate', file])).toMatchObject({ code: 0, stdout: expect.stringContaining(`${file} is valid`) as string }); // prettier-ignore
    const keyless = await inventory(INVENTORY.replace('agent: false', 'agent: false, identityFiles: [/nowhere/key]'));
    const said = await mcpk(['validate', keyless]);
    expect([said.code, said.stderr]).toEqual([10, expect.stringMatching(/identityFiles\[0\]: \/nowhere\/key: there is no such file/)]); // prettier-ignore
  });

  it('gives commands to copy that find the same inventory', async () => {
    const wrong = await inventory(INVENTORY.replace('m1', 'M_1'));
    const named = await mcpk(['validate', '-i', wrong, '--env', 'SUDO']);
    expect(named.stderr).toContain(`check it with: mcpk validate -i ${wrong} --env SUDO\n`);
    const asWord = await mcpk(['validate', '--json', wrong]);
    expect((JSON.parse(asWord.stdout) as { error: { hint: string } }).error.hint).toMatch(`mcpk validate -i ${wrong}`);
  });

  it('prints one object with --json, whether it fails or not', async () => {
    const good = await mcpk(['validate', '--json', '-i', await inventory()]);
    expect(JSON.parse(good.stdout)).toMatchObject({ valid: true, cluster: 'small' });
    const bad = await mcpk(['validate', '--json', '-i', 'nothing-here.yaml']);
    expect(bad.code).toBe(10);
    expect(bad.stderr).toBe('');
    const { error } = JSON.parse(bad.stdout) as Failure;
    expect(error).toMatchObject({ code: 'invalid', exitCode: 10 });
  });

  it('never shows argv or a stack in JSON', async () => {
    const said = await mcpk(['plan', '--json', '--timeout', 'soon']);
    expect(said.code).toBe(64);
    expect(JSON.parse(said.stdout)).toMatchObject({ error: { code: 'usage', exitCode: 64 } });
    expect(said.stdout).not.toContain('argv');
    expect(said.stdout).not.toContain('node_modules');
  });

  it('finds its inventory by MCPK_INVENTORY', async () => {
    vi.stubEnv('MCPK_INVENTORY', await inventory());
    const said = await mcpk(['validate', '--json']);
    expect(said.code).toBe(0);
  });
});

describe('explain', () => {
  it.each([
    ['network.podCidr', ['default  10.244.0.0/16', 'an IPv4 network such as']],
    ['podCidr', ['network.podCidr']],
    ['hosts[].address', ['hosts.address', 'it is needed']],
    ['endpoint.tls', ['passthrough or terminate']],
    ['maxPods', ['kubelet.config.maxPods', 'Pods that can run on this Kubelet']],
    ['hosts', ['settings:', 'hosts.ssh ']],
    ['network', ['[number, 9 to 30; default: 24]']],
  ])('tells what %s is', async (name, texts) => {
    const said = await mcpk(['explain', name]);
    expect([said.code, said.stderr]).toEqual([0, '']);
    for (const text of texts) expect(said.stdout).toContain(text);
  });

  it('lists the sections', async () => {
    const { stdout } = await mcpk(['explain']);
    for (const name of ['hosts', 'network', 'apiServer']) expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
  });

  it.each([
    ['network.podCidrs', 'did you mean network.podCidr?'],
    ['podCidrs', 'did you mean network.podCidr?'],
    ['kubelet.config.maxPod', 'did you mean kubelet.config.maxPods?'],
    ['maxPod', 'did you mean kubelet.config.maxPods?'],
    ['port', 'did you mean ssh.port, '],
    ['nothing-like-it', 'there is no setting "nothing-like-it" (exit 64)'],
  ])('of %s, which is none, says which is near', async (name, text) => {
    const said = await mcpk(['explain', name]);
    expect([said.code, said.stdout]).toEqual([64, '']);
    expect(said.stderr).toContain(text);
  });
});

describe('init', () => {
  it('writes an inventory that validates, and does not overwrite it', async () => {
    const file = join(await scratch(), 'new.yaml');
    const args = ['init', file, '--master', '10.9.0.11', '--worker', 'w7=10.9.0.17'];
    const said = await mcpk(args);
    expect(said.stderr).toBe('');
    const next = [...said.stdout.matchAll(/^ {2}mcpk (.+?) -i /gm)].map(([, command]) => command);
    expect(next).toEqual(['validate', 'host-key pin', 'plan', 'apply', 'verify', 'kubeconfig --merge']);
    expect(said.stdout).toContain(`mcpk plan -i ${file}`);
    expect(await readFile(file, 'utf8')).toMatch(/^# yaml-language-server: \$schema=cluster\.v1\.schema\.json\n/);
    expect(await readFile(join(file, '..', 'cluster.v1.schema.json'), 'utf8')).toBe(schemaText());
    expect((await mcpk(['validate', '-i', file])).stdout).toContain('w7  10.9.0.17');
    const again = await mcpk(args);
    expect(again.code).toBe(64);
    expect(again.stderr).toContain('is there already');
    expect((await mcpk([...args, '--force', '--name', 'other'])).code).toBe(0);
    expect(await readFile(file, 'utf8')).toContain('name: other');
  });
});

it('init writes nothing that validate refuses', async () => {
  const folder = await scratch();
  const said = await mcpk(['init', join(folder, 'new.yaml'), '--master', '10.9.0.11', '--worker', '10.9.0.11']);
  expect([said.code, said.stderr, await readdir(folder)]).toEqual([
    64,
    expect.stringContaining('hosts[1].address: "10.9.0.11" is the address of m1 too'),
    [],
  ]);
});

describe('a link in the place of what is written', () => {
  it.each([
    ['init --force', (link: string) => ['init', link, '--force', '--master', '10.9.0.11']],
    ['apply --timeline', (link: string, file: string) => ['apply', '-i', file, '--timeline', link]],
    ['apply --snapshot', (link: string, file: string) => ['apply', '-i', file, '--snapshot', link]],
  ])('%s is refused, and no host is asked', async (_what, words) => {
    const folder = await scratch();
    const [victim, link] = [join(folder, 'victim'), join(folder, 'link')];
    await writeFile(victim, 'theirs');
    await symlink(victim, link);
    const said = await mcpk(words(link, await inventory()));
    expect([said.code, said.stderr]).toEqual([64, expect.stringContaining('a link is there')]);
    expect(await readFile(victim, 'utf8')).toBe('theirs');
  });

  it('render empties no folder that a link leads to, also one that it wrote itself', async () => {
    const folder = await scratch();
    const [own, link] = [join(folder, 'own'), join(folder, 'link')];
    const file = await inventory();
    expect((await mcpk(['render', own, '-i', file, '--only', 'etcd'])).code).toBe(0);
    const before = await readdir(own, { recursive: true });
    await symlink(own, link);
    for (const name of [link, `${link}/`]) {
      const said = await mcpk(['render', name, '-i', file, '--only', 'certificates']);
      expect([said.code, said.stderr]).toEqual([64, expect.stringContaining('is a link')]);
    }
    expect(await readdir(own, { recursive: true })).toEqual(before);
  });
});

describe('render', () => {
  it('writes each file of each host, and says what was assumed', async () => {
    const folder = join(await scratch(), 'out');
    const said = await mcpk(['render', folder, '-i', await inventory(), '--only', 'etcd,certificates']);
    expect(said.code, said.stderr).toBe(0);
    expect(said.stderr).toContain('Assumed, as no host was asked');
    expect(said.stdout).toMatch(/^\d+ files of 3 hosts in /);
    const one = await mcpk(['render', `${folder}-one`, '-i', await inventory(), '--only', 'etcd', '--limit', 'm1']);
    expect(one.stdout).toMatch(/^2 files of 1 host in /);
    expect(await readFile(join(folder, 'm2/etc/etcd/etcd.yaml'), 'utf8')).toContain('name: m2');
    expect(await readFile(join(folder, 'm2/etc/etcd/pki/server.key'), 'utf8')).toBe(
      '<secret key of /etc/etcd/pki/server.crt>\n',
    );
  });

  it('is limited by what the hosts tell, from the facts that it is given', async () => {
    const folder = await scratch();
    const facts = join(folder, 'facts.json');
    const hosts = Object.fromEntries(['m1', 'm2', 'm3'].map((name) => [name, { ...bareHost(name, '10.9.0.11'), cpus: name === 'm2' ? 9 : 4 }])); // prettier-ignore
    await writeFile(facts, JSON.stringify({ hosts, etcd: 'none' }));
    const flags = ['-i', await inventory(), '--only', 'etcd', '--facts', facts];
    const said = await mcpk(['render', join(folder, 'out'), '--json', '--limit', 'fact:cpus=9', ...flags]);
    expect(said.code, said.stderr).toBe(0);
    const { files } = JSON.parse(said.stdout) as { files: string[] };
    expect(new Set(files.map((file) => file.split('/')[0]))).toEqual(new Set(['m2']));
    const none = await mcpk(['render', join(folder, 'none'), '--limit', 'fact:cpus=7', ...flags]);
    expect(none.code).toBe(18);
    expect(none.stderr).toContain('no host matches "fact:cpus=7"');
  });

  it('says which hosts have no facts, and writes nothing', async () => {
    const folder = await scratch();
    const facts = join(folder, 'facts.json');
    const hosts = { m1: bareHost('m1', '10.9.0.11'), x1: bareHost('x1', '10.9.0.21') };
    await writeFile(facts, JSON.stringify({ hosts, etcd: 'none' }));
    const flags = ['-i', await inventory(), '--only', 'etcd', '--facts', facts];
    const out = join(folder, 'out');
    const said = await mcpk(['render', out, ...flags]);
    expect([said.code, said.stderr]).toEqual([64, expect.stringContaining(`${facts} has no facts of m2, m3`)]);
    expect(existsSync(out)).toBe(false);
    expect((await mcpk(['render', out, '--limit', 'm1', ...flags])).code).toBe(0);
  });

  it('fetches no manifest that no stage of the selection needs', async () => {
    const folder = await scratch();
    const calico = INVENTORY.replace('plugin: none', 'plugin: calico');
    const file = await inventory(`${calico}artifacts: { directory: ${folder}/none, download: false }\n`);
    const render = (...flags: string[]) => mcpk(['render', join(folder, 'out'), '-i', file, ...flags]);
    expect((await render()).stderr).toContain('manifest calico: ');
    expect((await render('--only', 'api-server')).code).toBe(0);
    expect((await render('--limit', 'm1', '--skip', 'images,calico,addons')).code).toBe(0);
  });

  it('ends where no folder can be made', async () => {
    const said = await mcpk(['render', '/proc/foo', '-i', await inventory(), '--only', 'etcd']);
    expect([said.code, said.stderr]).toEqual([64, expect.stringContaining('/proc/foo cannot be written')]);
  });

  it('of no stage is wrong usage, and leaves what it wrote before', async () => {
    const file = await inventory();
    const folder = join(await scratch(), 'out');
    expect((await mcpk(['render', folder, '--only', 'system', '-i', file])).code).toBe(0);
    const before = await readdir(folder, { recursive: true });
    const said = await mcpk(['render', folder, '--only', 'etcd', '--skip', 'etcd', '-i', file]);
    expect([said.code, said.stderr]).toEqual([64, expect.stringContaining('--only and --skip leave no stage')]);
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });

  it('leaves a folder alone that holds other things', async () => {
    const file = await inventory();
    const said = await mcpk(['render', join(file, '..'), '-i', file]);
    expect(said.code).toBe(64);
    expect(await readFile(file, 'utf8')).toBe(INVENTORY);
  });
});

it('etcd restore says that its file is not there before it wants a name', async () => {
  const said = await mcpk(['etcd', 'restore', 'nofile.tar', '-i', await inventory()]);
  expect([said.code, said.stderr]).toEqual([64, expect.stringContaining('nofile.tar: there is no such file')]);
});

describe('hosts', () => {
  it('are named when a stage or host does not exist', async () => {
    const file = await inventory();
    const stage = await mcpk(['plan', '-i', file, '--only', 'etdc']);
    expect(stage.code).toBe(64);
    expect(stage.stderr).toContain('did you mean etcd?');
    const host = await mcpk(['show', 'm9', '-i', file]);
    expect(host.code).toBe(18);
    expect(host.stderr).toContain('Did you mean m1?');
    const far = await mcpk(['show', 'storage', '-i', file]);
    expect(far.stderr).toContain('m1, m2, m3');
  });
});
