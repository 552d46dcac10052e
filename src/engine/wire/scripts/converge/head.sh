# shellcheck shell=dash
# Changes a host for mcpk: `sh converge BODY FENCE`. The parts in this folder are joined to one script (scripts.ts),
# main.sh last; each part's first lines say what it takes and what it leaves behind.
#
# In:  BODY, a file that wire-converge.ts writes. Its first line is `converge SIZE SEPARATOR RUN STAGE`: the first SIZE
#      bytes are tagged lines (main.sh), behind them lie the contents of files. FENCE is the number of the lock under
#      which this runs; where it is '', the lock is not looked at.
# Out: records on standard output: `KIND WORD… SIZE`, a line break, SIZE bytes. KIND is event (a step ended), restored,
#      stale or fenced. Exit: 0 done, 13 another run took the lock, 15 an operation failed, 17 the host is not as the
#      plan saw it, and nothing was changed.
#
# BODY is data: words in it become arguments and file names, never code. Paths are relative (`./etc/hosts`), so that
# tests can run this in a scratch root (MCPK_ROOT) and no path looks like an option.
# shellcheck disable=SC2086 # lists are split on purpose; globbing is off
set -fu
export LC_ALL=C
umask 077

# Constants.
nl='
'
state=./var/lib/mcpk

# What was asked; set once, by main.sh.
script='' body='' fence='' run='' stage='' caller='' notes=''

# The step (the operations of one resource) that is worked on: its number, its name, when it began (ms since boot).
number=0 ref='' began=0
# Where programs' words go while an operation runs: the end of it is sent when it fails.
log=/dev/null

# What one part leaves for another, each explained where it is set.
epoch='' generation='' noted='' temps='' unsynced='' landed='' reload='' report=''

# Answers of functions (read_clock, new_temp): a subshell would cost a process.
clock=0 temp=''
