# shellcheck shell=bash
# shellcheck disable=SC2154 # layout.sh sets data and here
# Processes, known by their number and the moment they began: a number alone
# may be given to another process later.

# began PID prints when a process began, in the system's own words. It prints
# nothing if there is none, or only its exit code is left.
began() {
  if [[ -d /proc/self ]]; then
    local line
    read -r line 2>/dev/null <"/proc/$1/stat" || return 0
    # The name in parentheses may hold anything. After it: the state, and as
    # the 20th the start in ticks since boot.
    local -a fields
    read -ra fields <<<"${line##*) }"
    case ${fields[0]} in Z | X) ;; *) printf '%s\n' "${fields[19]}" ;; esac
  else
    ps -o stat=,lstart= -p "$1" | awk '!/^Z/ { sub(/^[^ ]+ +/, ""); print }' || true
  fi
}

# launch SERVICE COMMAND... starts a process that outlives this one and writes
# to the service's log. It is recorded before it becomes the command, so none
# runs unrecorded.
launch() {
  local service=$1 folder=$data/$1
  shift
  rm -f "$folder/pid"
  (
    set -m # a process group of its own: ^C here does not reach it
    # shellcheck disable=SC2016 # the inner shell expands it
    nohup bash -c '
      source "$1"
      cd "$2"
      printf "%s %s\n" "$$" "$(began "$$")" >"$2/pid.new" && mv "$2/pid.new" "$2/pid"
      shift 2
      exec "$@"
    ' "$service" "$here/process.sh" "$folder" "$@" </dev/null >>"$folder/log" 2>&1 9>&- &
  )
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    if [[ -e $folder/pid ]]; then return; fi
    sleep 0.1
  done
  fail "$service did not start; see $folder/log"
}

# alive SERVICE succeeds if the process that was started still runs.
alive() {
  local pid start
  read -r pid start 2>/dev/null <"$data/$1/pid" || return 1
  [[ -n $start && $(began "$pid") == "$start" ]]
}

# send SIGNAL SERVICE signals the process that was started, if it still runs.
send() {
  local pid
  if alive "$2"; then
    read -r pid _ <"$data/$2/pid"
    kill -s "$1" "$pid"
  fi
}

# await SERVICE QUESTION waits until the service answers what it is asked.
await() {
  local service=$1 question=$2 answer begin=$SECONDS
  until answer=$("$question" 2>&1); do
    if ! alive "$service"; then
      tail -n 20 "$data/$service/log" >&2
      fail "$service ended; above is the end of $data/$service/log"
    fi
    if ((SECONDS - begin > 180)); then
      fail "$service does not answer within 180 s: $answer; see $data/$service/log"
    fi
    sleep 0.1
  done
  say "$service answers at $(address "$service")"
}

# await_end SERVICE waits until the process is gone, and kills it in the end.
await_end() {
  local begin=$SECONDS
  while alive "$1"; do
    if ((SECONDS - begin > 20)); then
      say "$1 ignores SIGTERM for 20 s: killing it"
      send KILL "$1"
      begin=$SECONDS
    fi
    sleep 0.1
  done
  rm -f "$data/$1/pid"
  say "$1 is stopped"
}
