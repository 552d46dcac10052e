import type { McpkError } from '../core/errors.ts';
import type { Facts } from './facts.ts';
import type { Cluster } from '../inventory/types.ts';

/**
 * A gate asks what users mean by "up". It is data: commands to run on hosts (reads only), and a pure
 * function over their answers. So the gates of an unchanged stage ride in the probe, and those of a
 * changed one are asked again and again until they hold or the deadline passes.
 */
export interface GateCheck {
  /** Short, for the view: `etcd m1 healthy`. */
  title: string;
  asks: Ask[];
  /** What is still wrong, for a human, with what was seen last; undefined = it holds. */
  check(answers: readonly Answer[]): string | undefined;
  /** Once it holds: further checks that its answers make possible (addresses of test pods). */
  next?(answers: readonly Answer[]): GateCheck[];
  /** What it says is this host's doing, so a change there is judged by it; none: of the cluster as a whole. */
  host?: string;
  /** The same, where only the answers tell it. */
  blames?(answers: readonly Answer[]): string | undefined;
  /** What a person would look up next, asked once when it does not hold in time. */
  explain?(answers: readonly Answer[]): Explanation | undefined;
  /** Unit whose last journal lines explain a failure, on `host`. */
  unit?: { host: string; name: string };
  /** Seconds from the end of the change until it must hold. */
  deadline: number;
  /** What it is when it does not hold; absent = `gate`. */
  code?: 'preflight';
}

/** Reads that tell why something is not as it should be. */
export interface Explanation {
  asks: Ask[];
  /** Lines for a human, the most telling first, and what their answers make it possible to ask then. */
  tell(answers: readonly Answer[]): { lines: string[]; next?: Explanation };
}

/** What must hold of the others before a batch may be taken down. */
export interface Guard extends GateCheck {
  /** What comes of it when it is done all the same, a sentence that goes on after "then". */
  consequence: string;
}

/** Equal asks (host, argv, stdin) of one round may be answered by one call. */
export interface Ask {
  host: string;
  argv: string[];
  stdin?: string;
  /** `stdin` is an HTTP request: those of one round to the same server (argv) go over one connection. */
  http?: true;
  /** `stdin` and the answer's `stdout` are bytes, a character each (latin1). */
  binary?: true;
  /** It may take as long as an installation of packages. */
  long?: true;
  /** It is about this unit alone ({@link askUnit}): a probe of the same time answers it as well. */
  unit?: string;
}

export interface Answer {
  host: string;
  exitCode: number;
  stdout: string;
  stderr: string;
  /** The session with the host is over: asking again is of no use. */
  lost?: McpkError;
}

export interface GateContext {
  cluster: Cluster;
  facts: Facts;
  /** Hosts of the batch that just converged; for a whole stage, all its hosts. */
  hosts: readonly string[];
  /** Where a binary of this run lies on a host, once it is sent; absent where nothing is carried out. */
  staged?: (host: string, name: string) => string;
}
