# Operations on kernel settings and users.
# In:  arguments of the operation. Out: the change; the old value of a setting is kept (keep.sh).

# sysctl PATH VALUE
set_sysctl() {
  save_sysctl "$1" || return 1
  printf '%s\n' "$2" >"./proc/sys/$1"
}

# user NAME GROUP HOME
make_user() {
  getent group -- "$2" >/dev/null || groupadd --system -- "$2" || return 1
  if getent passwd -- "$1" >/dev/null; then
    usermod --gid "$2" --home "$3" --shell /usr/sbin/nologin -- "$1"
  else
    useradd --system --gid "$2" --home-dir "$3" --no-create-home --shell /usr/sbin/nologin -- "$1"
  fi
}
