import { ADMINS } from '../../cluster/access.ts';
import { owns } from '../../cluster/laid.ts';
import { McpkError } from '../../core/errors.ts';
import { hostsWith } from '../../inventory/types.ts';
import type { EngineInput } from '../input.ts';
import { isNamed } from '../plan/named-stages.ts';
import type { Selection } from '../types.ts';
import type { Opened } from './open.ts';

const REFUSED = `its API server lets ${ADMINS.user} do nothing (HTTP 403): the ClusterRoleBinding ${ADMINS.group} is missing or another`;

/**
 * Where the API of a cluster with nodes lets the administrator do nothing, a run only sees to that: which nodes there
 * are, of what version, and what is in the API is not known, so nothing else can be planned.
 *
 * @throws McpkError `refused` when just that is not to be done
 */
export function whileRefused<T extends EngineInput>(input: T, { facts, since }: Opened): T {
  const { apiRefuses: host } = facts;
  const hasNodes = [...facts.hosts.values()].some((own) => owns(own, 'unit:kubelet.service'));
  if (host === undefined || !hasNodes) return input;
  if (!allowsAccess(input)) throw refusedByApi(host);
  input.emit({
    at: since(),
    type: 'warning',
    host,
    message: `${REFUSED}. Nothing else is planned or done until it is bound again: after this apply, run the same command once more`,
  });
  return { ...input, selection: { ...input.selection, only: new Set([ADMINS.stage]) } };
}

/** Whether {@link whileRefused} made less of the run (`done`) than the user `asked` for. */
export function leavesRest(asked: EngineInput, done: EngineInput): boolean {
  return asked !== done && asked.selection.only?.size !== 1;
}

export function refusedByApi(host: string, stage?: string): McpkError {
  return new McpkError('refused', `${stage === undefined ? '' : `${stage}: `}${host}: ${REFUSED}`, {
    host,
    hint: `mcpk apply --only ${ADMINS.stage} binds it again.`,
  });
}

/** Whether the selection leaves the binding to this run. Objects of the API go with the masters. */
function allowsAccess({ cluster, selection }: EngineInput): boolean {
  const { limit }: Selection = selection;
  return (
    isNamed(ADMINS.stage, selection) &&
    (limit === undefined || hostsWith(cluster, 'master').some(({ name }) => limit.has(name)))
  );
}
