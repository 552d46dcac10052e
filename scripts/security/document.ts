import { PATHS } from '../../src/core/paths.ts';
import { PARTS, type Control } from './controls.ts';
import type { Rendered } from './rendered.ts';

const HEAD = `# Security: the CIS benchmark

How a cluster of mcpk stands to the controls of parts 1 to 4 of the CIS Kubernetes Benchmark 1.12, the control plane, etcd and the nodes. Made from what mcpk renders for [three masters and two workers](../inventories/three-masters.yaml) with its defaults (and with \`bridge\`, as Calico writes its own CNI configuration): do not edit. A test fails when what passed no longer does. What your inventory sets over the defaults, \`mcpk render\` shows.`;

const TAIL = `## Part 5

It is about what is put into the cluster. What mcpk does for it: nobody works in \`system:masters\` ([access.md](access.md)), a new cluster enforces the Pod Security Standard \`baseline\` ([access.md](access.md#what-pods-may-do)), Secrets are encrypted in etcd.`;

/** docs/security.md. Throws when a control that counts as passed is not. */
export function renderSecurityDoc(seen: Rendered): string {
  const controls = PARTS.flatMap((part) => part.controls);
  const failed = failedControls(seen);
  if (failed.length > 0) throw new Error(`no longer pass: ${failed.map(({ id }) => id).join(', ')}`);
  const inFiles = controls.filter(({ verdict }) => verdict.kind === 'pass' && verdict.inFile);
  const count = (kind: string): string => String(controls.filter(({ verdict }) => verdict.kind === kind).length);
  const figures = `Of ${String(controls.length)} controls ${count('pass')} pass, ${count('deviation')} are deviations that are meant so, ${count('not there')} are about files that are not there, and ${count('by hand')} are for you to look at.`;
  const bench = `kube-bench looks for flags where mcpk writes a configuration file, so it prints FAIL for some that pass: ${inFiles.map(({ id }) => id).join(', ')}. It also looks for files where kubeadm puts them: name mcpk's (${PATHS.kubernetes}, ${PATHS.etcd}, ${PATHS.units}) in its config.yaml.`;
  return `${[HEAD, figures, bench, ...PARTS.map(renderPart), TAIL].join('\n\n')}\n`;
}

/** Those that count as passed, and are not. */
export function failedControls(seen: Rendered): Control[] {
  return PARTS.flatMap(({ controls }) =>
    controls.filter(({ verdict }) => verdict.kind === 'pass' && !verdict.holds(seen)),
  );
}

function renderPart({ id, title, controls }: (typeof PARTS)[number]): string {
  const rows = controls.map(({ id: number, asks, verdict }) => {
    const why = verdict.kind === 'pass' ? verdict.by : verdict.why;
    return `| ${[number, asks, verdict.kind === 'pass' ? 'pass' : `**${verdict.kind}**`, why].join(' | ')} |`;
  });
  return [`## ${id} ${title}`, '', '| | asked for | | how, or why not |', '| --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}
