# shellcheck shell=bash
# shellcheck disable=SC2154 # layout.sh sets cache and data
# Redis, as installed or unpacked from Debian's packages into the cache.

redis_unpacked=$cache/redis

have_redis() { command -v redis-server >/dev/null || [[ -e $redis_unpacked/usr/bin/redis-server ]]; }

need_redis() {
  if have_redis || { command -v apt-get && command -v dpkg-deb; } >/dev/null; then return; fi
  fail "Redis is missing, and so is apt-get, which would fetch it: install Redis 6.2 or newer, with redis-server on PATH"
}

install_redis() {
  if have_redis; then return; fi
  say "fetching Redis"
  unpack_redis >"$cache/redis.log" 2>&1 ||
    fail "cannot fetch Redis (see $cache/redis.log): put redis-server 6.2 or newer on PATH (Debian: apt-get install redis-server)"
}

# unpack_redis needs no rights and installs nothing: apt works on lists of its
# own here. Debian's redis-tools holds the server, under another name.
unpack_redis() {
  local folder=$redis_unpacked.new
  rm -rf "$folder"
  mkdir -p "$folder/apt/archives/partial" "$folder/lists/partial" || return
  local private=(-q -o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder/apt" -o Debug::NoLocking=1 -o APT::Sandbox::User=)
  apt-get "${private[@]}" update || return
  (cd "$folder/apt" && apt-get "${private[@]}" download redis-tools libatomic1 libjemalloc2 liblzf1) || return
  local package
  for package in "$folder"/apt/*.deb; do dpkg-deb -x "$package" "$folder" || return; done
  rm -rf "$folder/apt" "$folder/lists"
  ln -sf redis-check-rdb "$folder/usr/bin/redis-server"
  LD_LIBRARY_PATH=$(redis_libraries "$folder") "$folder/usr/bin/redis-server" --version | grep -F 'Redis server' || return
  mv "$folder" "$redis_unpacked"
}

# redis_libraries FOLDER prints the folder of the libraries that were unpacked.
redis_libraries() { dirname "$(find "$1/usr/lib" -name 'liblzf.so*' | head -n 1)"; }

start_redis() {
  vacant redis
  local server=(redis-server) secured=()
  if ! command -v redis-server >/dev/null; then
    server=(env "LD_LIBRARY_PATH=$(redis_libraries "$redis_unpacked")" "$redis_unpacked/usr/bin/redis-server")
  fi
  if [[ -n $secure ]]; then
    secure_redis >"$data/redis/secure.conf"
    secured=("$data/redis/secure.conf" --port 0 --tls-port "$(port redis)")
  else
    secured=(--port "$(port redis)")
  fi
  launch redis "${server[@]}" "${secured[@]}" --bind 127.0.0.1 \
    --dir "$data/redis/data" --save '' --appendonly yes --appendfsync everysec
}

# secure_redis prints what lets one user in, over TLS, to do what Cohort needs.
secure_redis() {
  printf 'tls-cert-file %s\ntls-key-file %s\ntls-auth-clients no\n' "$data/keys/server.pem" "$data/keys/server.key"
  printf 'user default off\n'
  printf 'user %s on >%s ~cohort-* ~asynq:* &asynq:* +@all -@admin -@dangerous +info\n' "$COHORT_REDIS_USER" "$COHORT_REDIS_PASSWORD"
}

ask_redis() { "$cache/ready" redis "$(address redis)"; }
