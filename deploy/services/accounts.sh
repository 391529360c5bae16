# shellcheck shell=bash
# shellcheck disable=SC2154 # layout.sh sets data, cache and secure
# Who may use the services, and what tells how.

user=cohort

# make_accounts makes what a data folder's services let in, once: random
# passwords, and for a secure folder a certificate and its authority.
make_accounts() {
  if [[ -n $secure && ! -d $data/keys ]]; then
    if [[ -e $data/credentials ]]; then
      fail "$data holds services without security: unset SERVICES_DATA, or name another folder with it"
    fi
    rm -rf "$data/keys.new"
    "$cache/keys" "$data/keys.new" || fail "cannot make keys in $data/keys.new"
    mv "$data/keys.new" "$data/keys"
  fi
  if [[ -s $data/credentials ]]; then return; fi
  {
    printf "AWS_ACCESS_KEY_ID='%s-%s'\nAWS_SECRET_ACCESS_KEY='%s'\n" "$user" "$(random 4)" "$(random 20)"
    if [[ -n $secure ]]; then
      printf "COHORT_REDIS_USER='%s'\nCOHORT_REDIS_PASSWORD='%s'\nCOHORT_REDIS_CA='%s'\n" "$user" "$(random 16)" "$data/keys/ca.pem"
      printf "COHORT_KAFKA_SASL='scram-sha-512'\nCOHORT_KAFKA_USER='%s'\nCOHORT_KAFKA_PASSWORD='%s'\nCOHORT_KAFKA_CA='%s'\n" \
        "$user" "$(random 16)" "$data/keys/ca.pem"
    fi
  } >"$data/credentials.new"
  mv "$data/credentials.new" "$data/credentials"
}

# use_accounts puts the passwords into the environment of what follows.
use_accounts() {
  set -a
  # shellcheck source=/dev/null
  source "$data/credentials"
  set +a
}

# write_environment tells how to reach every service that has been started here.
write_environment() {
  {
    printf "export SERVICES_DATA='%s'\n" "$data"
    if [[ -e $data/ports/redis ]]; then printf "export COHORT_REDIS='%s'\n" "$(address redis)"; fi
    if [[ -e $data/ports/kafka ]]; then printf "export COHORT_KAFKA='%s'\n" "$(address kafka)"; fi
    if [[ -e $data/ports/minio ]]; then printf "export COHORT_STORE='%s'\n" "$(store_url minio)"; fi
    if [[ -e $data/ports/versitygw ]]; then printf "export COHORT_STORE_VERSITYGW='%s'\n" "$(store_url versitygw)"; fi
    sed 's/^/export /' "$data/credentials"
  } >"$data/env.new"
  mv "$data/env.new" "$data/env"
}
