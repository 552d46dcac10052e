import { toFlow, typeInWords } from './describe.ts';
import { describedItems, describedSettings, likeSection, resolve, type JsonSchema } from './schema.ts';

const HEAD = `# The inventory

One YAML file describes the cluster. Twenty lines suffice: [three-masters.yaml](../inventories/three-masters.yaml), or
[one-master.yaml](../inventories/one-master.yaml) for a single host; [external-endpoint.yaml](../inventories/external-endpoint.yaml) has a load balancer of your own,
[etcd-hosts.yaml](../inventories/etcd-hosts.yaml) etcd on hosts of its own. [reference.yaml](../inventories/reference.yaml)
shows every setting with its default. \`mcpk init\` writes a first one, \`mcpk validate\` checks one without contacting any
host.

The first line names the schema for editors that know the YAML language server:

\`\`\`yaml
# yaml-language-server: $schema=../schema/cluster.v1.schema.json
\`\`\`

## How it is read

- **Several files** (\`-i base.yaml -i site.yaml\`) are merged in their order: maps setting by setting, hosts by their
  \`name\`; every other list of a later file replaces the earlier one.
- **\`null\`** (or nothing behind the colon) puts a setting back to its default. Of a host or a group it gives up what it
  would inherit: all of \`labels\`, \`taints\`, \`ssh\`, \`kubelet\`, \`kubeProxy\` or \`pillar\`, a part of them
  (\`kubelet.extraArgs\`) or one thing in them (a label, a variable). One flag in \`extraArgs\` and one setting in
  \`config\` it takes out wherever they come from, of what mcpk would set too.
- **Flags**: a value in \`extraArgs\` takes the place of mcpk's own, whole. Of a list (\`tls-cipher-suites\`) name also
  what mcpk would have set: \`mcpk render out --only api-server\` writes it, asking no host, into
  \`out/m1/etc/systemd/system/kube-apiserver.service\`; of hosts that are there,
  \`mcpk show m1 --only api-server --verbose\` prints it. \`enable-admission-plugins\` alone adds to it:
  NodeRestriction stays.
- **\`\${NAME}\`** in a text is replaced by that environment variable, \`\${NAME:-default}\` by the default where the variable
  is not set or empty. A variable that is not set is a mistake. \`$\${\` stands for \`\${\`.
- **Which variables**: those that begin with \`MCPK_\`, and those that whoever runs mcpk names: \`--env NAME\`, once for
  each, or \`MCPK_ENV=NAME,NAME\` in the environment. Any other that is set is a mistake, also beside a default. So an
  inventory that somebody else wrote can send nothing of yours anywhere: of a CI that plans pull requests allow it no
  more than a pull request may know, and keep in no variable that begins with \`MCPK_\` what it may not: those need no
  permission, and a URL or the name of a file may hold one.
- **What is shown of them**: a value is shown where only a name, an address, a version, a word, a number or a local file
  can stand. In free text (\`environment\`, every \`config\`, \`audit\`, \`apiServer.files\`, \`extraGlobal\`, \`extraDefaults\`,
  \`registries\`, \`proxy\`, \`pillar\`) the setting is a secret: no plan, diff, rendered file or message shows it, the
  file that holds it is 0600, and a service reads such variables from an \`EnvironmentFile\`, as systemd tells everybody on
  a host what \`Environment=\` says. \`extraArgs\` and \`sysctls\` can be read by everybody there, so they take only numbers,
  \`true\`, \`false\`, addresses and networks. Where a URL or a program on a host would repeat a value, \`\${NAME}\` is
  shown in its place.
- **SSH**: what decides whom mcpk talks to and as whom, and which options of an ssh_config it understands, is in
  [ssh.md](ssh.md).
- **Files** (keys, manifests) may begin with \`~\`; a relative one counts from the folder of the inventory that names it.
- **Inheritance**: \`ssh\`, \`labels\`, \`taints\`, \`kubelet\`, \`kubeProxy\` and \`pillar\` of a host are the cluster's, then those of its groups (worker,
  then etcd, then master), then its own; the later one wins. Maps are merged, lists replaced.
- **YAML** is version 1.2: \`yes\` and \`on\` are text, and there are no merge keys (\`<<\`). Anchors and aliases work.
- **Mistakes** are told all at once, each with file, line, column, path and the nearest valid word; exit code 10.
- **Notes** stop nothing: what works and is likely not meant, and names that mcpk's own lists lack. Of \`kubelet.config\`
  they name policies, thresholds and quantities with which upstream's kubelet does not start.

## Which hosts: \`--limit\`

| write | for |
| --- | --- |
| \`m1\`, \`m*\`, \`w?\` | hosts by name; a name that is not there is refused |
| \`all\` | every host |
| \`role:master\` | hosts with a role: master, etcd, worker |
| \`label:rack=r1\`, \`label:rack\` | hosts by a label, or that have it at all; \`*\` and \`?\` work in the value |
| \`fact:os.id=debian\` | hosts by what they tell about themselves (\`mcpk facts --json\` has the names, joined by dots: \`arch\`, \`cpus\`, \`kernel\`, \`memoryBytes\`, \`os.id\`, \`os.version\`, \`swap\`, \`systemd\` …): all are asked before the run begins; not for \`host-key\` |
| \`not\`, \`and\`, \`or\`, \`,\` | from strong to weak; a comma is a weaker \`or\` |
| \`( … )\` | grouping |

\`\`\`sh
mcpk plan -i cluster.yaml --limit 'role:worker and not w2'
\`\`\`

# Settings

A default in italics is computed.
`;

/** docs/inventory.md, from the schema. */
export function renderInventoryDoc(root: JsonSchema): string {
  const top = Object.entries(root.properties ?? {}).map(([key, schema]) => [key, resolve(schema, root)] as const);
  const single = top.filter(([, schema]) => schema.properties === undefined && schema.items === undefined);
  const sections = top.filter(([, schema]) => schema.properties !== undefined || schema.items !== undefined);
  return `${[
    HEAD.trimEnd(),
    section(
      'Top level',
      undefined,
      single.map(([key, schema]) => row(key, schema, root)),
    ),
    ...sections.map(([key, schema]) => renderSection(key, schema, root)),
  ].join('\n\n')}\n`;
}

function renderSection(key: string, schema: JsonSchema, root: JsonSchema): string {
  if (key === 'groups')
    return section(
      '`groups`',
      `${schema.description ?? ''} \`groups.master\`, \`groups.etcd\` and \`groups.worker\` each have:`,
      rows(groupOf(schema, root), '', root),
    );
  const items = schema.items === undefined ? undefined : resolve(schema.items, root);
  const text = items === undefined ? schema.description : `${schema.description ?? ''} A list; each entry has:`;
  return section(`\`${key}\``, text, rows(items ?? schema, '', root, items?.required));
}

function groupOf(groups: JsonSchema, root: JsonSchema): JsonSchema {
  return resolve(groups.properties?.['worker'] ?? {}, root);
}

function rows(schema: JsonSchema, prefix: string, root: JsonSchema, required: readonly string[] = []): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const child = resolve(property, root);
    const name = `${prefix}${key}`;
    const like = prefix === '' ? likeSection(key, child, root) : undefined;
    if (like !== undefined) {
      const parts = like.of === undefined ? '' : `: ${like.of.map((part) => `\`${part}\``).join(', ')}`;
      return [`| \`${key}\` | map | | As the [section ${key}](#${key.toLowerCase()})${parts}. |`];
    }
    if (describedSettings(child) !== undefined) return rows(child, `${name}.`, root, child.required);
    const items = describedItems(child, root);
    const entries = items?.properties === undefined ? [] : rows(items, `${name}[].`, root, items.required);
    return [row(name, child, root, required.includes(key)), ...entries];
  });
}

function row(name: string, schema: JsonSchema, root: JsonSchema, required = false): string {
  const needed = required || ['name', 'hosts'].includes(name);
  const computed = schema['x-default'] === undefined ? undefined : `*${schema['x-default']}*`;
  const fixed = schema.default === undefined ? (needed ? 'needed' : '') : `\`${toFlow(schema.default)}\``;
  return `| \`${name}\` | ${cell(typeInWords(schema, root))} | ${cell(computed ?? fixed)} | ${cell(schema.description ?? '')} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function section(title: string, text: string | undefined, lines: readonly string[]): string {
  return [
    `## ${title}`,
    ...(text === undefined ? [] : [text]),
    ['| setting | type | default | meaning |', '| --- | --- | --- | --- |', ...lines].join('\n'),
  ].join('\n\n');
}
