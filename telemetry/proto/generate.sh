#!/bin/sh
# Writes event.pb.go from event.proto. Both generators are pinned: protoc below,
# protoc-gen-go in tools/go.mod. Needs go, and python3 with venv.
set -eu
cd "$(dirname "$0")/../.."
venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet grpcio-tools==1.85.1 protobuf==7.36.2
"$venv/bin/python" -m grpc_tools.protoc --proto_path=. \
	--plugin=protoc-gen-go="$(go tool -n -modfile=tools/go.mod protoc-gen-go)" \
	--go_out=. --go_opt=paths=source_relative telemetry/proto/event.proto
