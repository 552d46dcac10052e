import { setTimeout as sleep } from 'node:timers/promises';
import { poweredOn } from '../../../lab/hosts.ts';
import { powerOff, powerOn } from '../../../lab/lab.ts';

/**
 * While `work` goes on, hosts that turn themselves off are turned on again, as a machine's firmware does it: systemd-nspawn
 * ends with a host that reboots (--keep-unit leaves the next start to others). Gives back who was, in order.
 */
export async function withFirmware(hosts: readonly string[], work: () => Promise<unknown>): Promise<string[]> {
  const booted: string[] = [];
  let over = false;
  const watch = async (name: string): Promise<void> => {
    while (!over) {
      if ((await poweredOn(name)) === undefined) {
        booted.push(name);
        // What its network and its groups have left goes first.
        await powerOff(name);
        await powerOn(name);
      }
      await sleep(200);
    }
  };
  const watches = hosts.map(watch);
  try {
    await work();
  } finally {
    over = true;
    await Promise.all(watches);
  }
  return booted;
}
