import { renewalReasons } from '../core/renewal.ts';
import { Secret } from '../core/secret.ts';
import { differences, identityOfFiles, rests } from './identity.ts';
import { impliedByPath } from './implied.ts';
import type { CertificateResource, CompareContext, Observed, Op, ResourceKind } from './types.ts';

/** Of mcpk 0.1.0: for a year its owner may do all in the API, and nobody can take that from him. */
const BREAK_GLASS_KEY = '/etc/kubernetes/admin/break-glass.key';

export const certificate: ResourceKind<CertificateResource> = {
  id: (resource) => resource.path,
  paths: pathsOf,
  // A pair that somebody else rotates changes under us.
  preconditions: (resource) => (resource.rotatedBy === undefined ? pathsOf(resource) : []),
  reads(resource, into) {
    into.paths.push(...pathsOf(resource));
    (resource.path === resource.keyPath ? into.certificates : into.texts).push(resource.path);
  },

  compare(resource, observed, context) {
    const hash = presentHash(resource, observed);
    const seen = rests(pathsOf(resource).map((path) => observed.paths[path]));
    const access = accessReasons(resource, observed);
    const reasons = contentReasons(resource, observed, context);
    if (reasons.length > 0) {
      return {
        result: 'change',
        verb: 'issue',
        reasons: [...reasons, ...access],
        hash: '',
        rests: seen,
        specification: specification(resource),
      };
    }
    if (access.length > 0)
      return { result: 'change', verb: 'update', reasons: access, hash, rests: seen, accessOnly: true };
    return { result: 'unchanged', reason: 'valid, trusted and as specified', hash };
  },

  async converge(resource, change, materials) {
    const { path, keyPath, owner, group } = resource;
    const access = { owner, group };
    if (change.accessOnly)
      return pathsOf(resource).map((each): Op => ({
        op: 'access',
        path: each,
        mode: modeOf(resource, each),
        ...access,
      }));
    const { cert, key } = await materials.leaf(resource);
    const both = new Secret(`${closed(cert)}${closed(key.reveal())}`, key.label);
    if (path === keyPath) return [{ op: 'write', path, mode: '0600', ...access, content: both }];
    // The key first: a certificate never lies beside a key that is not its own for longer than it must.
    const keyOp: Op = { op: 'write', path: keyPath, mode: '0600', ...access, content: key };
    return [keyOp, { op: 'write', path, mode: '0644', ...access, content: cert }];
  },

  // A key of which nobody wrote down that it is ours stays.
  remove: (id, beside) =>
    [id, ...beside].map((path) => ({ op: path === BREAK_GLASS_KEY ? 'destroy' : 'remove', path })),
  // Its path does not tell where its key lies.
  beside: (resource) => pathsOf(resource).slice(1),
  implied: (resource) => [
    ...pathsOf(resource).flatMap((path) => impliedByPath(path, resource.owner)),
    `sharedSecret:${resource.authority}`,
  ],
  title: (resource) => resource.path,
};

function pathsOf({ path, keyPath }: CertificateResource): string[] {
  return [...new Set([path, keyPath])];
}

function contentReasons(resource: CertificateResource, observed: Observed, context: CompareContext): string[] {
  const shared = context.shared.get(resource.authority);
  if (shared?.state === 'absent' && observed.paths[resource.path])
    return [`its authority ${resource.authority} is made anew`];
  const reasons = renewalReasons(resource, observed.texts[resource.path], {
    bundle: shared?.texts['bundle'],
    issuer: shared?.texts['cert'],
    now: context.now,
  });
  if (reasons.length > 0) return reasons;
  const key = observed.paths[resource.keyPath];
  if (key === undefined) return ['its key is absent'];
  if (resource.rotatedBy !== undefined) return [];
  const strange = pathsOf(resource).filter((path) => observed.paths[path]?.type !== 'file');
  if (strange.length > 0) return strange.map((path) => `${path} is no file`);
  const owned = context.owned.get(`certificate:${resource.path}`);
  const known = owned !== undefined && owned !== '';
  return known && owned !== presentHash(resource, observed)
    ? ['its key or certificate is not the one that was issued']
    : [];
}

/** The pair that somebody else rotates has modes of his. */
function accessReasons(resource: CertificateResource, observed: Observed): string[] {
  if (resource.rotatedBy !== undefined) return [];
  const { path, owner, group } = resource;
  return pathsOf(resource).flatMap((each) => {
    const seen = observed.paths[each];
    if (seen?.type !== 'file') return [];
    const reasons = differences(seen, { type: 'file', mode: modeOf(resource, each), owner, group });
    return each === path ? reasons : reasons.map((reason) => `key: ${reason}`);
  });
}

function modeOf({ keyPath }: CertificateResource, path: string): string {
  return path === keyPath ? '0600' : '0644';
}

/** '' for a pair behind links: its rotation is not ours to see. */
function presentHash(resource: CertificateResource, observed: Observed): string {
  const hashes = pathsOf(resource).map((path) => [path, observed.paths[path]?.sha256 ?? ''] as const);
  return resource.rotatedBy === undefined ? identityOfFiles(new Map(hashes)) : `rotated by ${resource.rotatedBy}`;
}

function specification(resource: CertificateResource): string[] {
  const { subject, dns, ip, usages, authority, days, keyAlgorithm } = resource;
  return [
    `subject  ${[`CN=${subject.CN}`, ...subject.O.map((group) => `O=${group}`)].join(', ')}`,
    ...(dns.length + ip.length > 0 ? [`names    ${[...dns, ...ip].join(', ')}`] : []),
    `usage    ${usages.join(', ')}`,
    `issuer   ${authority}`,
    `valid    ${days} days, ${keyAlgorithm}`,
  ];
}

function closed(pem: string): string {
  return pem.endsWith('\n') ? pem : `${pem}\n`;
}
