import { McpkError } from '../../core/errors.ts';
import { inTurns } from '../../core/turns.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Answer } from '../../cluster/gate.ts';
import type { Host } from '../../inventory/types.ts';
import { ask } from '../hosts/ask.ts';
import { openFleet } from '../hosts/fleet.ts';
import type { EngineInput } from '../input.ts';
import { compiling } from '../plan/compile.ts';
import { open } from '../read/open.ts';
import type { StateTree } from '../types.ts';
import { compileInput } from './compile-input.ts';
import { withArtifacts } from './with-artifacts.ts';

/** `mcpk facts` */
export async function gatherFacts(input: EngineInput): Promise<Facts> {
  const { fleet, facts } = await open(input, 'none');
  await fleet.close();
  return facts;
}

/** `mcpk show`, `mcpk render`: the compiled states of every host. */
export async function compileStates(input: EngineInput): Promise<{ facts: Facts; tree: StateTree }> {
  const { fleet, facts } = await open(input, 'none');
  await fleet.close();
  const ready = await withArtifacts(input, facts);
  return { facts, tree: await inTurns(compiling(compileInput(ready, facts))) };
}

/** Runs one command on every selected host. */
export async function execOnHosts(input: EngineInput, argv: readonly string[]): Promise<Answer[]> {
  const { fleet } = await open(input, 'none');
  try {
    return await ask(
      fleet,
      [...fleet.sessions.keys()]
        .filter((name) => input.selection.limit?.has(name) ?? true)
        .map((host) => ({ host, argv: [...argv], long: true })),
      input.signal,
    );
  } finally {
    await fleet.close();
  }
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
      const texts: string[] = [];
      for (const path of paths) texts.push((await fleet.read(host.name, path, input.signal)).toString('utf8'));
      return texts;
    } catch (error) {
      if (!isAbsent(error)) throw error;
      const hint = 'Bring the cluster up first: mcpk apply';
      failures.push(new McpkError('refused', `${host.name}: ${paths.join(', ')} are not there yet`, { host: host.name, hint, cause: error })); // prettier-ignore
    } finally {
      await fleet.close();
    }
  }
  throw failures[0] ?? new McpkError('invalid', 'the inventory has no master');
}
