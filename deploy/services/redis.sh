# shellcheck shell=bash
# shellcheck disable=SC2154 # layout.sh sets cache and data
# Redis, as installed or from Debian's packages.

# redis_server prints the program. Debian's redis-tools holds the server too,
# under another name; unlike redis-server it starts no service of the system.
redis_server() {
  command -v redis-server || { [[ -x $cache/redis-server ]] && printf '%s\n' "$cache/redis-server"; }
}

install_redis() {
  if redis_server >/dev/null; then return; fi
  if ! command -v apt-get >/dev/null || ((EUID != 0)); then
    fail "Redis is missing: put redis-server 6.2 or newer on PATH (Debian: apt-get install redis-server)"
  fi
  say "installing Redis"
  {
    apt-get -q -y install --no-install-recommends redis-tools ||
      { apt-get -q update && apt-get -q -y install --no-install-recommends redis-tools; }
  } >"$cache/redis.log" 2>&1 || fail "cannot install Redis; see $cache/redis.log"
  ln -sf "$(command -v redis-check-rdb)" "$cache/redis-server"
  [[ $("$cache/redis-server" --version) == "Redis server"* ]] ||
    { rm "$cache/redis-server" && fail "redis-tools holds no server here: put redis-server 6.2 or newer on PATH"; }
}

start_redis() {
  vacant redis
  launch redis "$(redis_server)" --bind 127.0.0.1 --port "$(port redis)" \
    --dir "$data/redis/data" --save '' --appendonly yes --appendfsync everysec
}

ask_redis() { "$cache/ready" redis "$(address redis)"; }
