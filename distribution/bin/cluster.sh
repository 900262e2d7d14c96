#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whole clusters on this machine, on loopback addresses and free ports:
#   cluster.sh start|status|stop|restart|kill CLUSTER [MEMBER...] [--dir DIR] [--timeout SECONDS] [--json]
#
# CLUSTER is a sample (standalone, 2m-noslave, 2m-2s-async, 2m-2s-sync) or a folder of Apache's *.properties
# files, one for each broker; two NameServers come with it. Its files are in DIR (./data/clusters/CLUSTER),
# so that with another DIR the same cluster runs twice.
#   start     starts what does not run, waits until each member is ready and every NameServer knows each
#             broker, and prints who listens where; ports and data are those of the last start. An old master
#             that finds another one of its name (mqadmin switchMaster) runs on without a route: exit code 1
#   status    the same table of a cluster that may run
#             (no route: it runs, but a NameServer does not tell clients of it; no answer: it runs and says
#             nothing; dead: it ended by itself)
#   stop      ends it in order (SIGTERM; SIGKILL when that takes too long); data stays until you delete DIR
#   restart   stop, then start
#   kill      SIGKILL, to see what happens
# --timeout is how long it waits for members to be ready (60), to end (15) or to answer (5, at most).
# With MEMBERs, start, stop, restart and kill touch these only.
# Exit code: 0 done (status: all run), 1 failed (status: not all run), 2 usage.
# Environment: NO_COLOR; ORBITMQ_BIN, the folder of mqbroker and mqnamesrv.
set -euo pipefail

own=$(readlink -f "${BASH_SOURCE[0]}")
orbitmq_home=$(dirname "$(dirname "$own")")
# shellcheck source=distribution/bin/programs.sh
. "$orbitmq_home/bin/programs.sh"
# shellcheck source=distribution/bin/cluster_members.sh
. "$orbitmq_home/bin/cluster_members.sh"

patience=60      # Seconds until a member must be ready.
answer_patience=5 # Seconds that a server has to answer, or `patience` if that is less.
stop_patience=15 # Seconds until a member must have ended; its own deadline is 10.
json=0
verb='' cluster='' dir='' source=''
chosen=()   # The members named on the command line.
members=()  # All of them, NameServers first.
rivals=0     # Whether a member that was started found another master of its name.
unknown=0    # Whether NameServers that were started do not know a broker that ran before.
listening=() # By port: whether somebody listens on it.
answer=()    # By port: what its server answered last; empty when it did not.
given=()     # By port: whether it was chosen for a member.

say() {
  clear_progress
  printf '%s\n' "$*" >&2
}

fail() {
  say "error: $*"
  exit 1
}

usage_error() {
  printf 'error: %s\nusage: %s\n' "$1" "$(sed -n '4s/^# *//p' "$own")" >&2
  exit 2
}

# show_and_fail MEMBER WHAT: with what it printed, or its log where it could print nothing.
show_and_fail() {
  local file=$dir/$1/out
  if [ ! -s "$file" ] && [ -s "$dir/$1/log" ]; then
    file=$dir/$1/log
  fi
  say "--- the end of $file"
  tail -n 8 "$file" >&2 || true
  tell_of_full_disk
  fail "$1 $2"
}

# Neither its output nor its log tell what a member misses that has no room for them.
tell_of_full_disk() {
  ! disk_is_full || say "the disk of $dir is full: what members print and log may be missing there"
}

disk_is_full() {
  local free
  free=$(df -Pk -- "$dir" 2>/dev/null | awk 'END { print $4 }') || return 1
  [[ "$free" =~ ^[0-9]+$ ]] && [ "$free" -lt 1024 ]
}

# quoted WORD: as a shell takes it back.
quoted() {
  local quote="'" escaped="'\\''"
  if [[ "$1" =~ ^[A-Za-z0-9_./:@%+,=-]+$ ]]; then
    printf '%s' "$1"
  else
    printf "'%s'" "${1//$quote/$escaped}"
  fi
}

# read_clock: sets `now`, hundredths of a second that no change of the time of day moves.
read_clock() {
  local uptime
  read -r uptime _ </proc/uptime
  now=$((10#${uptime/./}))
}

# On a terminal one line that changes; elsewhere each member says once that it is ready.
progress() {
  [ -t 2 ] || return 0
  read_clock
  printf '\r\033[K%s (%d s)' "$1" $(((now - began) / 100)) >&2
  progress_shown=1
}
progress_shown=0
read_clock
began=$now

clear_progress() {
  [ "$progress_shown" = 0 ] || printf '\r\033[K' >&2
  progress_shown=0
}

is_patient() {
  read_clock
  [ $((now - began)) -lt $((patience * 100)) ]
}

within_patience() {
  is_patient || show_and_fail "$1" "$2 within $patience s (--timeout)"
}

sample_names() {
  local path
  for path in "$orbitmq_home"/conf/*/; do basename "$path"; done | paste -sd' '
}

# ---- what there is

read_dir() {
  [ -n "$1" ] || usage_error "--dir needs a folder, not an empty word"
  dir=$1
}

# read_words ARGUMENT...: the command line.
read_words() {
  local word
  while [ "$#" -gt 0 ]; do
    word=$1
    shift
    case "$word" in
      -h | --help)
        sed -n '3,/^set /{/^set /d;s/^# \{0,1\}//p}' "$own"
        exit 0
        ;;
      --json) json=1 ;;
      --dir | --timeout)
        [ "$#" -gt 0 ] || usage_error "$word needs a value"
        [ "$word" = --dir ] && read_dir "$1"
        [ "$word" = --timeout ] && patience=$1 stop_patience=$1
        shift
        ;;
      --dir=*) read_dir "${word#*=}" ;;
      --timeout=*) patience=${word#*=} stop_patience=${word#*=} ;;
      -*) usage_error "unknown option '$word'" ;;
      *)
        if [ -z "$verb" ]; then
          verb=$word
        elif [ -z "$cluster" ]; then
          cluster=$word
        else
          chosen+=("$word")
        fi
        ;;
    esac
  done
  case "$verb" in
    start | status | stop | restart | kill) ;;
    '') usage_error "what is to be done?" ;;
    *) usage_error "unknown command '$verb'" ;;
  esac
  [[ "$patience" =~ ^[1-9][0-9]{0,4}$ ]] || usage_error "--timeout: '$patience' is no number of seconds"
  [ "$patience" -ge "$answer_patience" ] || answer_patience=$patience
}

# find_cluster: sets `source`, the folder of its configuration files, and `dir`, where it lives.
find_cluster() {
  [ -n "$cluster" ] || usage_error "which cluster? Samples: $(sample_names)"
  if [[ "$cluster" =~ ^[A-Za-z0-9._-]+$ ]] && [ -d "$orbitmq_home/conf/$cluster" ]; then
    source=$orbitmq_home/conf/$cluster
  elif [ -d "$cluster" ]; then
    source=$(readlink -f "$cluster")
    cluster=$(basename "$source")
  else
    say "error: there is no cluster '$cluster': neither a sample ($(sample_names)) nor a folder of" \
      "*.properties files"
    exit 2
  fi
  dir=${dir:-data/clusters/$cluster}
  # Commas separate the settings of --set.
  case "$dir" in *,* | *$'\n'*) usage_error "--dir: '$dir' holds a comma or a line break" ;; esac
  dir=$(realpath -m -- "$dir")
}

# add_member NAME ROLE
add_member() {
  members+=("$1")
  [ "$verb" = start ] || [ "$verb" = restart ] || return 0
  mkdir -p "$dir/$1" || fail "cannot make $dir/$1"
  keep "$1" role "$2"
}

# claim_folder: `dir` must be this cluster's, or new. An empty `cluster` is what a full disk left.
claim_folder() {
  local owner
  if [ -s "$dir/cluster" ]; then
    read -r owner <"$dir/cluster" || true
    [ "$owner" = "$source" ] || fail "$dir holds the cluster of $owner, not of $source; choose another --dir"
    return 0
  fi
  [ -e "$dir/cluster" ] || [ -z "$(ls -A -I cluster.new "$dir" 2>/dev/null)" ] ||
    fail "$dir exists and was not made by cluster.sh; choose another --dir"
  mkdir -p "$dir" || fail "cannot make $dir; choose another folder with --dir"
  place "$dir/cluster" < <(printf '%s\n' "$source") || fail "cannot write into $dir"
}

# copy_options FILE MEMBER: the member's broker.conf, a copy, because the broker writes options into it that
# are changed while it runs. A role of its own is what mqadmin switchMaster wrote; a copy that lacks what says
# who the broker is was cut short, and would make it a master named after this machine.
copy_options() {
  local to=$dir/$2/broker.conf key
  if [ ! -s "$to" ]; then
    place "$to" <"$1" || fail "cannot copy $1 to $to"
    return
  fi
  for key in brokerClusterName brokerName brokerId brokerRole; do
    [ -z "$(option_of "$1" "$key")" ] || [ -n "$(option_of "$to" "$key")" ] ||
      fail "$to sets no $key, but $1, of which it is a copy, does: was it cut short?" \
        "Delete it to have it made anew"
  done
}

# refuse_doubles FILE...: two brokers of one name and id would be rivals, and one of them would serve nobody.
refuse_doubles() {
  local file broker id
  local -A file_of=()
  for file in "$@"; do
    broker=$(option_of "$file" brokerName)
    id=$(option_of "$file" brokerId)
    [ -z "${file_of[$broker/${id:-0}]:-}" ] ||
      fail "${file_of[$broker/${id:-0}]} and $file both have brokerName=$broker and brokerId=${id:-0}:" \
        "a master has the id 0, its slaves have others, and another broker another name"
    file_of[$broker/${id:-0}]=$file
  done
}

# find_members: who belongs to the cluster, masters before slaves; makes their folders for a start.
find_members() {
  local file name role files=() slaves=()
  for file in "$source"/*.properties "$source"/*.conf; do
    if [ ! -f "$file" ]; then
      continue
    elif [ "$(option_of "$file" brokerRole)" = SLAVE ]; then
      slaves+=("$file")
    else
      files+=("$file")
    fi
  done
  files+=("${slaves[@]}")
  [ "${#files[@]}" -gt 0 ] || fail "$source holds no *.properties or *.conf file of a broker"
  case "$verb" in start | restart) refuse_doubles "${files[@]}" ;; esac
  if [ "$source" != "$orbitmq_home/conf/standalone" ]; then
    add_member namesrv-1 NameServer
    add_member namesrv-2 NameServer
  fi
  for file in "${files[@]}"; do
    name=$(basename "${file%.*}")
    [[ "$name" =~ ^[A-Za-z0-9._-]+$ ]] ||
      fail "$file: the name of a member holds letters, digits, '.', '_' and '-' only"
    role=master
    [[ " ${slaves[*]} " != *" $file "* ]] || role=slave
    [ "$source" != "$orbitmq_home/conf/standalone" ] || name=standalone role=standalone
    add_member "$name" "$role"
    case "$verb" in start | restart) copy_options "$file" "$name" ;; esac
  done
  for name in "${chosen[@]}"; do
    [[ " ${members[*]} " == *" $name "* ]] ||
      usage_error "cluster $cluster has no member '$name'; there are: ${members[*]}"
  done
  [ "${#chosen[@]}" -gt 0 ] || chosen=("${members[@]}")
}

is_broker() {
  [ "$(member_file "$1" role)" != NameServer ]
}

# namesrv_ports all|running: one a line.
namesrv_ports() {
  local member
  for member in "${members[@]}"; do
    [ "$1" = all ] || member_pid "$member" >/dev/null || continue
    case "$(member_file "$member" role)" in
      NameServer) member_file "$member" port ;;
      standalone) member_file "$member" namesrv-port ;;
    esac
  done
}

namesrv_addresses() {
  namesrv_ports all | sed "s/^/$HOST:/" | paste -sd';'
}

# ---- what is done

# take_lock: one cluster.sh at a time on one cluster.
take_lock() {
  exec 7>>"$dir/lock" || fail "cannot write $dir/lock"
  flock -n 7 || fail "another cluster.sh is at work on $dir; wait for its end"
}

# take_port_lock: two clusters that start at the same time must not choose the same ports.
take_port_lock() {
  exec 8>>"${TMPDIR:-/tmp}/orbitmq-ports-$(id -u).lock" || fail "cannot write to ${TMPDIR:-/tmp}"
  flock -n 8 && return 0
  progress "waiting for the start of another cluster"
  flock -w "$patience" 8 || fail "another cluster has been starting for $patience s (--timeout); is it stuck?"
}

# start_members MEMBER...: ports, processes, boot lines.
start_members() {
  local member
  [ "$#" -gt 0 ] || return 0
  for member in "$@"; do
    give_ports "$member"
    launch "$member"
  done
  for member in "$@"; do
    await_boot "$member"
    [ -t 2 ] || say "$member listens on $HOST:$(member_file "$member" port)"
  done
}

start() {
  local member namesrvs=() brokers=()
  read_clock
  began=$now
  mqbroker=$(orbitmq_program mqbroker) || exit 1
  mqnamesrv=$(orbitmq_program mqnamesrv) || exit 1
  for member in "${chosen[@]}"; do
    if member_pid "$member" >/dev/null; then
      continue
    elif is_broker "$member"; then
      brokers+=("$member")
    else
      namesrvs+=("$member")
    fi
  done
  if [ $((${#namesrvs[@]} + ${#brokers[@]})) -eq 0 ]; then
    fail "${chosen[*]} of cluster $cluster in $dir: already running. To see it: cluster.sh status;" \
      "to run it a second time: --dir DIR"
  fi
  trap 'clear_progress; end_launched' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  take_port_lock
  read_listening_ports
  start_members "${namesrvs[@]}"
  start_members "${brokers[@]}"
  exec 8>&-
  if [ -n "$(namesrv_ports running)" ]; then
    for member in "${brokers[@]}"; do await_registration "$member"; done
    [ "${#namesrvs[@]}" -eq 0 ] || await_others
    # Now: whoever started first has learned of it only when the other one came.
    for member in "${brokers[@]}"; do
      ! has_rival "$member" || { tell_of_rival "$member" && rivals=1; }
    done
  fi
  trap - EXIT INT TERM HUP
  clear_progress
  tell_of_full_disk
}

# await_others: the brokers that ran already are to be known to NameServers that were started just now.
await_others() {
  local member
  for member in "${members[@]}"; do
    is_broker "$member" || continue
    until ask_name_servers && is_registered "$member"; do
      if ! member_pid "$member" >/dev/null || has_rival "$member"; then
        break
      elif ! is_patient; then
        say "warning: $member ran before, and is not known to every NameServer within $patience s (--timeout)"
        unknown=1
        break
      fi
      progress "waiting for $member to be known"
      sleep 0.05
    done
  done
}

# stop: brokers first, so that they can say goodbye to the NameServers.
stop() {
  local member namesrvs=() brokers=() slow=0
  for member in "${chosen[@]}"; do
    if is_broker "$member"; then brokers+=("$member"); else namesrvs+=("$member"); fi
  done
  for member in "${brokers[@]}"; do signal_member "$member" TERM; done
  await_end "$stop_patience" "${brokers[@]}" || slow=1
  for member in "${namesrvs[@]}"; do signal_member "$member" TERM; done
  await_end "$stop_patience" "${namesrvs[@]}" || slow=1
  clear_progress
  return "$slow"
}

kill_members() {
  local member
  for member in "${chosen[@]}"; do signal_member "$member" KILL; done
  await_end 10 "${chosen[@]}" || true
  clear_progress
}

# ---- what is told

# state_of MEMBER: running, no route, no answer, stopped or dead, as the head of this file says; by the last
# answers of the servers.
state_of() {
  local port
  port=$(member_file "$1" port)
  if ! member_pid "$1" >/dev/null; then
    if [ -e "$dir/$1/pid" ]; then echo dead; else echo stopped; fi
  elif [ -z "${answer[${port:-0}]:-}" ]; then
    echo "no answer"
  elif is_broker "$1" && ! is_registered "$1" silent; then
    echo "no route"
  else
    echo running
  fi
}

address_of() {
  local port
  port=$(member_file "$1" port)
  [ -z "$port" ] || printf '%s:%s\n' "$HOST" "$port"
}

json_text() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# json_metrics MEMBER: its element, if it shows figures.
json_metrics() {
  local at
  at=$(metrics_address "$1")
  [ -z "$at" ] || printf ',"metrics":"%s"' "$at"
}

print_json() {
  local member between=
  printf '{"cluster":%s,"dir":%s,"running":%s,"namesrvAddr":%s,"members":[' "$(json_text "$cluster")" \
    "$(json_text "$dir")" "$([ "$1" = 0 ] && echo true || echo false)" "$(json_text "$(namesrv_addresses)")"
  for member in "${members[@]}"; do
    printf '%s{"name":"%s","role":"%s","state":"%s","address":"%s","pid":%s%s}' "$between" "$member" \
      "$(role_of "$member")" "${state[$member]}" "$(address_of "$member")" \
      "$(member_pid "$member" || echo null)" "$(json_metrics "$member")"
    between=,
  done
  printf ']}\n'
}

# paint STATE: padded, and green or red on a terminal.
paint() {
  local colour=32
  [ "$1" = running ] || colour=31
  if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    printf '\033[%dm%-9s\033[0m' "$colour" "$1"
  else
    printf '%-9s' "$1"
  fi
}

print_table() {
  local member format='%-14s %-10s %s %-21s %s\n'
  printf 'Cluster %s in %s\n\n' "$cluster" "$dir"
  # shellcheck disable=SC2059 # One format for head and rows.
  printf "$format" MEMBER ROLE "$(printf %-9s STATE)" "LISTENS ON" PID
  for member in "${members[@]}"; do
    # shellcheck disable=SC2059
    printf "$format" "$member" "$(role_of "$member")" "$(paint "${state[$member]}")" \
      "$(address_of "$member")" "$(member_pid "$member" || true)"
    if [ "$(member_file "$member" role)" = standalone ]; then
      printf '%-14s %-10s %-9s %s\n' '' NameServer '' "$HOST:$(member_file "$member" namesrv-port)"
    fi
    if shows_metrics "$member"; then
      printf '%-14s %-10s %-9s %s\n' '' metrics '' "http://$(metrics_address "$member")/metrics"
    fi
  done
}

# to_type PROGRAM: how to call a program of this installation from here.
to_type() {
  local path
  path=$(orbitmq_program "$1" 2>/dev/null) || path=$1
  if [ "$(readlink -f "$(command -v "$1" || true)")" = "$(readlink -f "$path")" ]; then
    printf '%s\n' "$1"
  else
    quoted "$(realpath --relative-base "$PWD" -- "$path")"
  fi
}

print_next() {
  local named=$cluster
  [ "$source" = "$orbitmq_home/conf/$cluster" ] || named=$source
  named=$(quoted "$named")
  [ "$dir" = "$(realpath -m "data/clusters/$cluster")" ] || named+=" --dir $(quoted "$dir")"
  printf '\nNext:\n'
  printf "  %s clusterList -n '%s'\n" "$(to_type mqadmin)" "$(namesrv_addresses)"
  printf "  %s --mode e2e --rate 5000 --seconds 5 --namesrv '%s'\n" "$(to_type mqperf)" "$(namesrv_addresses)"
  printf '  %s stop %s\n' "$(quoted "$0")" "$named"
}

# report: the table or its JSON; fails when not all run.
report() {
  local member wrong=0
  declare -A state=()
  ask_members
  for member in "${members[@]}"; do
    state[$member]=$(state_of "$member")
    [ "${state[$member]}" = running ] || wrong=1
  done
  if [ "$json" = 1 ]; then print_json "$wrong"; else print_table; fi
  return "$wrong"
}

main() {
  local code=0
  # Whoever closed one wants to hear nothing; and no other file may get its number.
  { : 9>&2; } 2>/dev/null || exec 2>/dev/null
  { : 9>&1; } 2>/dev/null || exec 1>/dev/null
  read_words "$@"
  find_cluster
  case "$verb" in
    start | restart) claim_folder ;;
    *) [ -e "$dir/cluster" ] || fail "no cluster was ever started in $dir; is it another --dir?" ;;
  esac
  find_members
  if [ "$verb" = status ]; then
    report || code=1
    exit "$code"
  fi
  take_lock
  case "$verb" in
    stop) stop || code=1 ;;
    kill) kill_members ;;
    restart)
      stop || code=1
      start
      ;;
    start) start ;;
  esac
  [ "$rivals$unknown" = 00 ] || code=1
  case "$verb" in
    start | restart)
      # Of a cluster that was started in part, the others may be down.
      report || true
      [ "$json" = 1 ] || print_next
      ;;
    *)
      [ "$json" = 0 ] || report || true
      ;;
  esac
  exit "$code"
}

main "$@"
