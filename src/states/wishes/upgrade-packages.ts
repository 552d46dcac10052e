import { askUpgrades, parseUpgrades, upgrade, type AptUpgrade, type Upgrades } from '../../cluster/apt-upgrades.ts';
import type { Answer } from '../../cluster/gate.ts';
import { failure, McpkError } from '../../core/errors.ts';
import { nodesInTurn } from '../node-rollout.ts';
import type { Stage } from '../stage.ts';
import { hostGates } from './host-gates.ts';
import type { Wish } from './wish.ts';

interface Asked {
  /** Hosts that are asked for. */
  among: readonly string[];
  which: Upgrades;
}

/** The wish that apt upgrades packages on these hosts, host by host as in a rollout. */
export function upgradeWish(asked: Asked): Wish {
  return {
    stages: [upgradePackages(asked, [])],
    async stagesOf({ facts, ask }) {
      const { among, which } = asked;
      const answers = await ask(among.filter((name) => facts.hosts.has(name)).map((name) => askUpgrades(name, which)));
      checkAnswers(answers);
      return { stages: [upgradePackages(asked, answers)] };
    },
  };
}

/** `answers` are those to {@link askUpgrades}. */
function upgradePackages({ among, which }: Asked, answers: readonly Answer[]): Stage {
  const told = new Map(answers.map((answer) => [answer.host, answer]));
  const due = answers.filter((answer) => parseUpgrades(answer).length > 0).map(({ host }) => host);
  return {
    name: 'packages',
    title: 'Packages',
    hosts: (cluster) => cluster.hosts.filter(({ name }) => among.includes(name)),
    needs: [],
    states: () => [],
    due: () => due,
    inTurn: true,
    rollout: nodesInTurn,
    around: ({ batch }) => ({
      before: [],
      work: batch.flatMap((host) => {
        const answer = told.get(host);
        if (!answer) return [];
        const title = `upgrade on ${host}: ${textOf(parseUpgrades(answer))}`;
        return [{ title, on: host, run: upgrade(which, answer.stdout), long: true as const }];
      }),
      after: [],
    }),
    gate: hostGates,
  };
}

/** As many are named; the plan's JSON has all of them. */
const MOST_NAMED = 20;

function textOf(upgrades: readonly AptUpgrade[]): string {
  const named = upgrades.slice(0, MOST_NAMED).map(({ name, from = 'new', to }) => `${name} ${from} → ${to}`);
  const more = upgrades.length - named.length;
  return [...named, ...(more > 0 ? [`and ${String(more)} more`] : [])].join(', ');
}

function checkAnswers(answers: readonly Answer[]): void {
  const [first, ...rest] = answers
    .filter(({ exitCode }) => exitCode !== 0)
    .map(
      ({ host, stderr }) =>
        new McpkError('preflight', `${host}: apt does not tell what it would upgrade`, {
          host,
          details: stderr.trim().split('\n').slice(-5),
          hint: 'Nothing was changed. Mend it there first: mcpk exec -- apt-get update',
        }),
    );
  if (first) throw failure([first, ...rest]);
}
