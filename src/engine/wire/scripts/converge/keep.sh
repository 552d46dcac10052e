# Keeps what a stream is about to change, so that it can go back (undo.sh).
# In:  paths, kernel settings and units, each before its first change; RUN and STAGE of the stream.
# Out: the folder generations/RUN/STAGE/ (`generation`) with what was replaced or removed, and beside it the undo
#      list STAGE.undo (its lines are in `noted` too), with a line for each thing, written before that thing is done:
#        kept PATH                           its old state lies in the folder
#        made PATH                           it was not there
#        grown PATH                          it was not there, and a whole tree was put there
#        access MODE UID:GID PATH            it had these
#        folder MODE UID:GID PATH            it was there, a folder with nothing in it
#        sysctl PATH VALUE                   the kernel setting had this value
#        unit NAME ENABLED ACTIVE RESTART RELOAD   as it was before the stream; the last two are the digests of its stamp
#                                            (units.sh), `-` without one
#        did NAME ACTION SECONDS             what was done to the unit, and how long that may take
#        restores RUN                        the stream put back what that run had changed in this stage

# note LINE: into the undo list. A line that is there is not written again: a restore may be killed and begun once more.
note() {
  case $nl$noted$nl in *"$nl$1$nl"*) return 0 ;; esac
  noted=$noted$nl$1
  to_sync "$generation.undo"
  printf '%s\n' "$1" >>"$generation.undo"
}

# open_generation RUN
open_generation() {
  generation=$state/generations/$1/$stage noted=
  mkdir -p "$generation" || return 1
  if [ -s "$generation.undo" ]; then noted=$(cat "$generation.undo"); else : >"$generation.undo"; fi
}

# True where the undo list already has the path's state before this stream, by itself or as part of a tree: what is there
# now was made by this stream and is not worth keeping.
is_saved() {
  local above="$1"
  case $nl$noted$nl in *"${nl}made $1$nl"*) return 0 ;; esac
  while [ "$above" != . ]; do
    case $nl$noted$nl in *"${nl}kept $above$nl"* | *"${nl}grown $above$nl"*) return 0 ;; esac
    above=${above%/*}
  done
  return 1
}

# save PATH…: as hard links, which take no room; as copies where the generations lie in another file system.
save() {
  local path='' present='' IFS="$nl"
  for path; do
    if is_saved "$path"; then continue; fi
    if [ -e "$path" ] || [ -L "$path" ]; then
      present=$present$nl$path
    else
      note "made $path" || return 1
    fi
  done
  [ -n "$present" ] || return 0
  set -- $present
  cp -a --link --parents -- "$@" "$generation/" 2>/dev/null ||
    cp -a --remove-destination --parents -- "$@" "$generation/" || return 1
  for path; do
    note "kept $path" || return 1
  done
}

# save_access PATH: mode and owner. A file may have a second name in a generation (a stream was ended after `save`), and
# both names would get the new mode: then the live one becomes a copy first.
save_access() {
  local mode='' owner='' links=''
  IFS=' ' read -r mode owner links <<END
$(stat -c '%a %u:%g %h' -- "$1")
END
  [ -n "$links" ] || return 1
  if [ "$links" -gt 1 ] && [ -f "$1" ] && [ ! -L "$1" ]; then
    new_temp "${1%/*}/.${1##*/}.mcpk" && cp -a -- "$1" "$temp" && mv -fT -- "$temp" "$1" || return 1
  fi
  case $nl$noted in *"${nl}access "*" $1$nl"*) return 0 ;; esac
  note "access $mode $owner $1"
}

# save_folder PATH: one that is about to be removed because nothing is in it.
save_folder() {
  local access=''
  access=$(stat -c '%a %u:%g' -- "$1") && note "folder $access $1"
}

# save_sysctl PATH: by `cat`, not the shell's own `read`. That takes a byte a call, and the kernel answers the first only.
save_sysctl() {
  case $nl$noted in *"${nl}sysctl $1 "*) return 0 ;; esac
  [ ! -e "./proc/sys/$1" ] || note "sysctl $1 $(cat "./proc/sys/$1")"
}

# save_units NAME…: all in one question.
save_units() {
  local answer='' property='' name='' enabled='' active='' invocation=''
  answer=$(systemctl show --property=Id,UnitFileState,ActiveState,InvocationID -- "$@" 2>/dev/null)
  while IFS= read -r property; do
    case $property in
      Id=*) name=${property#*=} ;;
      UnitFileState=*) enabled=${property#*=} ;;
      ActiveState=*) active=${property#*=} ;;
      InvocationID=*) invocation=${property#*=} ;;
      '')
        [ -z "$name" ] || save_unit "$name" "${enabled:--} ${active:--}" "$invocation" || return 1
        name='' enabled='' active='' invocation=''
        ;;
    esac
  done <<END
$answer

END
}

# save_unit NAME 'ENABLED ACTIVE' INVOCATION. A stamp that tells of another start than this one counts as none.
save_unit() {
  local restart='' reload_digest='' stamped=''
  case $nl$noted in *"${nl}unit $1 "*) return 0 ;; esac
  if [ -r "./run/mcpk/stamps/$1" ]; then IFS=' ' read -r restart reload_digest stamped <"./run/mcpk/stamps/$1"; fi
  if [ -n "$stamped" ] && [ "$stamped" = "$3" ]; then
    note "unit $1 $2 $restart $reload_digest"
  else
    note "unit $1 $2 - -"
  fi
}
