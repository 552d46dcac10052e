# The entry: reads a request and does what it says.
# In:  the script's arguments: BODY FENCE, or --install ARG… (packages.sh), or --deadman FOLDER (deadman.sh).
# Out: what head.sh says.

# operate NAME ARG…: one operation. This is the one place where a word of the request chooses what is called.
operate() {
  local name="$1"
  shift
  case $name in
    cut) cut_out "$@" ;;
    chown) chown -h -- "$@" ;;
    chmod) chmod -- "$@" ;;
    sync) sync_all "$@" ;;
    save) save "$@" ;;
    check) check_file "$@" ;;
    rename) rename_over "$@" ;;
    access) set_access "$@" ;;
    mkdir) make_directory "$@" ;;
    link) link_to "$@" ;;
    remove) remove "$@" ;;
    destroy) destroy "$@" ;;
    rmdir) remove_empty_directory "$@" ;;
    install) install_apart "$@" ;;
    sysctl) set_sysctl "$@" ;;
    modprobe) modprobe -- "$@" ;;
    user) make_user "$@" ;;
    run) timeout -k 5 600 "$@" ;;
    daemon-reload) reload=1 ;;
    unit) control_unit "$@" ;;
    stamp) stamp_unit "$@" ;;
    units) save_units "$@" ;;
    restore) restore "$@" ;;
    arm) arm_deadman "$@" ;;
    *)
      echo "unknown operation $name"
      return 1
      ;;
  esac
}

# Reads the tagged lines. A line is a letter, a blank and the rest; wire-tags.ts is the table of letters.
converge() {
  local lines='' line='' rest='' size='' separator='' before='' expected='' name='' argument='' pending='' IFS="$nl"
  IFS=' ' read -r _ size separator run stage <"$body"
  lines=$(head -c "$size" -- "$body")
  cd "${MCPK_ROOT:-/}" || exit 1
  read_clock
  began=$clock
  trap interrupted TERM INT HUP
  for line in $lines; do
    rest=${line#??}
    case $line in
      # Who runs mcpk, and lines for the journal.
      'R '*) caller=$rest ;;
      'j '*) notes=$notes$nl$rest ;;
      # What the plan saw: the paths, and what was there.
      'P '*) before=$rest ;;
      'x '*) expected=$expected$nl$rest ;;
      # The request has said what must hold: look at it, then begin.
      '! ')
        check_fence
        settle_deadmen >/dev/null 2>&1
        [ -z "$before" ] || check_preconditions "$separator" "$before" "$expected"
        begin_stage
        forget_leftovers
        ;;
      # NUMBER REF: the step that the operations below are for, until the next such line; what fails there counts as its
      # failure. `w`: they make it ready, before a step of its group begins. `S`: it begins; `e` ends it.
      'w '* | 'S '*)
        number=${rest%% *}
        ref=${rest#* }
        check_fence
        case $line in 'S '*) journal "begin $stage $ref" ;; esac
        ;;
      'e ') end_step ;;
      # Syncs what steps have changed so far, and tells that these are done.
      'f ') settle 2>$log || fail ;;
      # An operation: its name, its arguments (`+` goes on with one that has line breaks), its end.
      'o '*)
        name=$rest
        pending=
        set --
        ;;
      'a '*)
        [ -n "$pending" ] && set -- "$@" "$argument"
        argument=$rest
        pending=1
        ;;
      '+ '*) argument=$argument$nl$rest ;;
      '. ')
        [ -n "$pending" ] && set -- "$@" "$argument"
        operate "$name" "$@" </dev/null >$log 2>&1 || fail
        [ -z "$report" ] || emit restored "${report#"$nl"}"
        report=
        ;;
      # The stage is over.
      'Z ') end_stage >$log 2>&1 || fail ;;
      # There is no stage, only notes for the journal.
      'n ')
        check_fence
        open_run || exit 15
        ;;
      # The run is over on this host.
      'Q ')
        check_fence
        close_run || exit 15
        ;;
    esac
  done
}

# main ARG…
main() {
  case $0 in /*) script=$0 ;; *) script=$PWD/$0 ;; esac
  case $1 in
    --install)
      shift
      cd "${MCPK_ROOT:-/}" && install_packages "$@"
      ;;
    --deadman) fire_deadman "$2" ;;
    *)
      case $1 in /*) body=$1 ;; *) body=$PWD/$1 ;; esac
      fence=${2-}
      converge
      exit 0
      ;;
  esac
}

main "$@"
