import { FLAGS, type Component, type Flag, type Known, type NamedProblem } from './flag-table.ts';
import { LISTED_FLAGS } from './listed-flags.ts';
import { removedGates, unlistedGates } from './removed-gates.ts';
import { compareVersions } from './versions.ts';

/** As an inventory's `extraArgs`: names without dashes, `null` = not given, also where mcpk would. */
type Args = Readonly<Record<string, unknown>>;

/** Flags with which a component would not start or not work, or which it would not heed. */
export function flagProblems(component: Component, args: Args, known: Known): NamedProblem[] {
  const found = Object.keys(args)
    .filter((flag) => args[flag] !== undefined)
    .flatMap((flag) =>
      FLAGS.filter((row) => row.of.includes(component) && isAmong(row, flag)).flatMap(({ means }) => {
        const problem = problemWith(means, { component, flag, args, known });
        return problem ? [{ name: flag, ...problem }] : [];
      }),
    );
  return [
    ...found,
    ...gatesOf(component, args, known),
    ...(component === 'kube-apiserver' ? withoutAuthorization(args) : []),
  ];
}

/**
 * Flags that the component does not list and that {@link FLAGS} does not know. Some are never listed, and a newer
 * version may have more: with a name that it does not know at all the process does not start.
 */
export function unlistedFlags(component: Component, args: Args): NamedProblem[] {
  const among = LISTED_FLAGS[component].split(/\s+/).filter((name) => name !== '');
  const rows = FLAGS.filter((row) => row.of.includes(component) && row.means.is !== 'ignored');
  return Object.keys(args)
    .filter((flag) => args[flag] !== undefined && !among.includes(flag) && !rows.some((row) => isAmong(row, flag)))
    .map((name) => ({
      name,
      message: `${component} does not list a flag --${name}: it does not start with one that it does not know`,
      among,
    }));
}

function isAmong({ names }: Flag, flag: string): boolean {
  return names instanceof RegExp ? names.test(flag) : names.includes(flag);
}

interface Given {
  component: Component;
  flag: string;
  args: Args;
  known: Known;
}

function problemWith(
  means: Flag['means'],
  { component, flag, args, known }: Given,
): Omit<NamedProblem, 'name'> | undefined {
  const value = args[flag];
  if (means.is === 'ours') {
    const goes = means.goes?.(isText(value) ? String(value) : '', known) ?? false;
    return goes ? undefined : { message: `is set by ${means.by}` };
  }
  if (value === null) return undefined;
  if (means.is === 'gone') {
    const { since, why, instead } = means;
    const { version } = known;
    if (version === undefined || compareVersions(version, since) < 0) return undefined;
    const gone = why === undefined ? `, which is gone since ${since}` : `: ${why} since ${since}`;
    return { message: `${component} ${version} does not start with --${flag}${gone}`, hint: instead };
  }
  const { is, file, ownFileOnly, instead, insteadOfOwn } = means;
  const isOurs = args[file] === undefined;
  if (args[file] === null || (ownFileOnly && !isOurs)) return undefined;
  return {
    message: `${component} does not ${is === 'refused' ? 'start with' : 'heed'} --${flag} beside the file of --${file}`,
    hint: isOurs ? instead : (insteadOfOwn ?? instead),
  };
}

function gatesOf(component: Component, args: Args, { version }: Known): NamedProblem[] {
  const gates = gatesIn(args);
  const removed =
    version === undefined
      ? []
      : removedGates(
          component,
          version,
          gates.map(({ name }) => name),
        );
  const unset = gates.filter(({ value }) => !BOOLEAN.test(value));
  return [
    ...removed.map((gate) => ({ ...gate, name: 'feature-gates' })),
    ...unset.map(({ name }) => ({
      name: 'feature-gates',
      message: `${name} has neither =true nor =false behind it: ${component} does not start with it`,
    })),
  ];
}

/** Gates of `feature-gates` that are in no list of mcpk's. */
export function unlistedGatesOf(component: Component, args: Args): NamedProblem[] {
  const names = gatesIn(args).map(({ name }) => name);
  return unlistedGates(component, names).map((gate) => ({ ...gate, name: 'feature-gates' }));
}

/** As Go reads one. */
const BOOLEAN = /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;

/** `kube:A=true,B=false`: a component may stand in front. */
function gatesIn({ 'feature-gates': given }: Args): { name: string; value: string }[] {
  if (!isText(given)) return [];
  return String(given)
    .split(',')
    .map((gate) => gate.trim())
    .filter((gate) => gate !== '')
    .map((gate) => {
      const [left = '', ...value] = gate.split('=');
      return { name: left.slice(left.indexOf(':') + 1).trim(), value: value.join('=').trim() };
    });
}

/** kube-apiserver with neither file nor mode decides by AlwaysAllow: whoever has a certificate may do everything. */
function withoutAuthorization(args: Args): NamedProblem[] {
  if (args['authorization-config'] !== null) return [];
  const modes = [args['authorization-mode']]
    .flat()
    .filter((each) => typeof each === 'string')
    .flatMap((each) => each.split(','))
    .map((each) => each.trim())
    .filter((each) => each !== '');
  if (modes.length === 0)
    return [
      {
        name: 'authorization-config',
        message: 'kube-apiserver without --authorization-config and --authorization-mode allows everything to everyone',
        hint: 'write authorization-mode: Node,RBAC beside it, or leave it out',
      },
    ];
  if (!modes.includes('AlwaysAllow')) return [];
  return [
    {
      name: 'authorization-mode',
      message: 'kube-apiserver with AlwaysAllow in --authorization-mode allows everything to everyone',
      hint: 'write Node,RBAC',
    },
  ];
}

function isText(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}
