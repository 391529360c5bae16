# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # up and down set here; the others use what is set
# Where things are, how they are called, and what is said.
#
#   .cache/services/            programs, by version
#   data/services/env           what Cohort needs to reach the services
#   data/services/credentials   the account of the object stores, made once
#   data/services/ports/NAME    the port of a service, chosen once
#   data/services/NAME/         pid, log and data of a service

root=$(cd "$here/../.." && pwd)
cache=$root/.cache/services
data=${SERVICES_DATA:-$root/data/services}
if [[ $data != /* ]]; then data=$PWD/$data; fi
bucket=cohort

say() { printf 'services: %s\n' "$*"; }

fail() {
  printf 'services: %s\n' "$*" >&2
  exit 1
}

# alone FD FOLDER waits until no other up or down works on the folder, whose
# lock is open as FD. Where there is no flock, that is the caller's duty.
alone() {
  if command -v flock >/dev/null; then
    flock -w 900 "$1" || fail "another up or down has been at work on $2 for 15 minutes"
  fi
}

# random BYTES prints random bytes in hexadecimal.
random() { od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# port NAME prints the port of NAME, which the first call chooses.
port() {
  local file=$data/ports/$1 wish number
  wish=SERVICES_$(tr '[:lower:]' '[:upper:]' <<<"$1")_PORT
  number=${!wish:-}
  if [[ ! -s $file ]]; then
    if [[ -z $number ]]; then number=$("$cache/ready" port); fi
    mkdir -p "$data/ports"
    printf '%s\n' "$number" >"$file.new"
    mv "$file.new" "$file"
  fi
  cat "$file"
}

# address NAME prints host:port.
address() { printf '127.0.0.1:%s\n' "$(port "$1")"; }

# vacant NAME fails if something listens at the port already: it would be taken
# for the service.
vacant() {
  "$cache/ready" vacant "$(address "$1")" ||
    fail "the port of $1 is taken; end what listens there, or delete $data/ports/$1 for another port"
}

# write_environment tells where every service is that has been started here.
write_environment() {
  {
    printf "export SERVICES_DATA='%s'\n" "$data"
    if [[ -e $data/ports/redis ]]; then printf "export COHORT_REDIS='%s'\n" "$(address redis)"; fi
    if [[ -e $data/ports/kafka ]]; then printf "export COHORT_KAFKA='%s'\n" "$(address kafka)"; fi
    if [[ -e $data/ports/minio ]]; then printf "export COHORT_STORE='%s'\n" "$(store_url minio)"; fi
    if [[ -e $data/ports/versitygw ]]; then printf "export COHORT_STORE_VERSITYGW='%s'\n" "$(store_url versitygw)"; fi
    if [[ -e $data/credentials ]]; then sed 's/^/export /' "$data/credentials"; fi
  } >"$data/env.new"
  mv "$data/env.new" "$data/env"
}

store_url() { printf 's3://%s?endpoint=http://%s&region=us-east-1&style=path\n' "$bucket" "$(address "$1")"; }
