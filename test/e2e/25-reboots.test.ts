import { afterAll, describe, expect, it } from 'vitest';
import { powerOff, powerOn } from '../../lab/lab.ts';
import type { RunResult } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import { withFirmware } from './support/firmware.ts';
import { allNodesReady, eventually, kubectl, MASTERS, mcpk, mcpkJson, NODES, on, overlay } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';
import { underLoad } from './support/under-load.ts';

startFrom('ready', { leaves: 'ready' });

const bootIds = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(
      NODES.map(async (name) => [name, await on(name, 'cat', '/proc/sys/kernel/random/boot_id')] as const),
    ),
  );

/** Nodes that are cordoned. */
async function cordoned(): Promise<string[]> {
  const names = '{range .items[?(@.spec.unschedulable==true)]}{.metadata.name}{" "}{end}';
  return (await kubectl('get', 'nodes', '-o', `jsonpath=${names}`)).split(' ').filter(Boolean);
}

/** A package that holds nothing, in version 1 on the host and 2 in an archive of its own, labelled as Debian's for security. */
const PATCH = `set -eu
mkdir -p /var/patches/p/DEBIAN && cd /var/patches
for version in 1 2; do
  printf 'Package: lab-patch\\nVersion: %s\\nArchitecture: all\\nMaintainer: nobody <nobody@example.org>\\nDescription: nothing\\n' $version >p/DEBIAN/control
  dpkg-deb --root-owner-group --build p lab-patch-$version.deb >/dev/null
done
dpkg -i lab-patch-1.deb >/dev/null
{ cat p/DEBIAN/control; printf 'Filename: ./lab-patch-2.deb\\nSize: %s\\nSHA256: %s\\n' "$(stat -c %s lab-patch-2.deb)" "$(sha256sum lab-patch-2.deb | cut -d' ' -f1)"; } >Packages
printf 'Origin: Debian\\nLabel: Debian-Security\\nSuite: stable-security\\nDate: Sun, 29 Nov 2026 12:00:00 UTC\\nSHA256:\\n %s %s Packages\\n' "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)" >Release
echo 'deb [trusted=yes] file:/var/patches ./' >/etc/apt/sources.list.d/patches.list
`;

/** The same packages once more in the host's archive, as a newer version. */
const NEWER = `set -eu
cd /opt/lab-apt
for name in haproxy keepalived; do
  [ ! -e "$name-lab1.deb" ] || continue
  rm -rf /var/tmp/newer && dpkg-deb -R "$(ls ./"$name"_*.deb)" /var/tmp/newer
  sed -i '/^Version:/s/$/+lab1/' /var/tmp/newer/DEBIAN/control
  dpkg-deb --root-owner-group -Znone --build /var/tmp/newer "$name-lab1.deb" >/dev/null
  { echo; cat /var/tmp/newer/DEBIAN/control; printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n' "$name-lab1.deb" "$(stat -c %s "$name-lab1.deb")" "$(sha256sum "$name-lab1.deb" | cut -d' ' -f1)"; } >>Packages
done
apt-get update -q >/dev/null
`;

describe.runIf(FULL)('packages of hosts', () => {
  const installed = (name: string): Promise<string> => on('m1', 'dpkg-query', '-W', '-f', '${Version}', name);

  /** How often masters have taken the VIP. */
  async function taken(): Promise<number> {
    const said = await Promise.all(
      MASTERS.map((name) => on(name, 'journalctl', '--unit=keepalived', '--no-pager', '--output=cat')),
    );
    return said.join('').split('Entering MASTER STATE').length;
  }

  it('of HAProxy and Keepalived move a master at a time, while clients go on; the VIP moves once a master at most', async () => {
    await Promise.all(MASTERS.map((name) => on(name, 'sh', '-c', NEWER)));
    const wanted = {
      haproxy: `${await installed('haproxy')}+lab1`,
      keepalived: `${await installed('keepalived')}+lab1`,
    };
    const named = await overlay(JSON.stringify({ versions: wanted }));
    const before = await taken();
    const outcome = await underLoad(() => mcpkJson<RunResult>(['apply', '--yes'], 0, [named]));
    const moves = (await taken()) - before;
    expect(moves).toBeLessThanOrEqual(MASTERS.length);
    // What is under way through the proxy that the VIP leaves is reset, once for each move; nothing else fails.
    expect(outcome.failures.filter((text) => !text.includes('ECONNRESET'))).toEqual([]);
    expect(outcome.failures.filter((text) => text.includes(' kept connection: ')).length).toBeLessThanOrEqual(moves);
    expect({ haproxy: await installed('haproxy'), keepalived: await installed('keepalived') }).toEqual(wanted);
    expect(await mcpkJson<RunResult>(['apply', '--yes'], 0, [named])).toMatchObject({ changed: 0 });
    // Named no more, they stay as they are.
    await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect(await installed('haproxy')).toBe(wanted.haproxy);
  });

  const version = (name: string): Promise<string> => on(name, 'dpkg-query', '-W', '-f', '${Version}', 'lab-patch');

  it('are upgraded from the security archive, host by host; then there is nothing to do', async () => {
    for (const name of ['m3', 'w1']) await on(name, 'sh', '-c', PATCH);
    const result = await mcpkJson<RunResult>(['node', 'upgrade-packages', 'm3 or w1 or w2', '--yes'], 0);
    expect(result.changed).toBe(2);
    expect([await version('m3'), await version('w1')]).toEqual(['2', '2']);
    expect(await mcpkJson<RunResult>(['node', 'upgrade-packages', 'all', '--yes'], 0)).toMatchObject({ changed: 0 });
    expect(await mcpkJson<RunResult>(['apply', '--yes'], 0)).toMatchObject({ changed: 0 });
  });
});

describe.runIf(FULL)('hosts that reboot', () => {
  afterAll(async () => {
    for (const name of NODES) await powerOn(name);
    await allNodesReady();
  });

  it('do so in turn, with the VIP handed over, while clients go on; each has booted once', async () => {
    const before = await bootIds();
    let order: string[] = [];
    const outcome = await underLoad(async () => {
      order = await withFirmware(NODES, () => mcpkJson<RunResult>(['node', 'reboot', 'all', '--yes'], 0));
    });
    // The VIP moves once, with its holder, which goes last: what is under way through that proxy just then is reset.
    const resets = outcome.failures.map((text) => Date.parse(text.slice(0, text.indexOf(' '))));
    expect(outcome.failures.filter((text) => !text.includes('ECONNRESET'))).toEqual([]);
    expect(outcome.failures.filter((text) => text.includes(' kept connection: ')).length).toBeLessThan(2);
    expect(Math.max(...resets, 0) - Math.min(...resets, Infinity), outcome.failures.join('\n')).toBeLessThan(1000);
    expect(order.toSorted()).toEqual([...NODES]);
    expect(order.slice(3).toSorted()).toEqual(['w1', 'w2']);
    const after = await bootIds();
    for (const name of NODES) expect(after[name], name).not.toBe(before[name]);
    expect(await cordoned()).toEqual([]);
    expect(await mcpkJson<RunResult>(['apply', '--yes'], 0)).toMatchObject({ changed: 0 });
  });

  it('if needed do not where nothing says so, and are named with why where something does', async () => {
    expect(await mcpkJson<RunResult>(['node', 'reboot', 'all', '--if-needed', '--yes'], 0)).toMatchObject({
      changed: 0,
    });
    await on('w2', 'touch', '/run/reboot-required');
    const before = await bootIds();
    const order = await withFirmware(NODES, async () => {
      const said = await mcpk(['node', 'reboot', 'all', '--if-needed', '--yes']);
      expect(said.code, said.stderr).toBe(0);
    });
    expect(order).toEqual(['w2']);
    expect((await bootIds())['w1']).toBe(before['w1']);
  });

  it('and do not come back stay cordoned and are named; an apply lets them in once they are up', async () => {
    const said = await mcpk(['node', 'reboot', 'role:worker', '--yes', '--boot-timeout', '90s']);
    expect(said.code, said.stderr).toBe(16);
    const [gone = ''] = await cordoned();
    expect(said.stderr).toContain(`${gone} was told to reboot and is not back`);
    // Its firmware slept.
    await powerOff(gone);
    await powerOn(gone);
    await allNodesReady();
    expect(await mcpkJson<RunResult>(['apply', '--yes'], 0)).toMatchObject({ failed: 0 });
    await eventually('nobody is cordoned', 30, async () => ((await cordoned()).length === 0 ? true : undefined));
  });
});
