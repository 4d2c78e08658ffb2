#!/usr/bin/env bash
# Writes internal/rpc/hyperscalev1 anew from the protocol's text, after checking
# it. The tools are Go modules, put below .tools/. With a folder as argument the
# code is written there, and nothing else is touched.
set -euo pipefail
cd "$(dirname "$0")/.."

buf=v1.75.0 protoc_gen_go=v1.36.12 protoc_gen_go_grpc=v1.6.2
tools=$PWD/.tools/proto-$buf-$protoc_gen_go-$protoc_gen_go_grpc

# install NAME MODULE@VERSION: puts a tool there unless it is.
install() {
	[ -x "$tools/$1" ] || GOBIN=$tools GOFLAGS=-mod=mod go install "$2"
}
install buf "github.com/bufbuild/buf/cmd/buf@$buf"
install protoc-gen-go "google.golang.org/protobuf/cmd/protoc-gen-go@$protoc_gen_go"
install protoc-gen-go-grpc "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$protoc_gen_go_grpc"
export PATH=$tools:$PATH

buf format --diff --exit-code
buf lint
buf breaking --against proto/released.binpb # made anew at each release: buf build --exclude-source-info -o
buf generate --output "${1:-.}"
if [ $# -eq 0 ]; then
	# What the code was written from, for a test that has no tools.
	cat proto/hyperscale/v1/*.proto | sha256sum | cut -d ' ' -f 1 >internal/rpc/hyperscalev1/source.sha256
fi
