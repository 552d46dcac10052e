import { KUBECONFIG, onOperatorSide, operatorEnvironment } from '../../../lab/operator.ts';
import { CLONE } from '../../../lab/paths.ts';
import { watchedBy } from './watched-by.ts';

export interface Outcome {
  requests: number;
  failures: string[];
  /** Requests that a stopping API server turned away unread, and that were answered when sent again. */
  turnedAway: number;
  watchEvents: number;
  /** Requests whose answer took longer than a second; the machine's load is in it. */
  slow: number;
}

/** Runs `work` while the strict client talks to the VIP. */
export function underLoad(work: () => Promise<unknown>): Promise<Outcome> {
  const client = onOperatorSide([process.execPath, `${CLONE}/test/e2e/support/load.ts`, KUBECONFIG]);
  return watchedBy(client, work, operatorEnvironment());
}
