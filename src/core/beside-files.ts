import type { FlagOwner, FlagProblem } from './removed-flags.ts';

interface Beside {
  component: FlagOwner;
  /** mcpk's own flag, which names a file; an inventory may take it out (`null`) or give a file of its own. */
  file: string;
  flags: RegExp;
  /** Only mcpk's own file excludes it, one of the inventory need not. */
  ownFileOnly?: true;
  /** What becomes of the flag. */
  what: 'refused' | 'ignored';
  instead: string;
  /** Where the inventory names a file of its own, in place of `instead`. */
  insteadOfOwn?: string;
}

/**
 * Flags that configuration files of mcpk exclude. Found by giving each to the binaries of 1.37.1, and by what the help
 * of kube-scheduler and kube-proxy says of their flags.
 */
const BESIDE: readonly Beside[] = [
  {
    component: 'kube-apiserver',
    file: 'authentication-config',
    flags: /^oidc-/,
    what: 'refused',
    instead: 'describe the issuer in apiServer.authentication',
  },
  {
    component: 'kube-apiserver',
    file: 'authentication-config',
    flags: /^anonymous-auth$/,
    ownFileOnly: true,
    what: 'refused',
    instead: 'leave it out: nobody unnamed gets further than /livez, /readyz and /healthz, which gates and HAProxy ask',
  },
  {
    component: 'kube-apiserver',
    file: 'authorization-config',
    flags: /^authorization-(mode$|webhook-)/,
    what: 'refused',
    instead: 'leave it out (Node and RBAC decide), or name a file of your own in authorization-config',
    insteadOfOwn: 'leave it out: that file says who decides',
  },
  {
    component: 'kube-apiserver',
    file: 'authorization-config',
    flags: /^authorization-policy-file$/,
    what: 'ignored',
    instead: 'leave it out (Node and RBAC decide)',
    insteadOfOwn: 'leave it out: that file says who decides',
  },
  {
    component: 'kube-scheduler',
    file: 'config',
    flags: /^(contention-profiling|kube-api-(burst|content-type|qps)|kubeconfig|profiling)$/,
    what: 'ignored',
    instead: 'leave it out',
  },
  {
    component: 'kube-proxy',
    file: 'config',
    flags: /^(?!(config|hostname-override|master|v|vmodule|logging-format|log-.*)$)/,
    what: 'ignored',
    instead: 'write it into kubeProxy.config',
  },
];

/** Flags of an inventory's `extraArgs` that do not go with a configuration file that mcpk gives this component. */
export function flagsBesideFiles(component: FlagOwner, args: Readonly<Record<string, unknown>>): FlagProblem[] {
  const problems = (flag: string): FlagProblem[] =>
    BESIDE.filter(
      ({ component: owner, file, flags, ownFileOnly }) =>
        owner === component &&
        flags.test(flag) &&
        args[file] !== null &&
        (ownFileOnly !== true || args[file] === undefined),
    ).map(({ file, what, instead, insteadOfOwn }) => ({
      flag,
      message:
        what === 'refused'
          ? `${component} does not start with --${flag} beside the file of --${file}`
          : `${component} does not heed --${flag} beside the file of --${file}`,
      hint: args[file] === undefined ? instead : (insteadOfOwn ?? instead),
    }));
  const found = Object.keys(args).flatMap((flag) =>
    args[flag] === null || args[flag] === undefined ? [] : problems(flag),
  );
  return component === 'kube-apiserver' ? [...found, ...withoutAuthorization(args)] : found;
}

/** kube-apiserver with neither file nor mode decides by AlwaysAllow: whoever has a certificate may do everything. */
function withoutAuthorization(args: Readonly<Record<string, unknown>>): FlagProblem[] {
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
        flag: 'authorization-config',
        message: 'kube-apiserver without --authorization-config and --authorization-mode allows everything to everyone',
        hint: 'write authorization-mode: Node,RBAC beside it, or leave it out',
      },
    ];
  if (!modes.includes('AlwaysAllow')) return [];
  return [
    {
      flag: 'authorization-mode',
      message: 'kube-apiserver with AlwaysAllow in --authorization-mode allows everything to everyone',
      hint: 'write Node,RBAC',
    },
  ];
}
