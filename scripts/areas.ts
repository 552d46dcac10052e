/** Which file of test/e2e and test/faults belongs to which area of `npm run test:full -- AREA`; each in one. */
export const AREAS: Readonly<Record<string, readonly string[]>> = {
  rollout: ['01-bring-up', '02-rolling', '03-power-loss', '07-terminate', '09-plans', '10-runs', '11-rollback'].map(
    endToEnd,
  ),
  drift: ['04-drift', '05-settings-leave', '06-failures', '12-least-privilege', '17-authentication'].map(endToEnd),
  killed: [endToEnd('08-killed'), endToEnd('28-upgrade-killed'), 'test/faults/06-killed.test.ts'],
  upgrade: ['13-upgrade', '18-taken-over', '24-drains'].map(endToEnd),
  membership: ['14-membership', '22-members', '23-hosts-out'].map(endToEnd),
  operations: [endToEnd('26-operations')],
  snapshots: [endToEnd('20-snapshots')],
  recovery: ['21-restore', '27-recovery'].map(endToEnd),
  reboots: [endToEnd('25-reboots')],
  network: ['00-networks', '15-calico'].map(endToEnd),
  faults: ['01-network', '02-power', '03-host', '04-ssh', '05-two-runs'].map((name) => `test/faults/${name}.test.ts`),
};

function endToEnd(name: string): string {
  return `test/e2e/${name}.test.ts`;
}
