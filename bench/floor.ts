import { SSH_CONFIG } from '../lab/keys.ts';
import { HOSTS } from '../lab/topology.ts';
import type { Contestant } from './measure.ts';

/** One key exchange for all that measure: OpenSSH 9.2's default alone would double the floor. */
export const KEX = ['-o', 'KexAlgorithms=curve25519-sha256'];

const SCRIPT = `
config=$1
shift
pids=
for host; do
  ssh -F "$config" ${KEX.join(' ')} -o ControlMaster=no "$host" true & pids="$pids $!"
done
for pid in $pids; do wait "$pid" || exit 1; done`;

/** Five parallel `ssh host true`, no connection sharing; fails when one fails. */
export const FLOOR: Contestant = { argv: ['sh', '-c', SCRIPT, 'sh', SSH_CONFIG, ...HOSTS.map(({ name }) => name)] };
