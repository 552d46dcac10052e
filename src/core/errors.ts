/**
 * The one table of errors: code → exit code → what the help says.
 *
 * Several hosts can fail in one run: {@link FailureList} says which failure decides the exit code, JSON lists them all.
 */
export const EXIT_CODES = {
  done: [0, 'done'],
  unexpected: [1, 'unexpected error'],
  pending: [2, 'plan: changes pending'],
  invalid: [10, 'inventory, template or plan invalid'],
  unreachable: [11, 'host unreachable, authentication failed, or its answers make no sense'],
  hostKey: [12, 'host key unknown or changed'],
  locked: [13, 'another run holds the lock'],
  preflight: [14, 'preflight failed'],
  stage: [15, 'a stage failed'],
  gate: [16, 'a gate, verification or budget failed'],
  stale: [17, 'the plan no longer matches the hosts'],
  refused: [18, 'refused (quorum, version skew, unknown host or run)'],
  rolledBack: [19, 'a change did not hold, and its host was rolled back'],
  fetch: [20, 'a binary or manifest could not be fetched, or is another one than it must be'],
  usage: [64, 'wrong usage, or nobody to ask'],
  interrupted: [130, 'interrupted, or declined'],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = Exclude<keyof typeof EXIT_CODES, 'done' | 'pending'>;

export interface ErrorDetails {
  /** Name of the host in the inventory. */
  host?: string | undefined;
  /** In which it came up. */
  stage?: string | undefined;
  /** What to do now, one sentence. */
  hint?: string | undefined;
  /** Further lines for a reader: the last answer, journal lines, paths. No secrets. */
  details?: string[];
  /**
   * Seconds after which it is worth another try, as a host that boots or is being installed may do it then. Absent: it
   * stays so until somebody acts.
   */
  again?: number | undefined;
  cause?: unknown;
}

/** The one error type. Wrap once, at a boundary. */
export class McpkError extends Error {
  override readonly name = 'McpkError';
  readonly code: ErrorCode;
  readonly host: string | undefined;
  /** Whoever catches it in a stage says which one. */
  stage: string | undefined;
  readonly hint: string | undefined;
  readonly details: readonly string[];
  again: number | undefined;

  constructor(code: ErrorCode, message: string, more: ErrorDetails = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.host = more.host;
    this.stage = more.stage;
    this.hint = more.hint;
    this.details = more.details ?? [];
    this.again = more.again;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code][0];
  }

  /** The same with one thing more that can be done. */
  orElse(hint: string): McpkError {
    const { code, message, host, details, cause, again } = this;
    return new McpkError(code, message, {
      host,
      again,
      details: [...details],
      hint: [this.hint, hint].filter(Boolean).join(' '),
      cause,
    });
  }

  toJSON(): {
    code: string;
    exitCode: number;
    message: string;
    host?: string;
    stage?: string;
    hint?: string;
    details?: readonly string[];
  } {
    return {
      code: this.code,
      exitCode: this.exitCode,
      message: this.message,
      ...(this.host === undefined ? {} : { host: this.host }),
      ...(this.stage === undefined ? {} : { stage: this.stage }),
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.details.length === 0 ? {} : { details: this.details }),
    };
  }
}

/** What to throw for these: one by itself, several as a list. */
export function failure(errors: readonly [McpkError, ...McpkError[]]): McpkError | FailureList {
  return errors.length === 1 ? errors[0] : new FailureList(errors);
}

/** What stays until somebody acts; which host answers first is chance. */
const DECIDING: readonly ErrorCode[] = ['hostKey', 'invalid', 'refused'];

/**
 * Failures of several hosts stay a list. The exit code is that of a host key (12), else of what is invalid (10), else of
 * what is refused (18), else of the first one.
 */
export class FailureList extends Error {
  override readonly name = 'FailureList';
  readonly errors: readonly [McpkError, ...McpkError[]];

  constructor(errors: readonly [McpkError, ...McpkError[]]) {
    super(errors.map((e) => (e.host ? `${e.host}: ${e.message}` : e.message)).join('\n'));
    this.errors = errors;
  }

  /** The one that the exit code is of. */
  get deciding(): McpkError {
    const [worst] = DECIDING.flatMap((code) => this.errors.find((error) => error.code === code) ?? []);
    return worst ?? this.errors[0];
  }

  get exitCode(): number {
    return this.deciding.exitCode;
  }
}
