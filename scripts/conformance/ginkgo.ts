/** How upstream's tests are called. */
import { join } from 'node:path';
import { ARCH } from '../../lab/paths.ts';
import { LEFT_OUT, type LeftOut } from './left-out.ts';

export interface Part {
  name: 'parallel' | 'serial';
  /** Of labels that specs have. */
  filter: string;
}

/** What may run beside others, and what is to be alone. */
export const PARTS: readonly Part[] = [
  { name: 'parallel', filter: 'Conformance && !Serial' },
  { name: 'serial', filter: 'Conformance && Serial' },
];

export interface Call {
  part: Part;
  /** Folders with the programs of upstream's tests, and of the cluster. */
  tests: string;
  kubernetes: string;
  kubeconfig: string;
  /** Where reports go. */
  folder: string;
  procs: number;
  /** Only specs that this is found in. */
  focus?: string;
}

/** The words; `PART.json` and `PART.xml` are then in the folder. */
export function ginkgoWords(
  { part, tests, kubernetes, kubeconfig, folder, procs, focus }: Call,
  leftOut: readonly LeftOut[] = LEFT_OUT,
): string[] {
  return [
    join(tests, 'ginkgo'),
    'run',
    `--procs=${String(part.name === 'serial' ? 1 : procs)}`,
    `--label-filter=${part.filter}`,
    ...(focus === undefined ? [] : [`--focus=${focus}`]),
    ...leftOut.map(({ spec }) => `--skip=${spec.source}`),
    // By default a run ends after an hour.
    '--timeout=24h',
    '--no-color',
    '--silence-skips',
    `--output-dir=${folder}`,
    `--json-report=${part.name}.json`,
    `--junit-report=${part.name}.xml`,
    join(tests, 'e2e.test'),
    '--',
    '--provider=skeleton',
    `--kubeconfig=${kubeconfig}`,
    `--kubectl-path=${join(kubernetes, 'kubectl')}`,
    `--node-os-arch=${ARCH}`,
    `--e2e-output-dir=${folder}`,
    // Of a run that was broken off.
    '--clean-start=true',
  ];
}
