export interface Area {
  /** What its tests prove, in a few words. */
  about: string;
  files: readonly string[];
}

/** Which file of test/e2e and test/faults belongs to which area of `npm run test:full -- AREA`; each in one. */
export const AREAS: Readonly<Record<string, Area>> = {
  rollout: {
    about: 'bring-up, changes host by host, plans that are kept, going back',
    files: ['01-bring-up', '02-rolling', '03-power-loss', '07-terminate', '09-plans', '10-runs', '11-rollback'].map(
      endToEnd,
    ),
  },
  drift: {
    about: 'what others change, settings that leave, errors, who may do what',
    files: ['04-drift', '05-settings-leave', '06-failures', '12-least-privilege', '17-authentication'].map(endToEnd),
  },
  killed: {
    about: 'runs killed at each boundary and at random moments: first ones, changes, upgrades',
    files: [endToEnd('08-killed'), endToEnd('28-upgrade-killed'), fault('06-killed')],
  },
  upgrade: {
    about: 'from the release before, from a cluster of mcpk 0.1.0, drains, what docs/upgrade.md tells',
    files: ['13-upgrade', '18-taken-over', '24-drains', '31-upgrades'].map(endToEnd),
  },
  membership: {
    about: 'members of etcd and hosts that come, go, break',
    files: ['14-membership', '22-members', '23-hosts-out'].map(endToEnd),
  },
  operations: { about: 'what docs/operations.md tells', files: [endToEnd('26-operations')] },
  snapshots: { about: 'bundles of etcd, backups, defragmentation', files: [endToEnd('20-snapshots')] },
  recovery: {
    about: 'restores of etcd, what docs/recovery.md tells',
    files: ['21-restore', '27-recovery'].map(endToEnd),
  },
  ci: { about: 'the recipes of docs/ci.md, and jobs that are cancelled', files: [endToEnd('29-ci')] },
  rounds: {
    about: 'apply, verify, reset, twenty times (MCPK_ROUNDS): the same each time, and nothing grows',
    files: [endToEnd('30-rounds')],
  },
  reboots: { about: 'hosts that reboot, packages of hosts', files: [endToEnd('25-reboots')] },
  network: { about: 'the bridge, Calico, one in place of none', files: ['00-networks', '15-calico'].map(endToEnd) },
  faults: {
    about: "broken networks, power, disks, SSH; two runs at once; stalls of the VIP's holder",
    files: ['01-network', '02-power', '03-host', '04-ssh', '05-two-runs', '07-stalls'].map(fault),
  },
};

function endToEnd(name: string): string {
  return `test/e2e/${name}.test.ts`;
}

function fault(name: string): string {
  return `test/faults/${name}.test.ts`;
}
