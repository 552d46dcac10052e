import { readFile } from 'node:fs/promises';
import { host, powerOn, wipe } from '../../../lab/lab.ts';
import { hostKeyOf } from '../../../lab/keys.ts';
import { NODES, on } from './mcpk.ts';

const FILE = '/etc/ssh/ssh_host_ed25519_key';

/** A new disk, with the same name and address and a host key of its own. */
export async function installAnew(name: string): Promise<void> {
  await wipe(name);
  await powerOn(name);
  const script = `rm "$1" "$1.pub"; ssh-keygen -q -t ed25519 -N '' -f "$1"; systemctl restart ssh.service`;
  await on(name, 'sh', '-ec', script, 'sh', FILE);
}

const LAY = `umask 077
cat >"$1.lab"
if cmp -s "$1.lab" "$1"; then rm "$1.lab"; exit; fi
mv "$1.lab" "$1"
ssh-keygen -y -f "$1" >"$1.pub"
systemctl restart ssh.service`;

/** All hosts that are on have the host keys that the lab's known_hosts has, for whoever comes next. */
export async function layHostKeys(): Promise<void> {
  await Promise.allSettled(
    NODES.map(async (name) =>
      host(name, ['sh', '-ec', LAY, 'sh', FILE], { input: await readFile(hostKeyOf(name), 'utf8') }),
    ),
  );
}
