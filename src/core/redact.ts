import { domainToASCII } from 'node:url';
import { FailureList, McpkError } from './errors.ts';
import type { Secret } from './secret.ts';

type Form = readonly [value: string, label: string];

/** An output of a million lines is redacted line by line. */
const FORMS = new WeakMap<readonly Secret[], readonly Form[]>();

/** A text with the label of each of these secrets where its value stood: `http://x/${TOKEN}`. */
export function redact(text: string, hidden: readonly Secret[]): string {
  if (hidden.length === 0) return text;
  const forms = FORMS.get(hidden) ?? inOrder(hidden);
  FORMS.set(hidden, forms);
  return forms.reduce((shown, [value, label]) => shown.replaceAll(value, () => label), text);
}

/** The longest first: one may begin with another. */
function inOrder(hidden: readonly Secret[]): Form[] {
  const forms = hidden.flatMap((secret) => formsOf(secret.reveal()).map((form): Form => [form, secret.label]));
  return forms.sort(([a], [b]) => b.length - a.length);
}

/** A value as programs repeat it: whole or a line of it, as it is, with the escapes of JSON and Go, or out of a URL. */
function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/).filter((line) => line.length > 3);
  const plain = [value, ...lines];
  const forms = [...plain, ...plain.map((form) => JSON.stringify(form).slice(1, -1)), ...plain.flatMap(urlForms)];
  return [...new Set(forms)].filter(Boolean);
}

/**
 * What a URL makes of a value, in each of its parts, and a resolver of a name: in small letters. What is shorter than
 * the value (`/..` and what is before it are gone), or as short as a word, would be found in other words.
 */
function urlForms(value: string): string[] {
  const text = value.toWellFormed();
  const url = new URL('x://h/');
  Object.assign(url, { username: text, pathname: text, search: text });
  const encoded = [
    encodeURIComponent(text),
    new URLSearchParams([['', text]]).toString().slice(1),
    new URL(`http://h/${text}`).href.slice('http://h/'.length),
    url.username,
    url.pathname.slice(1),
    url.search.slice(1),
    domainToASCII(text),
  ];
  return [text, ...encoded]
    .flatMap((form) => [form, form.toLowerCase()])
    .filter((form) => form.length > 3 && form.length >= value.length);
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
