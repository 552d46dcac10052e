import { setTimeout as sleep } from 'node:timers/promises';
import { capture } from './run.ts';
import { onOperatorSide, operatorEnvironment } from './operator.ts';
import { HOSTS } from './topology.ts';

interface Nodes {
  items: {
    metadata: { name: string };
    status: { conditions?: { type: string; status: string; lastHeartbeatTime: string }[] };
  }[];
}

/** Names of the nodes whose kubelet said after `since` (ms) that they are Ready; none while the API does not answer. */
export async function readyNodes(since = 0): Promise<string[]> {
  const get = ['kubectl', 'get', 'nodes', '-o', 'json', '--request-timeout=2s'];
  const said = await capture(onOperatorSide(get), { env: operatorEnvironment() });
  if (said.code !== 0) return [];
  return (JSON.parse(said.stdout) as Nodes).items
    .filter(({ status }) =>
      status.conditions?.some(
        // The API keeps whole seconds.
        (each) => each.type === 'Ready' && each.status === 'True' && Date.parse(each.lastHeartbeatTime) > since - 1000,
      ),
    )
    .map(({ metadata }) => metadata.name)
    .sort();
}

/** Waits until every host of the lab is a Ready node, and gives the names of those that are not. */
export async function waitForNodes(seconds: number, since = 0): Promise<string[]> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const ready = await readyNodes(since);
    const missing = HOSTS.map(({ name }) => name).filter((name) => !ready.includes(name));
    if (missing.length === 0 || Date.now() > deadline) return missing;
    await sleep(200);
  }
}
