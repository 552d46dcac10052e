import { failure, McpkError } from '../../core/errors.ts';
import { knownErrors, throwAll } from '../../core/settled.ts';
import { inTurns } from '../../core/turns.ts';
import { withRuntimeSource } from '../../cluster/runtime-source.ts';
import type { Facts, FactsOfHosts } from '../../cluster/facts.ts';
import type { Answer } from '../../cluster/gate.ts';
import type { Host } from '../../inventory/types.ts';
import { NO_ANSWER } from '../hosts/ask.ts';
import { openFleet } from '../hosts/fleet.ts';
import type { EngineInput } from '../input.ts';
import { compiling } from '../plan/compile.ts';
import { gather, gatherHosts } from '../read/gather.ts';
import { askHosts, asksForCluster, open, type Told } from '../read/open.ts';
import type { StateTree } from '../types.ts';
import { compileInput } from './compile-input.ts';
import { openBinaries, readManifests, withoutManifests } from './with-materials.ts';

/** Facts to plan or to choose hosts by: those of the masters too, whatever the limit. */
export async function gatherFacts(input: EngineInput): Promise<Facts> {
  const { fleet, facts } = await open(input, 'none');
  await fleet.close();
  return facts;
}

/** `mcpk facts`: what those tell that answer, and why others do not. No host is contacted but those that are asked for. */
export function factsOfHosts(input: EngineInput): Promise<Told<FactsOfHosts>> {
  return askHosts(input, (fleet, { all }) => {
    const read = asksForCluster(input) && all ? gather : gatherHosts;
    return read(fleet, input.cluster, input.signal);
  });
}

/**
 * `mcpk show`: the compiled states of hosts. Those of stages whose manifests can't be had are not
 * known, and `errors` says why.
 */
export async function compileStates(
  input: EngineInput,
): Promise<{ facts: Facts; tree: StateTree; errors: readonly McpkError[] }> {
  const { fleet, facts } = await open(input, 'none');
  await fleet.close();
  const cluster = withRuntimeSource(input.cluster, facts);
  const { errors, ...known } = await readManifests(input).then(
    (read) => ({ ...read, errors: [] }),
    (error: unknown) => ({ errors: knownErrors(error), stages: withoutManifests(input.stages, "they can't be had") }),
  );
  const ready = { ...input, ...known, cluster, ...(await openBinaries({ ...input, cluster }, facts)) };
  return { facts, tree: await inTurns(compiling(compileInput(ready, facts))), errors };
}

/**
 * Runs one command on every selected host that is reached, and says why others did not answer to it; it contacts no
 * other. A run that was cut short says so first.
 *
 * @throws the same, where none answered
 */
export async function execOnHosts(input: EngineInput, argv: readonly string[]): Promise<Told<Answer[]>> {
  const { told, errors: missing } = await askHosts(input, (fleet, { since }) => {
    input.emit({ at: since(), type: 'phase', name: 'gather', state: 'end' });
    const runOn = async (host: string): Promise<Answer | readonly McpkError[]> => {
      const ran = fleet.exec(host, [{ argv: [...argv], long: true }], input.signal);
      return ran.then(([answer = NO_ANSWER]) => ({ host, ...answer }), knownErrors);
    };
    return Promise.all([...fleet.sessions.keys()].map(runOn));
  });
  const isAnswer = (each: Answer | readonly McpkError[]): each is Answer => 'host' in each;
  const answers = told.filter(isAnswer);
  // An end that was asked for is one error, of all hosts.
  const failed = new Set(told.flatMap((each) => (isAnswer(each) ? [] : each)));
  const errors = [...failed, ...missing].toSorted((a, b) => Number(wasEnded(b)) - Number(wasEnded(a)));
  if (answers.length === 0) throwAll(errors);
  return { told: answers, errors };
}

function wasEnded({ code }: McpkError): boolean {
  return code === 'interrupted';
}

/** As `cat` says it, in the C locale of a session. */
function isAbsent(error: unknown): boolean {
  return error instanceof McpkError && error.details.some((line) => line.endsWith('No such file or directory'));
}

/** Files as root reads them, from the first of these hosts that is reached and has them. Throws `refused` where none does. */
export async function readFiles(
  input: EngineInput,
  hosts: readonly Host[],
  paths: readonly string[],
): Promise<string[]> {
  const failures: McpkError[] = [];
  for (const host of hosts) {
    const fleet = await openFleet([host], { ...input, lock: 'none', since: () => 0 });
    try {
      failures.push(...fleet.unreachable.values());
      if (fleet.sessions.size === 0) continue;
      input.emit({ at: 0, type: 'phase', name: 'gather', state: 'start' });
      const texts: string[] = [];
      for (const path of paths) texts.push((await fleet.read(host.name, path, input.signal)).toString('utf8'));
      return texts;
    } catch (error) {
      if (!isAbsent(error)) throw error;
      failures.push(
        new McpkError('refused', `${host.name}: is no master of a cluster yet`, {
          host: host.name,
          details: [`there is no ${paths.join(', ')}`],
          hint: 'Bring the cluster up first: mcpk apply',
          cause: error,
        }),
      );
    } finally {
      await fleet.close();
    }
  }
  const [first, ...rest] = failures;
  throw first ? failure([first, ...rest]) : new McpkError('invalid', 'the inventory has no master');
}
