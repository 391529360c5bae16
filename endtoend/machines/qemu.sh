#!/usr/bin/env bash
# qemu.sh NAME FOLDER prints the path of Debian's user-mode emulator NAME, such
# as qemu-aarch64: the installed one, or the one that it unpacks into FOLDER, once.
# That needs apt-get, but no rights, and installs nothing: apt works on lists of
# its own there.
set -euo pipefail
name=$1 folder=$2

for program in "$name" "$name-static" "$folder/usr/bin/$name-static"; do
  if command -v "$program"; then exit; fi
done
for needed in apt-get dpkg-deb; do
  command -v "$needed" >/dev/null || {
    echo "$name is missing, and so is $needed, which would fetch it: install qemu-user" >&2
    exit 1
  }
done

mkdir -p "$(dirname "$folder")"
fresh=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
{
  mkdir -p "$fresh/apt/archives/partial" "$fresh/lists/partial"
  private=(-q -o "Dir::State::Lists=$fresh/lists" -o "Dir::Cache=$fresh/apt" -o Debug::NoLocking=1 -o APT::Sandbox::User=)
  apt-get "${private[@]}" update
  (cd "$fresh/apt" && apt-get "${private[@]}" download qemu-user-static)
  dpkg-deb --fsys-tarfile "$fresh"/apt/*.deb | tar -x -C "$fresh" "./usr/bin/$name-static"
  rm -rf "$fresh/apt" "$fresh/lists"
} >&2
mkdir -p "$folder/usr/bin"
mv "$fresh/usr/bin/$name-static" "$folder/usr/bin/"
echo "$folder/usr/bin/$name-static"
