# shellcheck shell=bash
# shellcheck disable=SC2154 # layout.sh sets cache, data and bucket
# Two servers of S3: MinIO, and the Versity gateway on a folder.

minio_version=v0.0.0-20260212201848-7aac2a2c5b7c
versitygw_version=v1.8.0

install_minio() { install_program minio github.com/minio/minio "$minio_version"; }
install_versitygw() { install_program versitygw github.com/versity/versitygw/cmd/versitygw "$versitygw_version"; }

# account puts the account of this data folder into the environment. It is
# random, made once, and readable for this user alone.
account() {
  if [[ ! -s $data/credentials ]]; then
    printf "AWS_ACCESS_KEY_ID='cohort-%s'\nAWS_SECRET_ACCESS_KEY='%s'\n" "$(random 4)" "$(random 20)" >"$data/credentials.new"
    mv "$data/credentials.new" "$data/credentials"
  fi
  # shellcheck source=/dev/null
  source "$data/credentials"
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
}

start_minio() {
  vacant minio
  account
  MINIO_ROOT_USER=$AWS_ACCESS_KEY_ID MINIO_ROOT_PASSWORD=$AWS_SECRET_ACCESS_KEY \
    MINIO_BROWSER=off MINIO_UPDATE=off \
    launch minio "$cache/minio-$minio_version/minio" server --quiet \
    --address "$(address minio)" "$data/minio/data"
}

start_versitygw() {
  vacant versitygw
  account
  mkdir -p "$data/versitygw/attributes"
  ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
    launch versitygw "$cache/versitygw-$versitygw_version/versitygw" \
    --port "$(address versitygw)" \
    posix --sidecar "$data/versitygw/attributes" "$data/versitygw/data"
}

ask_minio() { account && "$cache/ready" s3 "http://$(address minio)" "$bucket"; }
ask_versitygw() { account && "$cache/ready" s3 "http://$(address versitygw)" "$bucket"; }
