import { inspect } from 'node:util';
import { isMap } from './merge.ts';

/**
 * A value that no view may show: JSON, logs, diffs and `util.inspect` print its label.
 * What a stage makes of it is one again ({@link secretly}); only the wire that writes a file on a host shows the text.
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

/** `T` with text in place of each secret. */
export type Revealed<T> = T extends Secret ? string : T extends object ? { [K in keyof T]: Revealed<T[K]> } : T;

/** The text that `write` makes of a value: a secret itself where there is one anywhere in the value. */
export function secretly<T>(value: T, write: (plain: Revealed<T>) => string): string | Secret {
  const secrets = secretsIn(value);
  const text = write(revealed(value));
  return secrets.length === 0 ? text : new Secret(text, [...new Set(secrets.map(({ label }) => label))].join(', '));
}

/** A value with text in place of its secrets. For what is made of it and not shown. */
export function revealed<T>(value: T): Revealed<T> {
  return open(value) as Revealed<T>;
}

function open(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(open);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, open(item)]));
}

/** All secrets in a value of maps and lists. */
export function secretsIn(value: unknown): Secret[] {
  if (value instanceof Secret) return [value];
  if (Array.isArray(value)) return value.flatMap(secretsIn);
  return isMap(value) ? Object.values(value).flatMap(secretsIn) : [];
}
