import { BACKUP_UNITS } from '../cluster/etcd-backup.ts';
import { snapshotScript } from '../cluster/etcd-snapshot.ts';
import { PATHS } from '../core/paths.ts';
import { hostsWith } from '../inventory/types.ts';
import { render } from '../render/render.ts';
import { ref } from '../resources/kinds.ts';
import type { FileResource, PackageResource, Resource } from '../resources/types.ts';
import { directory, file, FOLDER, inputs, lines, PRIVATE, ROOT_FOLDER, unitPath } from './build.ts';
import type { Stage, StateContext } from './stage.ts';

const SCRIPT = `${PATHS.bin}/mcpk-etcd-backup`;
/** Named in the script. */
const RECIPIENTS = `${PATHS.etcd}/backup-recipients`;
const UPLOAD = `${PATHS.etcd}/backup-upload`;

const AGE: PackageResource = { kind: 'package', name: 'age', units: [], hold: false };

/** `etcd.backup`: members make bundles by themselves. Nothing here touches etcd, so all change at once. */
export const etcdBackup: Stage = {
  name: 'etcd-backup',
  title: "Backups of etcd's data",
  about: 'a timer by which members make bundles of their data (`etcd.backup`); `mcpk verify` looks at their age',
  hosts: (cluster) => hostsWith(cluster, 'etcd'),
  needs: ['etcd'],
  states,
};

function states({ cluster, host }: StateContext): Resource[] {
  const { backup } = cluster.etcd;
  if (backup === undefined) return [];
  const data = {
    cluster: cluster.name,
    member: host.name,
    kubernetes: cluster.versions.kubernetes,
    script: SCRIPT,
    directory: backup.directory,
    keep: backup.keep,
    schedule: backup.schedule,
  };
  // What systemd does not understand is refused before a timer is there that does not start.
  const timer = { ...unitFile(BACKUP_UNITS.timer, data), validate: ['systemd-analyze', 'calendar', backup.schedule] };
  return [
    ...(backup.ageRecipients.length > 0 ? [AGE, file(RECIPIENTS, lines(backup.ageRecipients), PRIVATE)] : []),
    ...(backup.upload.length > 0 ? [file(UPLOAD, lines(backup.upload), PRIVATE)] : []),
    directory(backup.directory, ROOT_FOLDER),
    file(SCRIPT, snapshotScript(), FOLDER),
    unitFile(BACKUP_UNITS.service, data),
    timer,
    {
      kind: 'unit',
      name: BACKUP_UNITS.timer,
      enabled: true,
      state: 'running',
      inputs: inputs('restart', [ref(timer)]),
    },
  ];
}

function unitFile(name: string, data: Readonly<Record<string, unknown>>): FileResource {
  return file(unitPath(name), render(`etcd/${name}`, data));
}
