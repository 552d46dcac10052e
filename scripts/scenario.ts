/** What befalls a cluster and what its operator does about it: run on the lab, recorded into a page of docs/. */

export interface Page {
  /** `docs/operations.md` */
  path: string;
  /** What its sequences begin with: `ready` (where none is said) is the cluster of inventories/lab.yaml, `before` one of the release before. */
  from?: 'ready' | 'before';
  /** By name, for `npm run docs:lab -- NAME`: scenarios, one after the other, that leave the cluster of inventories/lab.yaml. */
  sequences: Readonly<Record<string, readonly Scenario[]>>;
}

export interface Scenario {
  /** As in the page's `<!-- lab: NAME … -->`. */
  name: string;
  steps: readonly Step[];
}

export type Step = Happens | Edits | Runs | Checks;

/** What befalls the cluster; told in the page above the next command, after a `#`. */
export interface Happens {
  happens: string;
  by: () => Promise<unknown>;
}

/** What the operator writes into the inventory; shown in the page. */
export interface Edits {
  /** YAML: entries of hosts, a line each, or settings of one section, a line each, that take the place of what is there. */
  edit: string;
}

/** What the operator runs, and what comes of it. */
export interface Runs {
  /** Shell, in a folder with the inventory as mcpk.yaml; shown in the page. */
  run: string;
  /** What is typed where it asks. */
  answers?: readonly string[];
  /** 0 where none is said. */
  code?: number;
  /** What must stand in the output, which is shown in the page then. */
  shows?: readonly RegExp[];
  /** What goes on meanwhile, beside the operator. */
  amid?: (run: () => Promise<unknown>) => Promise<unknown>;
}

/** What must be so by now, beside what the commands say; not told in the page. */
export interface Checks {
  check: string;
  by: () => Promise<unknown>;
}

/** The inventory with an edit; what is new of a section comes right below its head. */
export function edited(inventory: string, { edit: text }: Edits): string {
  const [head = '', ...settings] = text.trimEnd().split('\n');
  if (!inventory.includes(`\n${head}\n`)) return `${inventory}\n${text}`;
  return settings.reduce((left, line) => {
    const key = /^ {2}(- \{ name: \w+,|[\w.-]+:)/.exec(line)?.[0];
    if (key === undefined) throw new Error(`neither an entry of a host nor a setting: ${line}`);
    const lines = left.split('\n');
    const start = lines.indexOf(head);
    const size = lines.slice(start + 1).findIndex((each) => /^\S/.test(each));
    const end = size < 0 ? lines.length : start + 1 + size;
    const found = lines.findIndex((each, at) => at > start && at < end && each.startsWith(key));
    return lines.toSpliced(found < 0 ? start + 1 : found, found < 0 ? 0 : 1, line).join('\n');
  }, inventory);
}
