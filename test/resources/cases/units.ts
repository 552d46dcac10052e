import { unitDigests } from '../../../src/resources/unit-digests.ts';
import type {
  BinaryResource,
  FileResource,
  LinkResource,
  Op,
  Ref,
  UnitResource,
} from '../../../src/resources/types.ts';
import { leafSpec } from '../../pki/spec.ts';
import { changing, fileState, known, unitState, type Case } from '../case.ts';

const unit: UnitResource = {
  kind: 'unit',
  name: 'x.service',
  enabled: true,
  state: 'running',
  inputs: [
    { ref: 'file:/etc/x.conf', on: 'restart' },
    { ref: 'file:/etc/x.reload', on: 'reload' },
    { ref: 'file:/etc/x.live', on: 'live' },
    { ref: 'link:/usr/local/bin/x', on: 'restart' },
  ],
};
const at = (path: string): FileResource => ({
  kind: 'file',
  path,
  content: '',
  mode: '0644',
  owner: 'root',
  group: 'root',
});
const conf = at('/etc/x.conf');
const reload = at('/etc/x.reload');
const live = at('/etc/x.live');
const own = at('/etc/systemd/system/x.service');
const link: LinkResource = { kind: 'link', path: '/usr/local/bin/x', target: '/t' };
const certificate = leafSpec({ path: '/etc/x.crt', keyPath: '/etc/x.key' });
const before = [known(conf, 'c'), known(reload, 'r'), known(live, 'l'), known(own, 'u'), known(link, 't')];
const paths = Object.fromEntries([conf, reload, live, own, link].map(({ path }) => [path, fileState()]));

const hashes: Record<string, string> = {
  'file:/etc/x.conf': 'c',
  'file:/etc/x.reload': 'r',
  'file:/etc/systemd/system/x.service': 'u',
  'link:/usr/local/bin/x': 't',
};
const stamp = (changed: Record<string, string> = {}): { restart: string; reload: string; invocationId: string } => ({
  ...unitDigests(unit, (ref: Ref) => ({ ...hashes, ...changed })[ref] ?? ''),
  invocationId: 'inv',
});
const running = unitState({ stamp: stamp() });
const act = (action: 'start' | 'restart' | 'reload' | 'stop' | 'enable' | 'disable'): Op => ({
  op: 'unit',
  action,
  name: 'x.service',
  noBlock: false,
  timeout: 90,
});
const stamped: Op = { op: 'stamp', unit: 'x.service', restart: '', reload: '' };
const withChange = (path: string): NonNullable<Case['before']> =>
  before.map((each) =>
    'path' in each.resource && each.resource.path === path ? changing(each.resource, 'new') : each,
  );

export const cases: Case[] = [
  {
    name: 'a unit that runs with its present inputs is left alone',
    wanted: unit,
    before,
    seen: { paths, units: { 'x.service': running } },
    gives: 'unchanged',
  },
  {
    name: 'a unit that is not there yet is started and enabled',
    wanted: unit,
    before: withChange('/etc/systemd/system/x.service'),
    seen: {
      units: {
        'x.service': unitState({ loadState: 'not-found', activeState: 'inactive', unitFileState: '', startedAt: 0 }),
      },
    },
    gives: { verb: 'start', reasons: ['is inactive', 'is not enabled'] },
    ops: [act('enable'), act('start'), stamped],
  },
  {
    name: 'a failed unit is started',
    wanted: unit,
    before,
    seen: { units: { 'x.service': unitState({ activeState: 'failed' }) } },
    gives: { verb: 'start', reasons: ['is failed'] },
    ops: [act('start'), stamped],
  },
  {
    name: 'a unit that did not run and whose input changes: one that came up meanwhile with the old input starts again',
    wanted: unit,
    before: withChange('/etc/x.conf'),
    seen: { units: { 'x.service': unitState({ activeState: 'inactive' }) } },
    gives: { verb: 'start', reasons: ['is inactive'], renews: true },
    ops: [act('restart'), stamped],
  },
  {
    name: 'a changing restart input restarts it, and is named',
    wanted: unit,
    before: withChange('/etc/x.conf'),
    seen: { paths, units: { 'x.service': running } },
    gives: { verb: 'restart', reasons: ['restart, because /etc/x.conf changes'] },
    ops: [act('restart'), stamped],
  },
  {
    name: 'its own unit file counts as a restart input without being listed',
    wanted: unit,
    before: withChange('/etc/systemd/system/x.service'),
    seen: { paths, units: { 'x.service': running } },
    gives: { verb: 'restart', reasons: ['restart, because /etc/systemd/system/x.service changes'] },
  },
  {
    name: 'a changing reload input reloads it',
    wanted: unit,
    before: withChange('/etc/x.reload'),
    seen: { paths, units: { 'x.service': running } },
    gives: { verb: 'reload', reasons: ['reload, because /etc/x.reload changes'] },
    ops: [act('reload'), stamped],
  },
  {
    name: 'a changing live input leaves it alone',
    wanted: unit,
    before: withChange('/etc/x.live'),
    seen: { paths, units: { 'x.service': running } },
    gives: 'unchanged',
  },
  {
    name: 'an input of which only the mode changes leaves it alone',
    wanted: unit,
    before: [changing(conf, 'c', { accessOnly: true }), ...before.slice(1)],
    seen: { paths, units: { 'x.service': running } },
    gives: 'unchanged',
  },
  {
    name: 'an input that changes only where it is not read leaves it alone',
    wanted: unit,
    before: [changing(conf, 'new', { unread: true, readAs: 'c' }), ...before.slice(1)],
    seen: { paths, units: { 'x.service': running } },
    gives: 'unchanged',
  },
  {
    name: 'an input that changes only where it is not read: without a stamp that start gets one, as its time tells no more',
    wanted: unit,
    before: [changing(conf, 'new', { unread: true, readAs: 'c' }), ...before.slice(1)],
    seen: { paths, units: { 'x.service': unitState() } },
    gives: { verb: 'update', reasons: ['noted that it needs no restart'], stamps: true },
    ops: [stamped],
  },
  {
    name: 'an input that changes only where it is not read, and one that is newer than the start: it restarts',
    wanted: unit,
    before: [changing(conf, 'new', { unread: true, readAs: 'c' }), ...before.slice(1)],
    seen: {
      paths: { ...paths, '/usr/local/bin/x': fileState({ type: 'link', ctime: 2000.5 }) },
      units: { 'x.service': unitState() },
    },
    gives: { verb: 'restart' },
    without: ['stamps'],
  },
  {
    name: 'a stamp with an input as it was before a line was written anew that is read only once is believed',
    wanted: unit,
    before: [
      { resource: conf, comparison: { result: 'unchanged', reason: '', hash: 'new', readAs: 'c' } },
      ...before.slice(1),
    ],
    seen: { paths, units: { 'x.service': running } },
    gives: 'unchanged',
  },
  {
    name: 'a stamp with the whole of an input of which a line is read only once is believed',
    wanted: unit,
    before: [
      { resource: conf, comparison: { result: 'unchanged', reason: '', hash: 'c', readAs: 'as read' } },
      ...before.slice(1),
    ],
    seen: { paths, units: { 'x.service': running } },
    gives: 'unchanged',
  },
  {
    name: 'a restart that was lost between rename and restart is made up for',
    wanted: unit,
    before,
    seen: { paths, units: { 'x.service': unitState({ stamp: stamp({ 'file:/etc/x.conf': 'earlier' }) }) } },
    gives: { verb: 'restart', reasons: ['restart, because it was started with other inputs than there are now'] },
  },
  {
    name: 'a reload that was lost is made up for',
    wanted: unit,
    before,
    seen: { paths, units: { 'x.service': unitState({ stamp: stamp({ 'file:/etc/x.reload': 'earlier' }) }) } },
    gives: { verb: 'reload' },
  },
  {
    name: 'a matching stamp is believed, whatever the times are',
    wanted: unit,
    before,
    seen: { paths: { ...paths, '/etc/x.conf': fileState({ ctime: 9999 }) }, units: { 'x.service': running } },
    gives: 'unchanged',
  },
  {
    name: 'without a stamp of this start, inputs older than it were read by it',
    wanted: unit,
    before,
    seen: {
      paths,
      units: { 'x.service': unitState({ stamp: { restart: 'old', reload: 'old', invocationId: 'another' } }) },
    },
    gives: 'unchanged',
  },
  {
    name: 'without a stamp, an input newer than the start was not read by it',
    wanted: unit,
    before,
    seen: {
      paths: { ...paths, '/usr/local/bin/x': fileState({ type: 'link', ctime: 2000.5 }) },
      units: { 'x.service': unitState() },
    },
    gives: { verb: 'restart', reasons: ['restart, because /usr/local/bin/x is newer than its start'] },
  },
  {
    name: 'a process of another file than there is now is restarted, whatever its stamp and its times say',
    wanted: unit,
    before,
    seen: { paths, units: { 'x.service': { ...running, runsOther: true } } },
    gives: { verb: 'restart', reasons: ['restart, because it runs another file than /usr/local/bin/x'] },
    ops: [act('restart'), stamped],
  },
  {
    name: 'without a stamp, a unit file that is newer than the start was not read by it: its command line',
    wanted: unit,
    before,
    seen: {
      paths: { ...paths, '/etc/systemd/system/x.service': fileState({ ctime: 2000.5 }) },
      units: { 'x.service': unitState() },
    },
    gives: { verb: 'restart', reasons: ['restart, because /etc/systemd/system/x.service is newer than its start'] },
  },
  {
    name: 'without a stamp, a configuration that is newer than the start was not read by it',
    wanted: unit,
    before,
    seen: { paths: { ...paths, '/etc/x.conf': fileState({ ctime: 2000.5 }) }, units: { 'x.service': unitState() } },
    gives: { verb: 'restart', reasons: ['restart, because /etc/x.conf is newer than its start'] },
  },
  {
    name: 'without a stamp, a certificate that is newer than the start is not the one that it serves',
    wanted: { ...unit, inputs: [{ ref: 'certificate:/etc/x.crt', on: 'restart' }] },
    before: [known(certificate, 'c'), known(own, 'u')],
    seen: {
      paths: { ...paths, '/etc/x.crt': fileState(), '/etc/x.key': fileState({ ctime: 2000.5 }) },
      units: { 'x.service': unitState() },
    },
    gives: { verb: 'restart', reasons: ['restart, because /etc/x.crt is newer than its start'] },
  },
  {
    name: 'without a stamp, an input that is read live may be newer than the start',
    wanted: unit,
    before,
    seen: { paths: { ...paths, '/etc/x.live': fileState({ ctime: 2000.5 }) }, units: { 'x.service': unitState() } },
    gives: 'unchanged',
  },
  {
    name: 'a unit that is still starting is waited for',
    wanted: unit,
    before,
    seen: { paths, units: { 'x.service': unitState({ activeState: 'activating', subState: 'start' }) } },
    gives: { verb: 'start', reasons: ['is activating'] },
  },
  {
    name: 'a unit that is still starting with an old input is restarted',
    wanted: unit,
    before: withChange('/etc/x.conf'),
    seen: { paths, units: { 'x.service': unitState({ activeState: 'activating' }) } },
    gives: { verb: 'restart' },
  },
  {
    name: 'files that systemd has not read are read, without a restart',
    wanted: unit,
    before,
    seen: { paths, units: { 'x.service': { ...running, needDaemonReload: true } } },
    gives: { verb: 'update', reasons: ['systemd has not read its files anew'] },
    ops: [{ op: 'daemon-reload' }],
  },
  {
    name: 'a foreign drop-in is removed and the unit restarted',
    wanted: unit,
    before,
    seen: { paths, units: { 'x.service': { ...running, dropIns: ['/etc/systemd/system/x.service.d/evil.conf'] } } },
    gives: { verb: 'restart', removes: ['/etc/systemd/system/x.service.d/evil.conf'] },
    ops: [
      { op: 'remove', path: '/etc/systemd/system/x.service.d/evil.conf' },
      { op: 'daemon-reload' },
      act('restart'),
      stamped,
    ],
  },
  {
    name: 'drop-ins of ours, of the vendor and of systemd itself are left alone',
    wanted: unit,
    before: [...before, known(at('/etc/systemd/system/x.service.d/ours.conf'), 'd')],
    owned: { 'file:/etc/systemd/system/x.service.d/earlier.conf': 'e' },
    seen: {
      paths,
      units: {
        'x.service': {
          ...running,
          dropIns: [
            '/etc/systemd/system/x.service.d/ours.conf',
            '/etc/systemd/system/x.service.d/earlier.conf',
            '/usr/lib/systemd/system/x.service.d/v.conf',
            '/run/systemd/system/x.service.d/r.conf',
            '/etc/systemd/system/service.d/all.conf',
          ],
        },
      },
    },
    gives: 'unchanged',
  },
  {
    name: 'a running unit that is not enabled is only enabled',
    wanted: unit,
    before,
    seen: { paths, units: { 'x.service': { ...running, unitFileState: 'disabled' } } },
    gives: { verb: 'enable', reasons: ['is disabled'] },
    ops: [act('enable')],
  },
  {
    name: 'a unit that shall not be enabled is disabled',
    wanted: { ...unit, enabled: false },
    before,
    seen: { paths, units: { 'x.service': running } },
    gives: { verb: 'update', reasons: ['is enabled'] },
    ops: [act('disable')],
  },
  {
    name: 'a unit that shall be stopped is stopped and disabled',
    wanted: { ...unit, state: 'stopped', enabled: false },
    before,
    seen: { units: { 'x.service': running } },
    gives: { verb: 'stop' },
    ops: [act('disable'), act('stop')],
  },
  {
    name: 'a stopped unit that is not there at all is right',
    wanted: { ...unit, state: 'stopped', enabled: false },
    gives: 'unchanged',
  },
  {
    name: 'the hash is open while an input is known only later',
    wanted: unit,
    before: [changing(conf, ''), ...before.slice(1)],
    seen: { paths, units: { 'x.service': running } },
    gives: { verb: 'restart', hash: '' },
  },
  {
    name: 'a deferred input defers the unit',
    wanted: unit,
    before: [{ resource: conf, comparison: { result: 'deferred', until: 'network', why: 'pod CIDRs' } }],
    gives: { result: 'deferred', until: 'network', why: '/etc/x.conf: pod CIDRs' },
  },
  {
    name: 'a new binary restarts it',
    wanted: { ...unit, inputs: [{ ref: 'binary:x@aaaaaaaaaaaa', on: 'restart' }] },
    before: [
      changing(
        {
          kind: 'binary',
          name: 'x',
          version: '1',
          sha256: 'a'.repeat(64),
          source: '',
          size: 1,
        } satisfies BinaryResource,
        'a',
      ),
    ],
    seen: { units: { 'x.service': running } },
    gives: { verb: 'restart', reasons: ['restart, because x@aaaaaaaaaaaa changes'] },
  },
];
