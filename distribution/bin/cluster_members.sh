# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Sourced by cluster.sh: the processes and ports of one cluster, which lives in $dir. Each member has a folder
# DIR/MEMBER with
#   role   NameServer, master, slave or standalone
#   port   the port it listens on, kept for the next start; `namesrv-port` beside it for a standalone server
#   pid    process id and the kernel's start time of it, so that a recycled id is never taken for a member;
#          `last-pid` once it was stopped, so that the next start needs no room on the disk for it
#   out    what it printed since its last start
#   log    what it logs, in files of their own that rotate; `log-begin`: how long it was before that start
# and, for brokers, broker.conf (a copy: the options changed at run time are written there), data/ and, with
# metricsExporterType=PROM, `metrics-port`.

readonly HOST=127.0.0.1
# A member that finds its port taken by somebody who was quicker gets another one, so often.
readonly PORT_TRIES=5

# start_time PID: what tells two processes with the same id apart; nothing when there is no such process.
start_time() {
  local line
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  line=${line##*) } # The name in front may hold blanks.
  # shellcheck disable=SC2086 # It is to be split.
  set -- $line
  [ "$1" != Z ] || return 1
  printf '%s\n' "${20}"
}

# member_pid MEMBER: its process id, if it runs. What this call started may not be in the file yet.
member_pid() {
  local pid='' began=''
  if [ -n "${process[$1]:-}" ]; then
    pid=${process[$1]%% *} began=${process[$1]#* }
  else
    { read -r pid began <"$dir/$1/pid"; } 2>/dev/null || return 1
  fi
  [ -n "$began" ] && [ "$(start_time "$pid")" = "$began" ] || return 1
  printf '%s\n' "$pid"
}

# member_file MEMBER NAME: the first line of a file of its folder; empty without it.
member_file() {
  local line=''
  { read -r line <"$dir/$1/$2"; } 2>/dev/null || true
  printf '%s\n' "$line"
}

# place FILE: makes or replaces it with what standard input holds, whole or not at all.
place() {
  cat >"$1.new" && mv -f -- "$1.new" "$1" && return 0
  rm -f -- "$1.new"
  return 1
}

# keep MEMBER NAME LINE: a file of its folder; what is there already needs no room on the disk.
keep() {
  [ "$(member_file "$1" "$2")" = "$3" ] || place "$dir/$1/$2" < <(printf '%s\n' "$3") ||
    fail "cannot write $dir/$1/$2"
}

# read_listening_ports: sets `listening`, the ports that somebody listens on, whoever it is.
read_listening_ports() {
  local hex
  listening=()
  while read -r hex; do
    listening[16#$hex]=1
  done < <(awk '$4 == "0A" { n = split($2, at, ":"); print at[n] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
}

# ports_are_free PORT...: none is listened on or given to another member of this start.
ports_are_free() {
  local port
  for port in "$@"; do
    [ -z "${listening[$port]:-}" ] && [ -z "${given[$port]:-}" ] || return 1
  done
}

# ports_of_broker PORT: what a broker listens on: for old clients, for clients, for slaves.
ports_of_broker() {
  printf '%s\n' $(($1 - 2)) "$1" $(($1 + 1))
}

# choose_port namesrv|broker|metrics WANTED: sets `port` to WANTED if that is free, else to the first free one
# from Apache's usual port on.
choose_port() {
  local kind=$1 wanted=$2 step=1 first=9876 set candidate
  case "$kind" in
    broker) step=10 first=10911 ;;
    metrics) first=5557 ;;
  esac
  for candidate in ${wanted:+"$wanted"} $(seq "$first" "$step" $((first + 2000 * step))); do
    set=$candidate
    [ "$kind" != broker ] || set=$(ports_of_broker "$candidate")
    # shellcheck disable=SC2086 # One word for each port.
    if ports_are_free $set; then
      for port in $set; do given[port]=1; done
      port=$candidate
      return 0
    fi
  done
  fail "no port is free from $first on; stop other clusters first"
}

# keep_port MEMBER FILE namesrv|broker|metrics: gives it the port of its last start if that is still free.
keep_port() {
  local before
  before=$(member_file "$1" "$2")
  choose_port "$3" "$before"
  if [ -n "$before" ] && [ "$before" != "$port" ]; then
    say "$1: port $before is taken by another process now, it gets $port"
  fi
  keep "$1" "$2" "$port"
}

# fixed_port MEMBER: the listenPort of its configuration file, if there is one.
fixed_port() {
  option_of "$dir/$1/broker.conf" listenPort
}

# option_of FILE KEY: the value of the last line that sets it, as in Java's properties.
option_of() {
  sed -n "s/^[[:space:]]*$2[[:space:]]*[=:][[:space:]]*\([^[:space:]]*\).*/\1/p" "$1" 2>/dev/null | tail -n 1
}

# broker_name MEMBER: the name that it shares with its slaves.
broker_name() {
  option_of "$dir/$1/broker.conf" brokerName
}

# give_broker_ports MEMBER: its port, which an Apache file that names one decides itself.
give_broker_ports() {
  local wanted set
  wanted=$(fixed_port "$1")
  if [ -z "$wanted" ]; then
    keep_port "$1" port broker
    return
  fi
  [[ "$wanted" =~ ^[1-9][0-9]{0,4}$ ]] || fail "$1: listenPort=$wanted in $dir/$1/broker.conf is no port"
  set=$(ports_of_broker "$wanted")
  # shellcheck disable=SC2086 # One word for each port.
  ports_are_free $set || fail "$1: port $wanted, which listenPort in $dir/$1/broker.conf asks for," \
    "or one next to it is in use; stop what uses it or remove the line"
  for port in $set; do given[port]=1; done
  keep "$1" port "$wanted"
}

# shows_metrics MEMBER: whether it serves figures for Prometheus.
shows_metrics() {
  [ "$(option_of "$dir/$1/broker.conf" metricsExporterType)" = PROM ]
}

# metrics_address MEMBER: where; nothing when it does not.
metrics_address() {
  ! shows_metrics "$1" || printf '%s:%s\n' "$HOST" "$(member_file "$1" metrics-port)"
}

# give_ports MEMBER: chooses where it will listen.
give_ports() {
  # The default, and what files for machines of their own name, is one port for all.
  ! shows_metrics "$1" || keep_port "$1" metrics-port metrics
  case "$(member_file "$1" role)" in
    NameServer) keep_port "$1" port namesrv ;;
    standalone)
      keep_port "$1" namesrv-port namesrv
      give_broker_ports "$1"
      ;;
    *) give_broker_ports "$1" ;;
  esac
}

# role_of MEMBER: what it is now: a broker's role may have been changed since the sample was copied.
role_of() {
  local role
  role=$(member_file "$1" role)
  case "$role" in
    master | slave)
      role=master
      [ "$(option_of "$dir/$1/broker.conf" brokerRole)" != SLAVE ] || role=slave
      ;;
  esac
  printf '%s\n' "$role"
}

# command_of MEMBER: sets `words` to what starts it.
command_of() {
  local home=$dir/$1 at broker
  at="listenPort=$(member_file "$1" port),bindAddress=$HOST"
  # A file for machines of their own may name the same log directory, port or master for all.
  broker="$at,brokerIP1=$HOST,brokerIP2=$HOST,storePathCommitLog=,haListenPort=0,haMasterAddress="
  ! shows_metrics "$1" ||
    broker+=",metricsPromExporterHost=$HOST,metricsPromExporterPort=$(member_file "$1" metrics-port)"
  case "$(member_file "$1" role)" in
    NameServer)
      words=("$mqnamesrv" --set "$at,kvConfigPath=$home/kvConfig.json" --log "$home/log")
      ;;
    standalone)
      words=("$mqbroker" --standalone --namesrv_port "$(member_file "$1" namesrv-port)")
      words+=(-c "$home/broker.conf" --data-dir "$home/data" --set "$broker" --log "$home/log")
      ;;
    *)
      words=("$mqbroker" -c "$home/broker.conf" -n "$(namesrv_addresses)" --data-dir "$home/data")
      words+=(--set "$broker" --log "$home/log")
      ;;
  esac
}

launched=() # By this call.
declare -A process=() # By member launched: process id and start time.
newest='' newest_before='' # The member that is being launched; $! in front of it.

# launch MEMBER: starts its process, which outlives this script.
launch() {
  local words pid
  command_of "$1"
  # On a full disk this may fail; the whole log is looked at then.
  { stat -c %s "$dir/$1/log" >"$dir/$1/log-begin" || echo 0 >"$dir/$1/log-begin" || true; } 2>/dev/null
  # An interruption may come at any moment: end_launched finds the process by `process`, or, when it was born
  # just now, by what changed in $!.
  launched+=("$1")
  newest=$1 newest_before=${!:-}
  # Its own session, so that Ctrl-C here does not reach it; the locks of this script stay here.
  setsid "${words[@]}" >"$dir/$1/out" 2>&1 </dev/null 7>&- 8>&- &
  pid=$!
  process[$1]="$pid $(start_time "$pid")"
  newest=
  disown # Bash need not tell how it ended.
  mv -f "$dir/$1/last-pid" "$dir/$1/pid" 2>/dev/null || true
  # In its place, and as long as the last one.
  printf '%-31s\n' "${process[$1]}" 1<>"$dir/$1/pid" || {
    kill -KILL "$pid"
    tell_of_full_disk
    fail "cannot write $dir/$1/pid"
  }
}

# shellcheck disable=SC2317 # A trap calls it.
end_launched() {
  local member
  [ -z "$newest" ] || [ "${!:-}" = "$newest_before" ] || process[$newest]="$! $(start_time "$!")"
  for member in "${launched[@]}"; do signal_member "$member" KILL; done
  [ "${#launched[@]}" -eq 0 ] || await_end 10 "${launched[@]}" || true
}

# has_booted MEMBER: whether the boot line of its own server is there, or it answers where that has no room.
has_booted() {
  if [ ! -s "$dir/$1/out" ] && disk_is_full; then
    member_pid "$1" >/dev/null && [ -n "$(ask_server "$(member_file "$1" port)")" ]
  elif [ "$(member_file "$1" role)" = NameServer ]; then
    grep -qs '^The Name Server boot success' "$dir/$1/out"
  else
    grep -qs '^The broker\[.*boot success' "$dir/$1/out"
  fi
}

# await_boot MEMBER: until it has booted. When another process was quicker at its port it gets another one,
# unless its configuration names the port.
await_boot() {
  local try=1
  while ! has_booted "$1"; do
    if ! member_pid "$1" >/dev/null; then
      has_booted "$1" && break
      if ! grep -qs 'in use' "$dir/$1/out" || [ "$try" -ge "$PORT_TRIES" ] ||
        [ -n "$(fixed_port "$1")" ]; then
        show_and_fail "$1" "ended before it was ready"
      fi
      try=$((try + 1))
      read_listening_ports
      give_ports "$1"
      launch "$1"
    fi
    within_patience "$1" "did not boot"
    progress "waiting for $1"
    sleep 0.05
  done
}

# number_bytes N: N as 4 bytes, big endian, in printf's notation.
number_bytes() {
  printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) \
    $(($1 & 255))
}

# ask_server PORT: what it answers to GET_BROKER_CLUSTER_INFO (106): a NameServer which brokers it knows, a
# broker that it does not serve this. `closed` when it ends the connection, as one that wants TLS does.
# Nothing when there is no answer.
ask_server() {
  # shellcheck disable=SC2016 # For the bash that timeout runs.
  timeout "$answer_patience" bash -c '
    exec 3<>"/dev/tcp/$1/$2" || exit 1
    printf "$3" >&3
    read -r -a n < <(head -c 4 <&3 | od -An -tu1)
    [ "${#n[@]}" -eq 4 ] || { echo closed; exit 1; }
    head -c $(((n[0] << 24) + (n[1] << 16) + (n[2] << 8) + n[3])) <&3 | tr -d "\0"
  ' ask "$HOST" "$1" "$cluster_question" 2>/dev/null
}
cluster_question='{"code":106,"language":"CPP","version":513,"opaque":1,"flag":0}'
cluster_question="$(number_bytes ${#cluster_question})$cluster_question"
cluster_question="$(number_bytes $((${#cluster_question} - 12)))$cluster_question"

# ask_servers PORT...: sets `answer` of each of them, all at the same time.
ask_servers() {
  local port fd asked=()
  for port in "$@"; do
    exec {fd}< <(ask_server "$port")
    asked[port]=$fd
  done
  for port in "$@"; do
    fd=${asked[$port]}
    answer[port]=$(cat <&"$fd")
    exec {fd}<&-
  done
}

ask_name_servers() {
  local ports
  mapfile -t ports < <(namesrv_ports running)
  ask_servers "${ports[@]}"
}

# silent_name_servers: those that run and did not answer last, in brackets.
silent_name_servers() {
  local member port silent=()
  for member in "${members[@]}"; do
    port=$(member_file "$member" port)
    if ! is_broker "$member" && member_pid "$member" >/dev/null && [ -z "${answer[${port:-0}]:-}" ]; then
      silent+=("$member")
    fi
  done
  [ "${#silent[@]}" -eq 0 ] || printf ' (no answer from %s)' "${silent[*]}"
}

# ask_members: all that run.
ask_members() {
  local member ports
  mapfile -t ports < <(namesrv_ports running)
  for member in "${members[@]}"; do
    if is_broker "$member" && member_pid "$member" >/dev/null; then
      ports+=("$(member_file "$member" port)")
    fi
  done
  ask_servers "${ports[@]}"
}

# is_registered MEMBER [silent]: whether every NameServer that runs told clients last where this broker is;
# with `silent`, those without an answer do not count, if there is another one.
is_registered() {
  local at port runs=0 tells=0
  at="$HOST:$(member_file "$1" port)"
  for port in $(namesrv_ports running); do
    runs=$((runs + 1))
    case "${answer[$port]:-}" in
      *"\"$at\""*) tells=$((tells + 1)) ;;
      '') [ "${2:-}" = silent ] || return 1 ;;
      *) return 1 ;;
    esac
  done
  [ "$runs" -eq 0 ] || [ "$tells" -gt 0 ]
}

# has_rival MEMBER: whether it found since its start, then or later, that another broker of its name leads.
has_rival() {
  grep -Eq 'another broker of this name (is alive as|was made the) master' \
    < <(tail -c "+$(($(member_file "$1" log-begin) + 1))" "$dir/$1/log" 2>/dev/null)
}

tell_of_rival() {
  say "warning: $1 runs and serves nobody: another broker of its name leads. To make it a slave of that:" \
    "$(to_type mqadmin) switchMaster -n '$(namesrv_addresses)' -b $(broker_name "$1")" \
    "--rejoin $(address_of "$1")"
}

# await_registration MEMBER: also over when that will not come before somebody decides (has_rival).
await_registration() {
  until ask_name_servers && is_registered "$1"; do
    ! has_rival "$1" || return 0
    member_pid "$1" >/dev/null || show_and_fail "$1" "ended before the NameServers knew it"
    within_patience "$1" "is not known to every NameServer$(silent_name_servers)"
    progress "waiting for $1 to be known"
    sleep 0.05
  done
}

# signal_member MEMBER SIGNAL: only if it is still the process that was started.
signal_member() {
  local pid
  pid=$(member_pid "$1") || return 0
  kill "-$2" "$pid" 2>/dev/null || ! member_pid "$1" >/dev/null ||
    fail "$1: process $pid takes no signal from $(id -un); who started it?"
}

# await_end SECONDS MEMBER...: until their processes are gone; those that are not get SIGKILL.
await_end() {
  local until member slow=0
  read_clock
  until=$((now + $1 * 100))
  shift
  for member in "$@"; do
    while member_pid "$member" >/dev/null; do
      read_clock
      if [ "$now" -ge "$until" ]; then
        say "warning: $member did not stop in time and is killed; its next start recovers"
        signal_member "$member" KILL
        until=$((now + 1000))
        slow=1
      fi
      progress "waiting for the end of $member"
      sleep 0.05
    done
    mv -f "$dir/$member/pid" "$dir/$member/last-pid" 2>/dev/null || true
  done
  return "$slow"
}
