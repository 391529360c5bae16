# shellcheck shell=bash
# shellcheck disable=SC2154 # layout.sh sets root and cache
# Programs that are built.

# install_helpers builds the programs that ask the servers and make keys.
install_helpers() {
  command -v go >/dev/null || fail "Go is missing: install Go 1.26 or newer"
  (cd "$root" && go build -o "$cache/" ./deploy/services/ready ./deploy/services/keys)
}

# install_program NAME MODULE VERSION builds a pinned program, once.
install_program() {
  local folder=$cache/$1-$3
  if [[ -x $folder/$1 ]]; then return; fi
  say "building $1 $3; this takes some minutes"
  # Fewer collections of garbage: the compiler takes a third less time.
  GOBIN=$folder GOFLAGS='' GOGC=400 go install -ldflags='-s -w' "$2@$3" ||
    fail "cannot build $1; the Go module proxy must be within reach the first time"
}
