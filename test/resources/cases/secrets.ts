import { recordText } from '../../../src/core/cluster-record.ts';
import { PATHS } from '../../../src/core/paths.ts';
import { publicKeyDigests } from '../../../src/core/public-keys.ts';
import { identityOfFiles, sha256 } from '../../../src/resources/identity.ts';
import type {
  CertificateResource,
  ClusterRecordResource,
  PathState,
  SharedSecretResource,
  SharedState,
} from '../../../src/resources/types.ts';
import { fileState, type Case } from '../case.ts';
import { AUTHORITY, LEAF, OTHER_AUTHORITY } from '../pems.ts';

const leaf: CertificateResource = {
  kind: 'certificate',
  path: '/pki/server.crt',
  keyPath: '/pki/server.key',
  authority: 'authority/cluster',
  subject: { CN: 'server', O: ['group'] },
  dns: ['m1'],
  ip: ['10.0.0.1'],
  usages: ['server'],
  days: 365,
  renewBeforeDays: 30,
  keyAlgorithm: 'ecdsa-p256',
  owner: 'etcd',
  group: 'etcd',
};
const held: SharedState = {
  state: 'held',
  from: 'm1',
  hashes: { cert: 'hc', key: 'hk', bundle: 'hb' },
  texts: { bundle: AUTHORITY },
};
const shared = { 'authority/cluster': held };
const access = { owner: 'etcd', group: 'etcd' };
const paths = {
  '/pki/server.crt': fileState({ ...access, sha256: 'c' }),
  '/pki/server.key': fileState({ ...access, mode: '0600', sha256: 'k' }),
};
const texts = { '/pki/server.crt': LEAF };
const hash = identityOfFiles(new Map([['/pki/server.crt', 'c'], ['/pki/server.key', 'k']])); // prettier-ignore
const rotated: CertificateResource = {
  ...leaf,
  path: '/p/current.pem',
  keyPath: '/p/current.pem',
  rotatedBy: 'kubelet',
};

const authority: SharedSecretResource = {
  kind: 'sharedSecret',
  id: 'authority/cluster',
  recipe: { type: 'authority', commonName: 'lab cluster authority', days: 3650, keyAlgorithm: 'ecdsa-p256' },
  holder: true,
  files: [
    { item: 'key', path: '/a/key', mode: '0600', owner: 'root', group: 'root' },
    { item: 'bundle', path: '/a/bundle', mode: '0644', owner: 'root', group: 'root' },
  ],
};
const laid = { '/a/key': fileState({ mode: '0600', sha256: 'hk' }), '/a/bundle': fileState({ sha256: 'hb' }) };

const record: ClusterRecordResource = { kind: 'clusterRecord', cluster: 'lab', authority: 'authority/cluster' };
const FIRST = publicKeyDigests(AUTHORITY)[0] ?? '';
const recordFile = { op: 'write', path: PATHS.clusterRecord, mode: '0600', owner: 'root', group: 'root' } as const;
const recordSum = (authority: string): string => sha256(recordText({ cluster: 'lab', authority }));
const recordHash = (authority: string): string =>
  identityOfFiles(new Map([[PATHS.clusterRecord, recordSum(authority)]]));
const recordSeen = (authority: string): PathState => fileState({ mode: '0600', sha256: recordSum(authority) });

export const cases: Case[] = [
  {
    name: 'a leaf that is right is left alone; its hash is over certificate and key',
    wanted: leaf,
    shared,
    seen: { paths, texts },
    owned: { 'certificate:/pki/server.crt': hash },
    gives: { result: 'unchanged', hash },
  },
  {
    name: 'a leaf that is absent is issued, key first, and shown by its specification only',
    wanted: leaf,
    shared,
    gives: {
      verb: 'issue',
      reasons: ['absent'],
      hash: '',
      specification: [
        'subject  CN=server, O=group',
        'names    m1, 10.0.0.1',
        'usage    server',
        'issuer   authority/cluster',
        'valid    365 days, ecdsa-p256',
      ],
    },
    without: ['diff'],
    ops: [
      { op: 'write', path: '/pki/server.key', mode: '0600', ...access, content: 'secret:KEY\n' },
      { op: 'write', path: '/pki/server.crt', mode: '0644', ...access, content: 'CERT\n' },
    ],
  },
  {
    name: 'a leaf for other names is issued anew',
    wanted: { ...leaf, dns: ['m1', 'vip'] },
    shared,
    seen: { paths, texts },
    gives: { verb: 'issue', reasons: ['DNS names: +vip'] },
  },
  {
    name: 'a leaf of another authority is issued anew',
    wanted: leaf,
    shared: { 'authority/cluster': { ...held, texts: { bundle: OTHER_AUTHORITY } } },
    seen: { paths, texts },
    gives: { verb: 'issue' },
  },
  {
    name: 'a leaf without its key is issued anew',
    wanted: leaf,
    shared,
    seen: { paths: { '/pki/server.crt': paths['/pki/server.crt'] }, texts },
    gives: { reasons: ['its key is absent'] },
  },
  {
    name: 'a leaf whose key was exchanged is issued anew',
    wanted: leaf,
    shared,
    seen: { paths, texts },
    owned: { 'certificate:/pki/server.crt': 'other' },
    gives: { verb: 'issue', reasons: ['its key or certificate is not the one that was issued'] },
  },
  {
    name: 'a leaf whose authority is made anew is issued anew',
    wanted: leaf,
    shared: { 'authority/cluster': { state: 'absent', hashes: {}, texts: {} } },
    seen: { paths, texts },
    gives: { verb: 'issue' },
  },
  {
    name: 'a key with another mode is mended, not issued',
    wanted: leaf,
    shared,
    seen: { paths: { ...paths, '/pki/server.key': { ...paths['/pki/server.key'], mode: '0644' } }, texts },
    gives: { verb: 'update', reasons: ['key: mode 0644 → 0600'], accessOnly: true, hash },
    ops: [
      { op: 'access', path: '/pki/server.crt', mode: '0644', ...access },
      { op: 'access', path: '/pki/server.key', mode: '0600', ...access },
    ],
  },
  {
    name: 'a pair that kubelet rotates may have any names and modes',
    wanted: { ...rotated, dns: ['other'] },
    shared,
    seen: {
      paths: { '/p/current.pem': fileState({ type: 'link', target: 'dated.pem' }) },
      texts: { '/p/current.pem': LEAF },
    },
    gives: 'unchanged',
  },
  {
    name: 'a pair that kubelet rotates is issued when it is not trusted, both in one file',
    wanted: rotated,
    shared: { 'authority/cluster': { ...held, texts: { bundle: OTHER_AUTHORITY } } },
    seen: { paths: { '/p/current.pem': fileState({ type: 'link' }) }, texts: { '/p/current.pem': LEAF } },
    gives: { verb: 'issue' },
    ops: [{ op: 'write', path: '/p/current.pem', mode: '0600', ...access, content: 'secret:CERT\nKEY\n' }],
  },
  {
    name: 'a secret that nobody has is made',
    wanted: authority,
    shared: { 'authority/cluster': { state: 'absent', hashes: {}, texts: {} } },
    gives: { verb: 'create', reasons: ['no host has it: it is made once, for all'], hash: '' },
    without: ['diff'],
    ops: [
      { op: 'write', path: '/a/key', mode: '0600', owner: 'root', group: 'root', content: 'authority/cluster key' },
      {
        op: 'write',
        path: '/a/bundle',
        mode: '0644',
        owner: 'root',
        group: 'root',
        content: 'authority/cluster bundle',
      },
    ],
  },
  { name: 'a secret that is right is left alone', wanted: authority, shared, seen: { paths: laid }, gives: { result: 'unchanged', hash: identityOfFiles(new Map([['/a/key', 'hk'], ['/a/bundle', 'hb']])) } }, // prettier-ignore
  {
    name: 'of a secret only the part that is missing is copied',
    wanted: authority,
    shared: { 'authority/cluster': { ...held, from: 'm2' } },
    seen: { paths: { '/a/key': laid['/a/key'] } },
    gives: { verb: 'update', reasons: ['/a/bundle: absent'] },
    ops: [
      {
        op: 'write',
        path: '/a/bundle',
        mode: '0644',
        owner: 'root',
        group: 'root',
        content: 'authority/cluster bundle',
      },
    ],
  },
  {
    name: 'a public part that differs is written again',
    wanted: { ...authority, holder: false },
    shared,
    seen: { paths: { ...laid, '/a/bundle': fileState({ sha256: 'edited' }) } },
    gives: { verb: 'update', reasons: ['/a/bundle: not what all shall have'] },
    without: ['accessOnly'],
  },
  {
    name: 'the mode of a private part is mended without fetching it',
    wanted: authority,
    shared,
    seen: { paths: { ...laid, '/a/key': { ...laid['/a/key'], mode: '0644' } } },
    gives: { accessOnly: true, reasons: ['/a/key: mode 0644 → 0600'] },
    ops: [{ op: 'access', path: '/a/key', mode: '0600', owner: 'root', group: 'root' }],
  },
  {
    name: 'the record of a cluster that stands is told by its authority, and shown without a diff',
    wanted: record,
    shared,
    gives: {
      verb: 'create',
      reasons: ['absent'],
      hash: recordHash(FIRST),
      specification: ['cluster    lab', `authority  ${FIRST}`],
    },
    without: ['diff'],
  },
  {
    name: 'the record of a host that joins is what the others have',
    wanted: { ...record, known: FIRST },
    shared: { 'authority/cluster': { ...held, texts: { cert: OTHER_AUTHORITY, bundle: OTHER_AUTHORITY } } },
    gives: { verb: 'create', hash: recordHash(FIRST) },
    ops: [{ ...recordFile, content: recordText({ cluster: 'lab', authority: FIRST }) }],
  },
  {
    name: 'the record of a cluster that is to be is written with the authority that is made',
    wanted: record,
    shared: { 'authority/cluster': { state: 'absent', hashes: {}, texts: {} } },
    gives: { verb: 'create', hash: '' },
  },
  {
    name: 'the record stays what it was when the authority is another one',
    wanted: { ...record, known: FIRST },
    shared: { 'authority/cluster': { ...held, texts: { cert: OTHER_AUTHORITY, bundle: OTHER_AUTHORITY } } },
    seen: { paths: { [PATHS.clusterRecord]: recordSeen(FIRST) } },
    gives: 'unchanged',
  },
  {
    name: 'a record that everybody may change is mended',
    wanted: { ...record, known: FIRST },
    shared,
    seen: { paths: { [PATHS.clusterRecord]: { ...recordSeen(FIRST), mode: '0666' } } },
    gives: { verb: 'update', reasons: ['mode 0666 → 0600'] },
  },
];
