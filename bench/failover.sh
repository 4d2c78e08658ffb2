#!/usr/bin/env bash
# How long it takes until all is well after a death, in one command:
#
#   bench/failover.sh                          20 rounds of every kind (about 20 minutes)
#   bench/failover.sh -rounds 3 -only worker   kinds: start, worker, engine, owner, leader, handover
#   bench/failover.sh -keep                    and keeps the figures in doc/performance.md
#
# Builds hyperscale and runs 3 managers and 3 workers as processes on loopback.
# Needs Go and a Unix; ends all that it started.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$root"
go build -o "$dir/hyperscale" ./cmd/hyperscale
go build -o "$dir/failover" ./bench/cmd/failover
"$dir/failover" -program "$dir/hyperscale" -root "$root" "$@"
