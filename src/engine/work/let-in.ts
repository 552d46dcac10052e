import { McpkError } from '../../core/errors.ts';
import { GateFailure } from '../hosts/gates.ts';
import type { PlannedStep } from '../types.ts';
import type { Doing } from './doing.ts';
import type { RolledBackHost } from './rollback.ts';
import { undo } from './take-step.ts';

interface Failed {
  /** That took nodes out of use. */
  steps: readonly PlannedStep[];
  back: readonly RolledBackHost[];
  cause: McpkError;
  hold: (hosts: readonly string[]) => Promise<void>;
}

/** After a failure: nodes whose gates hold are let in again; the others stay out of use, and are what it gives back. */
export async function letInWell(
  doing: Doing,
  stage: string,
  { steps, back, cause, hold }: Failed,
): Promise<McpkError[]> {
  const { state } = doing;
  const nodes = [...new Set(steps.flatMap(({ node, undo: argv }) => (node !== undefined && argv ? [node] : [])))];
  const isWell = async (node: string): Promise<boolean> => {
    const judged = state.rolledBack.find((each) => each.stage === stage && each.host === node);
    // Said of all hosts that went back: where it does not hold, and there are several, each is asked by itself.
    if (judged && (judged.held || back.length === 1)) return judged.held;
    // The gate that failed was this node's, and nothing has been put back since: it is not asked again.
    if (state.signal.aborted || (back.length === 0 && cause instanceof GateFailure && cause.judged === node))
      return false;
    return hold([node]).then(
      () => true,
      () => false,
    );
  };
  const well = await Promise.all(nodes.map(isWell));
  const left = await undo(
    doing,
    stage,
    steps.filter(({ node }) => well[nodes.indexOf(node ?? '')] === true),
  );
  const out = nodes.filter((_node, index) => well[index] === false);
  return [...left, ...out.map((node) => staysOut(stage, node))];
}

function staysOut(stage: string, node: string): McpkError {
  return new McpkError('stage', `${stage}: ${node} stays cordoned, as it is not seen to be well`, {
    host: node,
    hint: `Mend it, then run the same command again, which lets pods in once its gate holds. At once, as it is: mcpk node uncordon ${node}`,
  });
}
