# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # up and down set here and secure; the others use what is set
# Where things are, how they are called, and what is said.
#
#   .cache/services/            programs, by version
#   data/services/env           what Cohort needs to reach the services
#   data/services/credentials   the accounts in them, made once
#   data/services/keys/         of a secure folder: ca.pem, server.pem, server.key
#   data/services/ports/NAME    the port of a service, chosen once
#   data/services/NAME/         pid, log and data of a service

root=$(cd "$here/../.." && pwd)
cache=${SERVICES_CACHE:-$root/.cache/services}
data=${SERVICES_DATA:-$root/data/services${secure:+-secure}}
if [[ $data != /* ]]; then data=$PWD/$data; fi
if [[ $cache != /* ]]; then cache=$PWD/$cache; fi
if [[ -d $data/keys ]]; then secure=yes; fi
bucket=cohort

# What the caller's shell says about other services is no concern of these.
# shellcheck disable=SC2086
unset ${!COHORT_@}

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

# store_url NAME prints the URL of the bucket.
store_url() {
  printf 's3://%s?endpoint=http%s://%s&region=us-east-1&style=path%s\n' \
    "$bucket" "${secure:+s}" "$(address "$1")" "${secure:+&ca=$data/keys/ca.pem}"
}
