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

# lock waits until no other up or down works on the data folder. Where there is
# no flock, one at a time is the caller's duty.
lock() {
  (umask 077 && mkdir -p "$data")
  exec 9>"$data/lock"
  if command -v flock >/dev/null; then
    flock -w 600 9 || fail "another up or down has been at work on $data for ten minutes"
  fi
}

# random BYTES prints random bytes in hexadecimal.
random() { od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# port NAME [DEFAULT] prints the port of NAME, chosen at the first call.
port() {
  local file=$data/ports/$1 number=${2:-}
  if [[ ! -s $file ]]; then
    if [[ -z $number ]]; then number=$("$cache/ready" port); fi
    mkdir -p "$data/ports"
    printf '%s\n' "$number" >"$file.new"
    mv "$file.new" "$file"
  fi
  cat "$file"
}

# address NAME prints host:port of a service that has a port.
address() { printf '127.0.0.1:%s\n' "$(port "$1")"; }

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
