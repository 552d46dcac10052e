import { inspect } from 'node:util';

/**
 * A value that no view may show: JSON, logs, diffs and `util.inspect` print its label.
 * Only the wire that writes a file on a host calls {@link Secret.reveal}.
 */
export class Secret {
  readonly #value: string;
  readonly label: string;

  constructor(value: string, label: string) {
    this.#value = value;
    this.label = label;
  }

  reveal(): string {
    return this.#value;
  }

  toJSON(): { secret: string } {
    return { secret: this.label };
  }

  toString(): string {
    return `<secret ${this.label}>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
