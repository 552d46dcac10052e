import { isCertificateBundle, NO_CERTIFICATES } from '../core/certificate.ts';
import { LISTED_PLUGINS } from '../core/listed-flags.ts';
import { PATHS } from '../core/paths.ts';
import { revealed, type Revealed } from '../core/secret.ts';
import { ISSUER } from '../core/token-issuer.ts';
import type { Draft } from './check.ts';
import { nearest } from './nearest.ts';
import type { Path } from './node.ts';
import type { JwtAuthenticator, PrefixedClaim } from './types.ts';

type Plain = Revealed<JwtAuthenticator>;

const JWT: Path = ['apiServer', 'authentication', 'jwt'];
const PLUGINS: Path = ['apiServer', 'admission', 'plugins'];
const RULES: Path = ['apiServer', 'audit', 'policy', 'rules'];
const FILES: Path = ['apiServer', 'files'];
const ARGS: Path = ['apiServer', 'extraArgs'];

const BELOW = `${PATHS.apiServerFiles}/`;

/** The rules of upstream's formats that a schema can't say: with a file that breaks one the API server does not start. */
export function checkApiServer(draft: Draft): void {
  checkAuthentication(draft);
  checkPlugins(draft);
  checkPolicy(draft);
  checkFiles(draft);
  checkPodSecurity(draft);
  checkPluginNames(draft);
}

/** As ValidateAuthenticationConfiguration of k8s.io/apiserver has it; what CEL expressions mean only the API server knows. */
function checkAuthentication(draft: Draft): void {
  const { apiServer, network } = draft.cluster;
  const jwt = draft.entries(JWT, revealed(apiServer.authentication.jwt));
  const own = String(apiServer.extraArgs['service-account-issuer'] ?? `${ISSUER}${network.domain}`);
  twice(
    draft,
    JWT,
    ['issuer', 'url'],
    jwt.map(([at, { issuer }]) => [at, issuer.url]),
  );
  twice(
    draft,
    JWT,
    ['issuer', 'discoveryURL'],
    jwt.map(([at, { issuer }]) => [at, issuer.discoveryURL]),
  );
  for (const [index, each] of jwt) {
    const path = [...JWT, index];
    if (each.issuer.url === own)
      draft.mistake([...path, 'issuer', 'url'], `${own} issues the tokens of this cluster's service accounts`);
    checkIssuer(draft, [...path, 'issuer'], each.issuer);
    checkMappings(draft, path, each);
    checkPrefixes(draft, path, each);
    checkRules(draft, path, each);
  }
}

function checkIssuer(draft: Draft, path: Path, issuer: Plain['issuer']): void {
  const { url, discoveryURL, audiences, audienceMatchPolicy, certificateAuthority } = issuer;
  const bare = (text: string): string => text.replace(/\/{1,100}$/, '');
  if (discoveryURL !== undefined && bare(discoveryURL) === bare(url))
    draft.mistake([...path, 'discoveryURL'], 'is the same as url: leave it out');
  if (audiences.length > 1 && audienceMatchPolicy === undefined)
    draft.mistake(path, 'audienceMatchPolicy is missing: with several audiences it must be MatchAny');
  // The text is not shown: the name may lead to any file.
  if (certificateAuthority !== undefined && !isCertificateBundle(certificateAuthority))
    draft.mistake([...path, 'certificateAuthority'], NO_CERTIFICATES);
}

function checkMappings(draft: Draft, path: Path, { claimMappings, claimValidationRules = [] }: Plain): void {
  const { username, groups, uid, extra = [] } = claimMappings;
  const at = [...path, 'claimMappings'];
  if (!isSet(username.claim) && !isSet(username.expression))
    draft.mistake([...at, 'username'], 'needs a claim with a prefix, or an expression');
  checkPrefixed(draft, [...at, 'username'], username);
  if (groups !== undefined) checkPrefixed(draft, [...at, 'groups'], groups);
  if (isSet(uid?.claim) && isSet(uid.expression)) draft.mistake([...at, 'uid'], BOTH);
  twice(
    draft,
    [...at, 'extra'],
    ['key'],
    extra.map(({ key }, index) => [index, key]),
  );
  for (const [index, { key }] of extra.entries())
    if (/^([^/]*\.)?(kubernetes|k8s)\.io\//.test(key))
      draft.mistake(
        [...at, 'extra', index, 'key'],
        'kubernetes.io and k8s.io belong to Kubernetes: take another domain',
      );
  const all = [
    username.expression,
    ...extra.map((each) => each.valueExpression),
    ...claimValidationRules.map((rule) => rule.expression),
  ];
  if (
    /\bclaims\.email\b/.test(username.expression ?? '') &&
    !all.some((each) => /\bclaims\.\??email_verified\b/.test(each ?? ''))
  )
    draft.mistake(
      [...at, 'username', 'expression'],
      'uses claims.email: then it, an extra or a claimValidationRule must use claims.email_verified, too',
    );
}

/** Upstream refuses no name that begins with `system:`, whoever says it: only a prefix or a rule keeps an issuer from it. */
function checkPrefixes(draft: Draft, path: Path, { claimMappings, userValidationRules = [] }: Plain): void {
  const dangers = [
    ['username', 'name any user, kubernetes-admin and those of Kubernetes itself among them'],
    ['groups', 'make anybody a member of system:masters, who may do everything'],
  ] as const;
  for (const [name, danger] of dangers) {
    const { claim, prefix, expression } = claimMappings[name] ?? {};
    const isAsItStands = isSet(claim) ? prefix === '' : isSet(expression) && !/['"]/.test(expression);
    if (!isAsItStands || userValidationRules.some((rule) => rule.expression.includes(`user.${name}`))) continue;
    draft.warn(
      [...path, 'claimMappings', name],
      `without a prefix this issuer can ${danger}: give one, or refuse names that begin with system: in userValidationRules`,
    );
  }
}

const BOTH = 'has a claim and an expression: only one of them can be';

function checkPrefixed(draft: Draft, path: Path, { claim, prefix, expression }: Revealed<PrefixedClaim>): void {
  if (isSet(claim) && isSet(expression)) draft.mistake(path, BOTH);
  else if (isSet(claim) && prefix === undefined)
    draft.mistake(
      path,
      "prefix is missing beside claim: '' stands for none, with which a token can say that it is anybody",
    );
  else if (isSet(expression) && prefix !== undefined)
    draft.mistake([...path, 'prefix'], 'belongs to a claim: in an expression write it out');
}

function checkRules(draft: Draft, path: Path, { claimValidationRules = [], userValidationRules = [] }: Plain): void {
  const at = [...path, 'claimValidationRules'];
  for (const [index, { claim, expression, requiredValue, message }] of claimValidationRules.entries()) {
    const rule = [...at, index];
    if (isSet(claim) && isSet(expression)) draft.mistake(rule, BOTH);
    else if (!isSet(claim) && !isSet(expression)) draft.mistake(rule, 'needs a claim or an expression');
    else if (isSet(claim) && isSet(message))
      draft.mistake([...rule, 'message'], 'belongs to an expression, not to a claim');
    else if (isSet(expression) && isSet(requiredValue))
      draft.mistake([...rule, 'requiredValue'], 'belongs to a claim, not to an expression');
  }
  twice(
    draft,
    at,
    ['claim'],
    claimValidationRules.map((rule, index) => [index, rule.claim]),
  );
  twice(
    draft,
    at,
    ['expression'],
    claimValidationRules.map((rule, index) => [index, rule.expression]),
  );
  twice(
    draft,
    [...path, 'userValidationRules'],
    ['expression'],
    userValidationRules.map((rule, index) => [index, rule.expression]),
  );
}

function checkPlugins(draft: Draft): void {
  const plugins = draft.entries(PLUGINS, draft.cluster.apiServer.admission.plugins);
  twice(
    draft,
    PLUGINS,
    ['name'],
    plugins.map(([at, { name }]) => [at, name]),
  );
  for (const [index, { name, path, configuration }] of plugins) {
    const at = [...PLUGINS, index];
    if (name === 'PodSecurity') draft.mistake([...at, 'name'], 'is configured by apiServer.admission.podSecurity');
    else if ((path === undefined) === (configuration === undefined))
      draft.mistake(at, 'needs either path or configuration');
  }
}

/** What the schema says that a policy looks like. */
interface Policy {
  readonly rules?: readonly {
    readonly nonResourceURLs?: readonly unknown[];
    readonly namespaces?: readonly unknown[];
    readonly resources?: readonly {
      readonly resources?: readonly unknown[];
      readonly resourceNames?: readonly unknown[];
    }[];
  }[];
}

/** As ValidatePolicy of k8s.io/apiserver/pkg/apis/audit/validation has it. */
function checkPolicy(draft: Draft): void {
  const { rules = [] } = (draft.cluster.apiServer.audit.policy ?? {}) as Policy;
  for (const [index, { nonResourceURLs = [], namespaces = [], resources = [] }] of draft.entries(RULES, rules)) {
    const at = [...RULES, index];
    if (nonResourceURLs.length > 0 && namespaces.length + resources.length > 0)
      draft.mistake(at, 'a rule is for nonResourceURLs or for resources and namespaces, not for both');
    for (const [place, each] of resources.entries())
      if ((each.resourceNames ?? []).length > 0 && (each.resources ?? []).length === 0)
        draft.mistake([...at, 'resources', place], 'resourceNames need resources beside them');
  }
}

function checkFiles(draft: Draft): void {
  const files = draft
    .entries(FILES, draft.cluster.apiServer.files)
    .map(([at, { path }]): [number, string] => [at, path]);
  const paths = files.map(([, path]) => path);
  twice(draft, FILES, ['path'], files);
  for (const [index, path] of files)
    if (paths.some((other) => other.startsWith(`${path}/`)))
      draft.mistake([...FILES, index, 'path'], `"${path}" is a folder of another file`);
  if (draft.broken(...FILES)) return;
  for (const [flag, value] of Object.entries(draft.cluster.apiServer.extraArgs)) {
    const isMissing =
      typeof value === 'string' && value.startsWith(BELOW) && !paths.includes(value.slice(BELOW.length));
    if (isMissing) draft.mistake([...ARGS, flag], `"${value}" is made by no entry of apiServer.files`);
  }
}

/** Without the plugin the API server takes every pod, and what apiServer.admission.podSecurity says counts for nothing. */
function checkPodSecurity(draft: Draft): void {
  const { admission, extraArgs } = draft.cluster.apiServer;
  if (listed(extraArgs['disable-admission-plugins']).includes('PodSecurity') && admission.podSecurity.enabled !== false)
    draft.warn(
      [...ARGS, 'disable-admission-plugins'],
      'without PodSecurity no pod is refused: if that is meant, say apiServer.admission.podSecurity.enabled: false',
    );
}

/** A newer version may have more than are listed. */
function checkPluginNames(draft: Draft): void {
  const known = LISTED_PLUGINS.split(/\s+/).filter((name) => name !== '');
  for (const flag of ['enable-admission-plugins', 'disable-admission-plugins'])
    for (const name of listed(draft.cluster.apiServer.extraArgs[flag]).filter((each) => !known.includes(each))) {
      const near = nearest(name, known);
      draft.warn(
        [...ARGS, flag],
        `kube-apiserver does not list an admission plugin ${name}: it does not start with one that it does not know${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    }
}

/** The names in `a, b`. */
function listed(value: unknown): string[] {
  if (typeof value !== 'string') return [];
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Values that must differ: each is told at its second place. */
function twice(
  draft: Draft,
  list: Path,
  below: Path,
  values: readonly (readonly [place: number, value: string | undefined])[],
): void {
  for (const [place, value] of values) {
    const [first = place] = values.find(([, other]) => other === value) ?? [];
    if (isSet(value) && first < place)
      draft.mistake([...list, place, ...below], `is the same as that of entry ${String(first)} (counted from 0)`);
  }
}

/** As upstream counts it: empty text is none. */
function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
