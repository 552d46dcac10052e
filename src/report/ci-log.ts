/** What the log of a CI system can do beside lines. */
export interface CiLog {
  /** Lines below a title that folds them. */
  group(title: string, lines: readonly string[], time: Span): string;
  /** What is shown beside the files of a change, in a group of its own: the text of the errors has said it already. */
  annotations(all: readonly Annotation[]): string;
  /** Lines that hosts and files have a say in, none of which the log obeys. */
  harmless(text: string): string;
  /** The same for JSON, whose values stay what they are. */
  harmlessJson(json: string): string;
}

export interface Span {
  /** A word. */
  name: string;
  from: Date;
  to: Date;
}

/** What is wrong. `file`: in the repository; absent where it is in none. */
export interface Annotation {
  /** From 1. */
  place?: { file: string; line?: number; column?: number };
  title: string;
  /** Of one line or several. */
  message: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** As `--log-format` names them. */
export const LOG_FORMATS = ['auto', 'plain', 'github', 'gitlab'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Of `auto` the one that is called for by who runs it. Undefined: lines, and nothing else. */
export function logOf(format: LogFormat, env: Environment): CiLog | undefined {
  if (format !== 'auto') return LOGS[format];
  if (env['GITHUB_ACTIONS'] === 'true') return GITHUB;
  return env['GITLAB_CI'] === 'true' ? GITLAB : undefined;
}

/** Workflow commands: what stands behind `::` at the beginning of a line, or anywhere behind `##[`, is obeyed. */
const GITHUB: CiLog = {
  group: (title, lines) =>
    `::group::${inData(title)}\n${textOf(lines.map((line) => GITHUB.harmless(line)))}::endgroup::\n`,
  annotations: (all) =>
    all.length === 0
      ? ''
      : `::group::annotations\n${textOf(all.slice(0, MOST_ANNOTATIONS).map(asError))}::endgroup::\n`,
  harmless: (text) => text.replaceAll(/^([^\S\n]*):(?=:)/gm, '$1: ').replaceAll('##[', '## ['),
  harmlessJson: (json) => json.replaceAll('##[', '##\\u005b'),
};

/** Sections; their marks have a control character, which no text of ours has. */
const GITLAB: CiLog = {
  group: (title, lines, { name, from, to }) =>
    `${mark('start', from, `${name}[collapsed=true]`)}${title}\n${textOf(lines)}${mark('end', to, name)}\n`,
  annotations: () => '',
  harmless: (text) => text,
  harmlessJson: (json) => json,
};

const LOGS: Readonly<Record<Exclude<LogFormat, 'auto'>, CiLog | undefined>> = {
  plain: undefined,
  github: GITHUB,
  gitlab: GITLAB,
};

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function mark(which: 'start' | 'end', at: Date, name: string): string {
  const erase = '\u001b[0K';
  return `${erase}section_${which}:${Math.floor(at.getTime() / 1000)}:${name}\r${erase}`;
}

/** More of a step are not shown. */
const MOST_ANNOTATIONS = 10;

function asError({ place, title, message }: Annotation): string {
  const { file, line, column: col } = place ?? {};
  const properties = Object.entries({ file, line, col, title }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${inProperty(String(value))}`],
  );
  return `::error ${properties.join(',')}::${inData(message)}`;
}

function inData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function inProperty(text: string): string {
  return inData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
