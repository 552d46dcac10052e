import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../src/pki/authority.ts';
import { ENV, ONE, loadYaml, mistakesOf } from './load-text.ts';

const { cert, key } = await createAuthority(
  { type: 'authority', commonName: 'login', days: 1, keyAlgorithm: 'ecdsa-p256' },
  new Date(),
);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpk-issuer-'));
  await writeFile(join(folder, 'ca.crt'), cert);
  await writeFile(join(folder, 'pair.pem'), cert + key.reveal());
});
afterAll(() => rm(folder, { recursive: true }));

const USERNAME = { claim: 'sub', prefix: 'login:' };
const issuer = (more: object = {}): object => ({ url: 'https://login.example.org', audiences: ['k'], ...more });
const jwt = (...list: object[]): string => `${ONE}apiServer: ${JSON.stringify({ authentication: { jwt: list } })}`;
const one = (more: object = {}, mappings: object = {}): object => ({
  issuer: issuer(),
  claimMappings: { username: USERNAME, ...mappings },
  ...more,
});

describe('issuers of tokens that upstream would refuse are told by validate, with their place', () => {
  it.each<[string, object[], string]>([
    ['http', [one({ issuer: issuer({ url: 'http://a.example.org' }) })], '[0].issuer.url: "http://a.example.org" is not a URL that starts with https://, without user, query and fragment'], // prettier-ignore
    ['a query', [one({ issuer: issuer({ url: 'https://a.example.org?b=c' }) })], '[0].issuer.url: "https://a.example.org?b=c" is not a URL'], // prettier-ignore
    ['no audience', [one({ issuer: issuer({ audiences: [] }) })], '[0].issuer.audiences: '],
    ['no audiences at all', [one({ issuer: { url: 'https://a.example.org' } })], '[0].issuer: audiences is missing'],
    ['several audiences, no policy', [one({ issuer: issuer({ audiences: ['a', 'b'] }) })], '[0].issuer: audienceMatchPolicy is missing: with several audiences it must be MatchAny'], // prettier-ignore
    ['one issuer twice', [one(), one()], '[1].issuer.url: is the same as that of entry 0'],
    ['a discoveryURL twice', [one({ issuer: issuer({ discoveryURL: 'https://d' }) }), one({ issuer: issuer({ url: 'https://b', discoveryURL: 'https://d' }) })], '[1].issuer.discoveryURL: is the same as that of entry 0'], // prettier-ignore
    ['a discoveryURL that is the url', [one({ issuer: issuer({ discoveryURL: 'https://login.example.org/' }) })], '[0].issuer.discoveryURL: is the same as url'], // prettier-ignore
    ["the cluster's own issuer", [one({ issuer: issuer({ url: 'https://kubernetes.default.svc.cluster.local' }) })], "[0].issuer.url: https://kubernetes.default.svc.cluster.local issues the tokens of this cluster's service accounts"], // prettier-ignore
    ['no certificate', [one({ issuer: issuer({ certificateAuthority: 'a\nb' }) })], '[0].issuer.certificateAuthority: must be certificates (PEM)'], // prettier-ignore
    ['a file that is not there', [one({ issuer: issuer({ certificateAuthority: '/nowhere/ca.crt' }) })], '[0].issuer.certificateAuthority: /nowhere/ca.crt: there is no such file'], // prettier-ignore
    ['no username', [{ issuer: issuer(), claimMappings: {} }], '[0].claimMappings: username is missing'],
    ['an empty username', [one({}, { username: {} })], '[0].claimMappings.username: needs a claim with a prefix, or an expression'], // prettier-ignore
    ['no prefix', [one({}, { username: { claim: 'sub' } })], '[0].claimMappings.username: prefix is missing beside claim'], // prettier-ignore
    ['claim and expression', [one({}, { username: { ...USERNAME, expression: 'claims.sub' } })], '[0].claimMappings.username: has a claim and an expression'], // prettier-ignore
    ['a prefix of an expression', [one({}, { username: { prefix: 'a', expression: 'claims.sub' } })], '[0].claimMappings.username.prefix: belongs to a claim'], // prettier-ignore
    [
      'groups without a prefix',
      [one({}, { groups: { claim: 'groups' } })],
      '[0].claimMappings.groups: prefix is missing',
    ],
    ['two ways to a uid', [one({}, { uid: { claim: 'a', expression: 'claims.a' } })], '[0].claimMappings.uid: has a claim and an expression'], // prettier-ignore
    ['an extra of Kubernetes', [one({}, { extra: [{ key: 'a.k8s.io/b', valueExpression: 'claims.b' }] })], '[0].claimMappings.extra[0].key: kubernetes.io and k8s.io belong to Kubernetes'], // prettier-ignore
    ['an extra without a domain', [one({}, { extra: [{ key: 'b', valueExpression: 'claims.b' }] })], '[0].claimMappings.extra[0].key: "b" is not a name in lower case with a domain'], // prettier-ignore
    ['an address that nobody verified', [one({}, { username: { expression: 'claims.email' } })], '[0].claimMappings.username.expression: uses claims.email'], // prettier-ignore
    ['a rule for nothing', [one({ claimValidationRules: [{}] })], '[0].claimValidationRules[0]: needs a claim or an expression'], // prettier-ignore
    ['a rule with a message', [one({ claimValidationRules: [{ claim: 'hd', requiredValue: 'a', message: 'b' }] })], '[0].claimValidationRules[0].message: belongs to an expression'], // prettier-ignore
    ['a rule twice', [one({ claimValidationRules: [{ claim: 'hd', requiredValue: 'a' }, { claim: 'hd', requiredValue: 'b' }] })], '[0].claimValidationRules[1].claim: is the same'], // prettier-ignore
    ['a rule about users twice', [one({ userValidationRules: [{ expression: 'true' }, { expression: 'true' }] })], '[0].userValidationRules[1].expression: is the same'], // prettier-ignore
    ['a word that is not of the format', [one({ claimMapping: {} })], '[0].claimMapping: is not a setting; did you mean claimMappings?'], // prettier-ignore
  ])('%s', async (_name, list, line) => {
    expect(await mistakesOf(jwt(...list))).toEqual([
      expect.stringMatching(/^a\.yaml:3:\d+ apiServer\.authentication\.jwt/),
    ]);
    expect((await mistakesOf(jwt(...list)))[0]).toContain(`apiServer.authentication.jwt${line}`);
  });

  it('a file with a private key among its certificates, of which nothing is shown', async () => {
    const text = jwt(one({ issuer: issuer({ certificateAuthority: join(folder, 'pair.pem') }) }));
    expect(await mistakesOf(text)).toEqual([
      expect.stringMatching(/certificateAuthority: must be certificates \(PEM\), nothing else among them.*file/),
    ]);
  });
});

describe('issuers of tokens', () => {
  it.each<[string, object]>([
    ['a claim with an empty prefix', one({}, { username: { claim: 'sub', prefix: '' } })],
    ['an expression', one({}, { username: { expression: "'login:' + claims.sub" } })],
    ['a verified address', one({ claimValidationRules: [{ expression: 'claims.email_verified == true' }] }, { username: { expression: 'claims.email' } })], // prettier-ignore
    ['several audiences', one({ issuer: issuer({ audiences: ['a', 'b'], audienceMatchPolicy: 'MatchAny' }) })],
  ])('%s is fine', async (_name, entry) => {
    expect((await loadYaml(jwt(entry))).apiServer.authentication.jwt).toEqual([entry]);
  });

  it.each([
    ['its text', () => cert],
    ['its file', () => join(folder, 'ca.crt')],
    ['its file, named from the folder of the inventory', () => `..${join(folder, 'ca.crt')}`],
  ])('an authority is given as %s', async (_name, certificateAuthority) => {
    const { apiServer } = await loadYaml(
      jwt(one({ issuer: issuer({ certificateAuthority: certificateAuthority() }) })),
    );
    expect(apiServer.authentication.jwt[0]?.issuer.certificateAuthority).toBe(cert);
  });

  it('an authority is given by a variable, too: as text or as a file', async () => {
    const text = jwt(one({ issuer: issuer({ certificateAuthority: '${MCPK_CA}' }) }));
    for (const value of [cert, join(folder, 'ca.crt')]) {
      const { apiServer } = await loadYaml(text, { ...ENV, MCPK_CA: value });
      expect(apiServer.authentication.jwt[0]?.issuer.certificateAuthority).toBe(cert);
    }
  });
});

describe('an issuer that can say of anybody that he is an administrator', () => {
  const claim = (name: string, prefix = ''): object => ({ claim: name, prefix });
  const rule = (expression: string): object => ({ userValidationRules: [{ expression }] });
  it.each<[string, object, string[]]>([
    ['is told of: groups without a prefix', one({}, { groups: claim('g') }), ['groups']],
    ['is told of: both', one({}, { username: claim('email'), groups: claim('g') }), ['username', 'groups']],
    ['is told of: a claim as an expression', one({}, { groups: { expression: 'claims.groups' } }), ['groups']],
    ['is told of: a rule about another', one(rule('user.username != "x"'), { groups: claim('g') }), ['groups']],
    ['is held by a rule', one(rule('user.groups.all(g, !g.startsWith("system:"))'), { groups: claim('g') }), []],
    ['is held by a prefix', one({}, { groups: claim('g', 'login:') }), []],
    ['is held by a prefix that an expression writes', one({}, { groups: { expression: '"login:" + claims.g' } }), []],
  ])('%s', async (_name, issuer, told) => {
    const { warnings = [] } = await loadYaml(jwt(issuer));
    expect(warnings).toEqual(
      told.map((name) => expect.stringMatching(`claimMappings.${name}: without a prefix this issuer can`) as string),
    );
  });
});

describe('further files and formats of the API server are told by validate, where they are wrong', () => {
  const KUBECONFIG = { clusters: [{}], contexts: [{}] };
  it.each<[string, object, string]>([
    ['a file elsewhere', { files: [{ path: '/etc/passwd', content: '' }] }, 'files[0].path: "/etc/passwd" is not a relative path'], // prettier-ignore
    ['a file above', { files: [{ path: 'a/../../b', content: '' }] }, 'files[0].path: "a/../../b" is not'],
    ['a file twice', { files: [{ path: 'a', content: '' }, { path: 'a', content: 'b' }] }, 'files[1].path: is the same as that of entry 0'], // prettier-ignore
    ['a file that is a folder', { files: [{ path: 'a', content: '' }, { path: 'a/b', content: '' }] }, 'files[0].path: "a" is a folder of another file'], // prettier-ignore
    ['a file that others may write', { files: [{ path: 'a', content: '', mode: '0666' }] }, 'files[0].mode: "0666" is not one of'], // prettier-ignore
    ['a plugin twice', { admission: { plugins: [{ name: 'A', path: '/a' }, { name: 'A', path: '/b' }] } }, 'admission.plugins[1].name: is the same'], // prettier-ignore
    ['PodSecurity as a plugin', { admission: { plugins: [{ name: 'PodSecurity', path: '/a' }] } }, 'admission.plugins[0].name: is configured by apiServer.admission.podSecurity'], // prettier-ignore
    ['a plugin without configuration', { admission: { plugins: [{ name: 'A' }] } }, 'admission.plugins[0]: needs either path or configuration'], // prettier-ignore
    ['a configuration of no kind', { admission: { plugins: [{ name: 'A', configuration: { apiVersion: 'v1' } }] } }, 'admission.plugins[0].configuration: kind is missing'], // prettier-ignore
    ['a level that is none', { admission: { podSecurity: { enforce: 'base' } } }, 'admission.podSecurity.enforce: "base" is not one of'], // prettier-ignore
    ['a log in a folder of the system', { audit: { directory: '/var/log' } }, 'audit.directory: "/var/log" is not an absolute path of three parts'], // prettier-ignore
    ["a log in auditd's folder", { audit: { directory: '/var/log/audit' } }, 'audit.directory: '],
    ['a policy without rules', { audit: { policy: {} } }, 'audit.policy: rules is missing'],
    ['a policy of another version', { audit: { policy: { apiVersion: 'audit.k8s.io/v1beta1', rules: [{ level: 'None' }] } } }, 'audit.policy.apiVersion: '], // prettier-ignore
    ['a level of a rule', { audit: { policy: { rules: [{ level: 'metadata' }] } } }, 'audit.policy.rules[0].level: "metadata" is not one of None, Metadata'], // prettier-ignore
    ['a rule for two things', { audit: { policy: { rules: [{ level: 'None', nonResourceURLs: ['/a*'], namespaces: ['b'] }] } } }, 'audit.policy.rules[0]: a rule is for nonResourceURLs or'], // prettier-ignore
    ['names of nothing', { audit: { policy: { rules: [{ level: 'None', resources: [{ group: '', resourceNames: ['a'] }] }] } } }, 'audit.policy.rules[0].resources[0]: resourceNames need resources'], // prettier-ignore
    ['a webhook without a context', { audit: { webhook: { kubeconfig: KUBECONFIG } } }, 'audit.webhook.kubeconfig: current-context is missing'], // prettier-ignore
  ])('%s', async (_name, apiServer, line) => {
    const [first, ...others] = await mistakesOf(`${ONE}apiServer: ${JSON.stringify(apiServer)}`);
    expect(first).toContain(` apiServer.${line}`);
    expect(others).toEqual([]);
  });
});
