import { beforeAll, describe, expect, it } from 'vitest';
import { inspectCertificate, normalAddress } from '../../src/core/certificate.ts';
import type { WantedCertificate } from '../../src/core/renewal.ts';
import { renewalReasons } from '../../src/core/renewal.ts';
import { createAuthority } from '../../src/pki/authority.ts';
import { signLeaf } from '../../src/pki/leaf.ts';
import { leafSpec } from '../pki/spec.ts';

const DAY = 86_400_000;
const MADE = new Date('2026-03-01T12:00:00Z');
const RECIPE = { type: 'authority', commonName: 'mcpk test', days: 3650, keyAlgorithm: 'ecdsa-p256' } as const;
const SPEC = leafSpec({
  subject: { CN: 'system:node:m1', O: ['system:nodes', 'a, "b" + \\c', '#31'] },
  dns: ['m1', 'kubernetes.default.svc'],
  ip: ['10.0.0.1', 'fd00::1'],
  usages: ['server', 'client'],
  days: 365,
  renewBeforeDays: 30,
});

let bundle: string;
let stranger: string;
let pem: string;
let key: string;

beforeAll(async () => {
  const authority = await createAuthority(RECIPE, MADE);
  bundle = authority.bundle;
  stranger = (await createAuthority(RECIPE, MADE)).bundle;
  const leaf = await signLeaf(SPEC, authority, MADE);
  pem = leaf.cert;
  key = leaf.key.reveal();
});

const CASES: {
  name: string;
  change?: Partial<WantedCertificate>;
  after?: number;
  of?: () => string;
  reasons: RegExp[];
}[] = [
  { name: 'nothing differs', reasons: [] },
  { name: 'order has no meaning', change: { dns: ['kubernetes.default.svc', 'm1'] }, reasons: [] },
  { name: 'another spelling of an address', change: { ip: ['10.0.0.1', 'fd00:0:0:0:0:0:0:1'] }, reasons: [] },
  { name: '31 days left', after: 334, reasons: [] },
  { name: '30 days left', after: 335, reasons: [/expires on 2027-03-01, 30 days/] },
  { name: 'not valid yet', after: -1, reasons: [/^not valid before 2026-03-01T11:55:00/] },
  { name: 'expired', after: 366, reasons: [/expired on 2027-03-01/] },
  { name: 'another CN', change: { subject: { CN: 'x', O: SPEC.subject.O } }, reasons: [/^CN: \+x -system:node:m1$/] },
  {
    name: 'a group less',
    change: { subject: { CN: 'system:node:m1', O: ['system:nodes'] } },
    reasons: [/^O: -a, "b" \+ \\c -#31$/],
  },
  { name: 'a name more', change: { dns: [...SPEC.dns, 'new'] }, reasons: [/^DNS names: \+new$/] },
  { name: 'an address less', change: { ip: ['10.0.0.1'] }, reasons: [/^IP addresses: -fd00::1$/] },
  { name: 'an address that it may have besides', change: { ip: ['10.0.0.1'], sparedIp: ['fd00::1'] }, reasons: [] },
  { name: 'a usage less', change: { usages: ['client'] }, reasons: [/^usages: -server$/] },
  {
    name: 'another algorithm',
    change: { keyAlgorithm: 'rsa-2048' },
    reasons: [/^key algorithm: \+rsa-2048 -ecdsa-p256$/],
  },
  { name: 'another authority of the same name', of: () => stranger, reasons: [/not signed by the present authority/] },
  { name: 'one of two trusted authorities', of: () => stranger + bundle, reasons: [] },
  {
    name: 'rotated by somebody else: due, other names',
    change: { rotatedBy: 'kubelet', dns: ['x'] },
    after: 350,
    reasons: [],
  },
  { name: 'rotated by somebody else: expired', change: { rotatedBy: 'kubelet' }, after: 366, reasons: [/expired/] },
  {
    name: 'rotated by somebody else: untrusted',
    change: { rotatedBy: 'kubelet' },
    of: () => stranger,
    reasons: [/not signed/],
  },
];

describe('renewalReasons', () => {
  it.each(CASES)('$name', ({ change, after, of, reasons }) => {
    const now = new Date(MADE.getTime() + (after ?? 1) * DAY);
    const seen = renewalReasons({ ...SPEC, ...change }, pem, { bundle: of?.() ?? bundle, now });
    expect(seen).toEqual(reasons.map((reason) => expect.stringMatching(reason) as string));
  });

  it.each([
    { name: 'no file', text: undefined, reason: 'absent' },
    {
      name: 'half a file',
      text: '-----BEGIN CERTIFICATE-----\nMIIB',
      reason: 'the file holds no readable certificate',
    },
    {
      name: 'damaged bytes',
      text: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
      reason: 'the file holds no readable certificate',
    },
  ])('$name', ({ text, reason }) => {
    expect(renewalReasons(SPEC, text, { bundle, now: MADE })).toEqual([reason]);
  });

  it.each([
    ['ends with it, on the same day', 365, []],
    ['ends before a new one would, and after this one', 366, [/^expires on 2027-03-01, 20 days/]],
    ['outlives it', 3650, [/^expires on 2027-03-01, 20 days/]],
  ])('a leaf that is due is issued anew unless its authority %s', async (_name, days, reasons) => {
    const authority = await createAuthority({ ...RECIPE, days }, MADE);
    const { cert } = await signLeaf(SPEC, authority, MADE);
    const now = new Date(MADE.getTime() + 345 * DAY);
    const seen = renewalReasons(SPEC, cert, { bundle: authority.bundle, issuer: authority.cert, now });
    expect(seen).toEqual(reasons.map((reason) => expect.stringMatching(reason) as string));
  });

  it('says nothing of the authority while that is not known', () => {
    expect(renewalReasons(SPEC, pem, { bundle: undefined, now: MADE })).toEqual([]);
  });
});

describe('inspectCertificate', () => {
  it('reads the certificate of a file that also holds its key, before or after', () => {
    const alone = inspectCertificate(pem);
    expect(alone?.subject).toEqual(SPEC.subject);
    expect(inspectCertificate(key + pem)?.fingerprint).toBe(alone?.fingerprint);
    expect(inspectCertificate(pem + key)?.fingerprint).toBe(alone?.fingerprint);
    expect(inspectCertificate(key + pem)?.isSignedBy(bundle)).toBe(true);
  });

  it('knows no certificate in other text', () => {
    expect(inspectCertificate(key)).toBeUndefined();
  });
});

it('writes addresses in their shortest form', () => {
  expect(['10.0.0.1', '0:0:0:0:0:0:0:1', 'FD00::0:A', 'nonsense'].map(normalAddress)).toEqual([
    '10.0.0.1',
    '::1',
    'fd00::a',
    'nonsense',
  ]);
});
