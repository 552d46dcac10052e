# Installs packages.
# In:  P:PACKAGE or P:PACKAGE=VERSION, M:UNIT to mask meanwhile, H:PACKAGE to hold afterwards, R:PACKAGE that may be
#      taken off for these, V:PACKAGE that we hold and that changes along with them where they need another one.
# Out: packages installed and held. $state/masked lists units while they are masked, for the stream after one that is
#      killed; $state/apt.log has what apt said.

# install ARG…: in a scope of its own, which outlives the session: dpkg must not be cut off in the middle.
install_apart() {
  if [ -d ./run/systemd/system ]; then
    setsid --wait systemd-run --scope --quiet --collect --description="mcpk installs packages" -- sh "$script" --install "$@"
  else
    sh "$script" --install "$@"
  fi
}

# What `--install` of this script does.
install_packages() {
  local argument='' packages='' masked='' held='' replaced='' moved='' downgrade='' result=0 IFS="$nl"
  for argument; do
    case $argument in P:*=*) downgrade=--allow-downgrades ;; esac
    case $argument in
      P:*) packages=$packages$nl${argument#P:} ;;
      M:*) masked=$masked$nl${argument#M:} ;;
      H:*) held=$held$nl${argument#H:} ;;
      R:*) replaced=$replaced$nl${argument#R:} ;;
      V:*) moved=$moved$nl${argument#V:} ;;
    esac
  done
  finish_dpkg || return 1
  # apt changes nothing that is held, unless it is named; then its hold is gone.
  if [ -n "$moved" ] && ! apt --simulate --allow-change-held-packages $downgrade install -- $packages >/dev/null 2>&1; then
    packages=$packages$moved held=$held$moved
  fi
  if [ -n "$masked" ]; then printf '%s\n' $masked >$state/masked && systemctl mask --runtime --quiet -- $masked; fi
  apt_install >$state/apt.log 2>&1
  result=$?
  if [ $result != 0 ] && grep -Eq 'Unable to locate|no installation candidate|Failed to fetch|not available|was not found|404 ' $state/apt.log; then
    apt update >>$state/apt.log 2>&1
    apt_install >>$state/apt.log 2>&1
    result=$?
  fi
  if [ -n "$masked" ]; then systemctl unmask --runtime --quiet -- $masked && : >$state/masked; fi
  if [ $result = 0 ] && [ -n "$held" ]; then apt-mark hold -- $held >/dev/null || result=1; fi
  [ $result = 0 ] || tail -n 25 $state/apt.log
  return $result
}

# Installs $packages. apt makes room for a package by removing others, and what depends on them: of what is there only
# $replaced may go. A package that is held may be changed where it is among these, to an older version too where one is
# named: another hold is an operator's, and apt keeps it.
apt_install() {
  local name='' removed=''
  if [ -z "$replaced" ]; then
    apt --no-remove --allow-change-held-packages $downgrade install -- $packages
    return
  fi
  removed=$(apt --simulate --allow-change-held-packages $downgrade install -- $packages | sed -n -e 's/^Remv \([^ ]*\).*/\1/p' -e 's/^Purg \([^ ]*\).*/\1/p')
  for name in $removed; do
    case $replaced$nl in
      *"$nl$name$nl"*) ;;
      *)
        echo "E: apt would remove $name, which the plan does not say"
        return 100
        ;;
    esac
  done
  apt --allow-change-held-packages $downgrade install -- $packages
}

# The host's own apt.conf may want more removed than we ask for.
apt() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none \
    apt-get -y -q --no-install-recommends -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef \
    -o APT::Get::Purge=false -o APT::Get::AutomaticRemove=false -o DPkg::Lock::Timeout=120 "$@"
}

# A dpkg that was interrupted leaves files in `updates`, and apt-get refuses to work until they are worked off.
finish_dpkg() {
  local attempt=0
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    set +f
    set -- ./var/lib/dpkg/updates/[0-9]*
    set -f
    [ -e "$1" ] || return 0
    DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a && return 0
    echo "dpkg --configure -a failed (attempt $attempt)"
    sleep 3
  done
  return 1
}
