import { redact } from '../core/redact.ts';
import { checkComponents } from './check-components.ts';
import { checkFiles } from './check-files.ts';
import { checkFormats } from './check-formats.ts';
import { checkHosts } from './check-hosts.ts';
import { checkNetwork } from './check-network.ts';
import { checkPlainPasswords } from './check-plain-passwords.ts';
import { checkSettings } from './check-settings.ts';
import { formatMistake, inOrder, type Mistake } from './mistake.ts';
import { mistakeAt, nodeAt, type Node, type Path } from './node.ts';
import type { ClusterInput, GroupInput } from './input.ts';
import type { JsonSchema } from './schema.ts';
import type { Cluster, Host, Role } from './types.ts';

/** What a semantic check looks at, and where it reports. */
export interface Draft {
  readonly cluster: Cluster;
  /** The path of a host, or of something below it. */
  host(host: Host, ...below: Path): Path;
  /** Whether the user wrote something there. */
  given(...path: Path): boolean;
  /** What was written for a host or a group. */
  written(path: Path): Pick<GroupInput, 'labels' | 'taints' | 'kubelet' | 'kubeProxy'>;
  /** Whether something there or below was already found wrong: then what follows from it is not reported too. */
  broken(...path: Path): boolean;
  /** Whether the roles and addresses of all hosts are known. */
  readonly knowsHosts: boolean;
  /** Entries of a list in which nothing was found wrong, each with the place at which it was written. */
  entries<T>(list: Path, items: readonly T[]): [place: number, item: T][];
  mistake(path: Path, message: string, suggestion?: string): void;
  warn(path: Path, message: string): void;
}

export interface CheckInput {
  cluster: Cluster;
  root: Node;
  /** Of what fits the schema. */
  input: ClusterInput;
  places: ReadonlyMap<Host, number>;
  schema: JsonSchema;
  /** Paths that the schema's check found wrong. */
  wrong: readonly Path[];
  /** Paths of what is not in `input` for that. */
  cut: readonly Path[];
  /** Whether files of this machine are looked at too. */
  files: boolean;
}

/** Checks what a schema cannot say: names that are unique, networks that do not overlap, settings that fit together. */
export function check({ cluster, root, input, places, schema, wrong, cut, files }: CheckInput): {
  mistakes: Mistake[];
  warnings: string[];
} {
  const broken: Draft['broken'] = (...path) =>
    wrong.some((at) => path.every((part, index) => index >= at.length || at[index] === part));
  const mistakes: Mistake[] = [];
  const warnings: Mistake[] = [];
  const draft: Draft = {
    cluster,
    host: (host, ...below) => ['hosts', places.get(host) ?? 0, ...below],
    written: ([group, key]) => (group === 'hosts' ? input.hosts?.[Number(key)] : input.groups?.[key as Role]) ?? {},
    given: (...path) => nodeAt(root, path) !== undefined,
    broken,
    knowsHosts: !cut.some(([list, , setting]) => list === 'hosts' && (setting === undefined || setting === 'roles')),
    entries: (list, items) => {
      const gone = new Set(cut.filter((at) => isEntry(at, list)).map((at) => at.at(-1)));
      const places = Array.from({ length: items.length + gone.size }, (_, place) => place).filter(
        (at) => !gone.has(at),
      );
      return items.flatMap((item, index) => {
        const place = places[index] ?? index;
        return broken(...list, place) ? [] : [[place, item]];
      });
    },
    mistake: (path, message, suggestion) => {
      const shown = shownAt(root, path);
      mistakes.push(mistakeAt(root, path, shown(message), { suggestion: suggestion && shown(suggestion) }));
    },
    warn: (path, message) => void warnings.push(mistakeAt(root, path, shownAt(root, path)(message))),
  };
  checkHosts(draft);
  checkNetwork(draft);
  checkSettings(draft);
  checkComponents(draft);
  checkFormats(draft, schema);
  checkPlainPasswords(draft, root, schema);
  if (files) checkFiles(draft, root);
  return { mistakes, warnings: inOrder(warnings, cluster.files).flatMap(formatMistake) };
}

function isEntry(path: Path, list: Path): boolean {
  return path.length === list.length + 1 && list.every((part, index) => path[index] === part);
}

/** What a message says of a value, with `${NAME}` for what came from the environment. */
function shownAt(root: Node, path: Path): (text: string) => string {
  const node = nodeAt(root, path);
  const from = (node?.kind === 'scalar' ? node.from : undefined) ?? [];
  return (text) => redact(text, from);
}
