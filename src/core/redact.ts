import { FailureList, McpkError } from './errors.ts';
import type { Secret } from './secret.ts';

/** A text with the label of each of these secrets where its value stood: `http://x/${TOKEN}`. */
export function redact(text: string, hidden: readonly Secret[]): string {
  // The longest first: one may begin with another.
  const inOrder = hidden.flatMap((secret) => formsOf(secret.reveal()).map((form) => [form, secret.label] as const));
  inOrder.sort(([a], [b]) => b.length - a.length);
  return inOrder.reduce((shown, [value, label]) => shown.replaceAll(value, () => label), text);
}

/** A value as programs repeat it: whole or a line of it, as it is or with the escapes of JSON and Go. */
function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/).filter((line) => line.length > 3);
  const plain = [value, ...lines];
  return [...new Set([...plain, ...plain.map((form) => JSON.stringify(form).slice(1, -1))])].filter(Boolean);
}

/**
 * Takes secrets out of all that an error says, in place: programs on a host repeat what they could not read, and a
 * URL that does not answer is named.
 */
export function redactError<E extends Error>(error: E, hidden: readonly Secret[]): E {
  if (hidden.length === 0) return error;
  const shown = (text: string): string => redact(text, hidden);
  error.message = shown(error.message);
  if (error.stack !== undefined) error.stack = shown(error.stack);
  if (error instanceof McpkError)
    Object.assign(error, { details: error.details.map(shown), hint: error.hint && shown(error.hint) });
  if (error instanceof FailureList) for (const each of error.errors) redactError(each, hidden);
  if (error.cause instanceof Error) redactError(error.cause, hidden);
  return error;
}
