import { redact } from '../core/redact.ts';
import { checkComponents } from './check-components.ts';
import { checkFiles } from './check-files.ts';
import { checkHosts } from './check-hosts.ts';
import { checkNetwork } from './check-network.ts';
import { checkSettings } from './check-settings.ts';
import { formatMistake, type Mistake } from './mistake.ts';
import { mistakeAt, nodeAt, type Node, type Path } from './node.ts';
import type { ClusterInput, GroupInput } from './input.ts';
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
  mistake(path: Path, message: string, suggestion?: string): void;
  warn(path: Path, message: string): void;
}

export interface CheckInput {
  cluster: Cluster;
  root: Node;
  /** Of what fits the schema. */
  input: ClusterInput;
  places: ReadonlyMap<Host, number>;
  /** Paths that the schema's check found wrong. */
  wrong: readonly Path[];
  /** Whether files of this machine are looked at too. */
  files: boolean;
}

/** Checks what a schema cannot say: names that are unique, networks that do not overlap, settings that fit together. */
export function check({ cluster, root, input, places, wrong, files }: CheckInput): {
  mistakes: Mistake[];
  warnings: string[];
} {
  const mistakes: Mistake[] = [];
  const warnings: string[] = [];
  const draft: Draft = {
    cluster,
    host: (host, ...below) => ['hosts', places.get(host) ?? 0, ...below],
    written: ([group, key]) => (group === 'hosts' ? input.hosts?.[Number(key)] : input.groups?.[key as Role]) ?? {},
    given: (...path) => nodeAt(root, path) !== undefined,
    broken: (...path) => wrong.some((at) => path.every((part, index) => index >= at.length || at[index] === part)),
    mistake: (path, message, suggestion) => {
      const shown = shownAt(root, path);
      mistakes.push(mistakeAt(root, path, shown(message), { suggestion: suggestion && shown(suggestion) }));
    },
    warn: (path, message) => warnings.push(...formatMistake(mistakeAt(root, path, shownAt(root, path)(message)))),
  };
  checkHosts(draft);
  checkNetwork(draft);
  checkSettings(draft);
  checkComponents(draft);
  if (files) checkFiles(draft, root);
  return { mistakes, warnings };
}

/** What a message says of a value, with `${NAME}` for what came from the environment. */
function shownAt(root: Node, path: Path): (text: string) => string {
  const node = nodeAt(root, path);
  const from = (node?.kind === 'scalar' ? node.from : undefined) ?? [];
  return (text) => redact(text, from);
}
