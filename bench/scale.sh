#!/usr/bin/env bash
# What one manager can carry, in one command:
#
#   bench/scale.sh                                 10 000 simulated workers, 500 of them lost at once; 1 000 jobs
#   bench/scale.sh -workers 2000 -lose 100 -jobs 0 -sockets 0 -growth=false
#
# The workers are simulated, in the same process and over links in memory; what
# they cost themselves is told apart (on Linux). Those behind sockets (-sockets) are
# in a process of their own, with a connection of gRPC each. It takes about three
# minutes, 4 GiB, and a machine that has nothing else to do: on one that has, what
# is measured is the others. Needs Go and a Unix.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$root"
go build -o "$dir/scale" ./bench/cmd/scale
"$dir/scale" "$@"
