import { askRuntimeStatus, runtimeIsReady } from './cri.ts';
import type { Answer, GateCheck } from './gate.ts';
import { seen } from './http.ts';

/** containerd answers and its CRI plugin, which kubelet talks to, has loaded (it fails alone on a bad setting). */
export function runtimeAnswers(host: string): GateCheck {
  return {
    title: `containerd ${host} ready for CRI`,
    asks: [askRuntimeStatus(host)],
    check: ([answer]) => criProblem(answer),
    host,
    unit: { host, name: 'containerd.service' },
    deadline: 60,
  };
}

function criProblem(answer: Answer | undefined): string | undefined {
  if (answer === undefined || answer.stdout === '') return `containerd does not answer: ${seen(answer)}`;
  const ready = runtimeIsReady(answer);
  if (ready === undefined) return 'containerd runs without its CRI plugin';
  return ready ? undefined : "containerd's CRI plugin is not ready";
}
