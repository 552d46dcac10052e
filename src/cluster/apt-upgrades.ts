import { createHash } from 'node:crypto';
import { linesOf } from '../core/lines.ts';
import type { Answer, Ask } from './gate.ts';

/** `security`: only what comes from a distribution's security archive, as unattended-upgrades tells it; `all`: whatever is newer. */
export type Upgrades = 'security' | 'all';

/** A package that apt would bring to another version; without `from` one that such a package needs anew. */
export interface AptUpgrade {
  name: string;
  from?: string;
  to: string;
}

/**
 * Fixed text; $1 = look or go, $2 = security or all, $3 = SHA-256 of what apt is to do: its lines, as `look` printed them,
 * which can be longer than an argument may be. systemd-run expands ${NAME} in what it is given, so none is in here. `upgrade`
 * takes nothing off and changes nothing that is held. Of security archives alone: all other versions get less weight than
 * what is installed, `a=now` (apt_preferences: the first record that matches counts, one that names a package before it).
 */
const UPGRADE = `set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
preferences=
eval "$(apt-config shell preferences Dir::Etc::Preferences/f)"
[ -r "$preferences" ] && cat "$preferences" >"$work/preferences"
if [ "$2" = security ]; then
  printf '\\nPackage: *\\nPin: release %s\\nPin-Priority: %s\\n' 'l=Debian-Security' 990 'a=*-security' 990 'a=now' 100 'a=*' 1 >>"$work/preferences"
fi
apt() {
  apt-get -y -q --no-install-recommends --with-new-pkgs -o Dir::Etc::Preferences="$work/preferences" \\
    -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef -o APT::Get::AutomaticRemove=false \\
    -o DPkg::Lock::Timeout=120 "$@"
}
: >>"$work/preferences"
if [ "$1" = look ]; then apt-get -qq -o DPkg::Lock::Timeout=120 update >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; exit 1; }; fi
apt --simulate upgrade >"$work/plan" 2>"$work/log" || { tail -n 5 "$work/log" >&2; exit 1; }
sed -n 's/^Inst //p' "$work/plan" | LC_ALL=C sort >"$work/would"
if [ "$1" = look ]; then cat "$work/would"; exit; fi
if [ "$(sha256sum <"$work/would")" != "$3  -" ]; then
  echo 'apt would do something else than when this was planned: run the same command again' >&2
  exit 1
fi
apt upgrade >"$work/log" 2>&1 || { tail -n 25 "$work/log" >&2; exit 1; }
`;

/** dpkg is not cut off when the session is: it goes on in a unit of its own. */
const APART = `if [ -d /run/systemd/system ]; then exec systemd-run --quiet --collect --wait --pipe -- sh -c "$@"; fi
exec sh -c "$@"
`;

/** Reads the lists of packages anew, and tells what apt would do; changes nothing else. */
export function askUpgrades(host: string, which: Upgrades): Ask {
  return { host, argv: ['sh', '-c', UPGRADE, 'sh', 'look', which], long: true };
}

/** Does what the answer to {@link askUpgrades} told, or nothing where it would be something else by now. */
export function upgrade(which: Upgrades, told: string): string[] {
  return ['sh', '-c', APART, 'sh', UPGRADE, 'sh', 'go', which, createHash('sha256').update(told).digest('hex')];
}

/** Of lines such as `libssl3 [3.0.1] (3.0.2 Debian-Security:13/stable-security [amd64])`. */
export function parseUpgrades({ stdout }: Pick<Answer, 'stdout'>): AptUpgrade[] {
  return [...linesOf(stdout.slice(0, MOST_CHARACTERS))].flatMap((line) => {
    const [, name, from, to] = /^(\S+) (?:\[([^\]\s]+)\] )?\((\S+) /.exec(line.slice(0, LONGEST_LINE)) ?? [];
    if (name === undefined || to === undefined) return [];
    return [{ name, ...(from === undefined ? {} : { from }), to }];
  });
}

const MOST_CHARACTERS = 1024 * 1024;
const LONGEST_LINE = 4096;
