/** What befalls a cluster and what its operator does about it: run on the lab, recorded into a page of docs/. */

export interface Page {
  /** `docs/operations.md` */
  path: string;
  /**
   * By name, for `npm run docs:lab -- NAME`: scenarios that begin with the cluster of inventories/lab.yaml, one after the
   * other, and leave it so.
   */
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
  /** YAML: entries of hosts, a line each, that take the place of theirs, or what is added at the end. */
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
