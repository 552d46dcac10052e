import type { Answer, GateCheck } from './gate.ts';
import { lastLine } from './kubectl.ts';

/** containerd answers and its CRI plugin, which kubelet talks to, has loaded (it fails alone on a bad setting). */
export function runtimeAnswers(host: string): GateCheck {
  return {
    title: `containerd ${host} answers CRI`,
    asks: [{ host, argv: ['ctr', '--connect-timeout', '2s', 'plugins', 'ls'] }],
    check: ([answer]) => criProblem(answer),
    unit: { host, name: 'containerd.service' },
    deadline: 60,
  };
}

/** Lines of `ctr plugins ls`: type, id, platforms, status. */
function criProblem(answer: Answer | undefined): string | undefined {
  if (answer?.exitCode !== 0) return `containerd does not answer: ${lastLine(answer?.stderr)}`;
  const rows = answer.stdout.split('\n').map((line) => line.trim().split(/\s+/));
  const cri = rows.filter(
    ([type, id]) => (type === 'io.containerd.grpc.v1' && id === 'cri') || type === 'io.containerd.cri.v1',
  );
  if (cri.length === 0) return 'containerd runs without its CRI plugin';
  const bad = cri.find((row) => row.at(-1) !== 'ok');
  return bad && `containerd's plugin ${String(bad[1])} is in state ${String(bad.at(-1))}`;
}
