/** What ginkgo's report in JSON says of conformance specs. */
import { whyLeftOut } from './left-out.ts';

/** A spec and what is to be said of it, in one line. */
export interface Said {
  name: string;
  why: string;
}

export interface Results {
  passed: string[];
  failed: Said[];
  /** By our table, or by the spec itself. */
  leftOut: Said[];
  /** Lines that tell of a connection to the VIP that was cut, refused or late; also of specs that passed. */
  atVip: Said[];
}

interface Spec {
  ContainerHierarchyTexts: string[] | null;
  ContainerHierarchyLabels: string[][] | null;
  LeafNodeType: string;
  LeafNodeText: string;
  LeafNodeLabels: string[] | null;
  State: string;
  Failure?: { Message: string };
  AdditionalFailures?: { Failure: { Message: string } }[];
  CapturedGinkgoWriterOutput?: string;
  CapturedStdOutErr?: string;
}

interface Suite {
  SpecialSuiteFailureReasons?: string[] | null;
  SpecReports: Spec[] | null;
}

const CUT =
  /reset by peer|connection refused|i\/o timeout|TLS handshake timeout|client connection lost|no route to host|broken pipe|Client\.Timeout exceeded|\bEOF\b/;
const LONGEST = 300;

/**
 * @param vip address that must stand in a line that tells of trouble there
 * @throws SyntaxError where it is no JSON
 */
export function readReport(json: string, vip: string): Results {
  const results: Results = { passed: [], failed: [], leftOut: [], atVip: [] };
  for (const suite of JSON.parse(json) as Suite[]) {
    for (const why of suite.SpecialSuiteFailureReasons ?? []) results.failed.push({ name: 'the suite', why });
    for (const spec of suite.SpecReports ?? []) addSpec(results, spec, vip);
  }
  return results;
}

function addSpec(results: Results, spec: Spec, vip: string): void {
  const name = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].filter(Boolean).join(' ');
  const isSpec = spec.LeafNodeType === 'It';
  if (isSpec && !isConformance(spec)) return;
  const why = firstLine(spec.Failure?.Message ?? '');
  if (spec.State === 'passed') {
    if (isSpec) results.passed.push(name);
  } else if (spec.State === 'skipped' || spec.State === 'pending') {
    // What was not asked for is skipped without a word.
    const reason = whyLeftOut(name) ?? (why === '' ? undefined : `says itself: ${why}`);
    if (isSpec && reason !== undefined) results.leftOut.push({ name, why: reason });
  } else {
    results.failed.push({ name: isSpec ? name : spec.LeafNodeType, why: why === '' ? spec.State : why });
  }
  results.atVip.push(
    ...troubles(spec, vip).map((line) => ({ name: name === '' ? spec.LeafNodeType : name, why: line })),
  );
}

function isConformance({ ContainerHierarchyLabels, LeafNodeLabels }: Spec): boolean {
  return [...(ContainerHierarchyLabels ?? []).flat(), ...(LeafNodeLabels ?? [])].includes('Conformance');
}

function troubles(spec: Spec, vip: string): string[] {
  const address = new RegExp(`(?<![\\d.])${vip.replaceAll('.', '\\.')}(?!\\d)`);
  const failures = [spec.Failure, ...(spec.AdditionalFailures ?? []).map(({ Failure }) => Failure)];
  const texts = [
    ...failures.map((failure) => failure?.Message),
    spec.CapturedGinkgoWriterOutput,
    spec.CapturedStdOutErr,
  ];
  const lines = texts.flatMap((text) => (text ?? '').split('\n'));
  return [...new Set(lines.filter((line) => CUT.test(line) && address.test(line)).map(firstLine))];
}

function firstLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').trim().slice(0, LONGEST);
}

/** Several reports of one run; each spec is in one of them, but for what is left out. */
export function together(all: readonly Results[]): Results {
  return {
    passed: all.flatMap(({ passed }) => passed),
    failed: all.flatMap(({ failed }) => failed),
    leftOut: once(all.flatMap(({ leftOut }) => leftOut)),
    atVip: all.flatMap(({ atVip }) => atVip),
  };
}

/** Each name once, with what is said of it first. */
export function once(all: readonly Said[]): Said[] {
  return [...new Map(all.toReversed().map((each) => [each.name, each])).values()].toReversed();
}
