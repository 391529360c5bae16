# shellcheck shell=bash
# shellcheck disable=SC2154 # layout.sh sets cache, data and bucket
# Two servers of S3: MinIO, and the Versity gateway on a folder.

minio_version=v0.0.0-20260212201848-7aac2a2c5b7c
versitygw_version=v1.8.0

install_minio() { install_program minio github.com/minio/minio "$minio_version"; }
install_versitygw() { install_program versitygw github.com/versity/versitygw/cmd/versitygw "$versitygw_version"; }

need_minio() { :; }
need_versitygw() { [[ -z $secure ]] || fail "versitygw has no secure variant here: use minio"; }

start_minio() {
  vacant minio
  # MinIO looks for certificates in its user's home, and makes that folder.
  local home=$data/minio/home
  mkdir -p "$home/.minio/certs"
  if [[ -n $secure ]]; then
    cp "$data/keys/server.pem" "$home/.minio/certs/public.crt"
    cp "$data/keys/server.key" "$home/.minio/certs/private.key"
  fi
  MINIO_ROOT_USER=$AWS_ACCESS_KEY_ID MINIO_ROOT_PASSWORD=$AWS_SECRET_ACCESS_KEY \
    MINIO_BROWSER=off MINIO_UPDATE=off HOME=$home \
    launch minio "$cache/minio-$minio_version/minio" server --quiet \
    --address "$(address minio)" "$data/minio/data"
}

# Attributes of an object lie on its file (user.* xattr). With --sidecar they lie
# apart: a GET during a PUT may give one content with the ETag of another, and
# If-Match then lets two writers replace one version.
start_versitygw() {
  vacant versitygw
  ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
    launch versitygw "$cache/versitygw-$versitygw_version/versitygw" \
    --port "$(address versitygw)" posix "$data/versitygw/data"
}

ask_minio() { "$cache/ready" s3 "$(store_url minio)"; }
ask_versitygw() { "$cache/ready" s3 "$(store_url versitygw)"; }
