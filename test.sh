#!/usr/bin/env bash
# Proves the tree: format, vet, linters, the race detector, a short fuzzing of
# everything that reads bytes from outside, known vulnerabilities, and tests. It needs Go (go.mod says which), installs the rest
# below .tools/, prints what it skips and why, and ends with go test's own lines.
#
#   ./test.sh           everything
#   ./test.sh -short    without the race detector, fuzzing and the network
set -euo pipefail
cd "$(dirname "$0")"

golangci_lint=v2.15.0
govulncheck=v1.9.0
tools=$PWD/.tools
short=${1:-}
case $short in
'' | -short) ;;
*)
	echo "usage: ./test.sh [-short]" >&2
	exit 2
	;;
esac

say() { printf '\n== %s\n' "$*"; }
skip() { printf '\n-- skipped: %s\n' "$*"; }
fail() {
	printf '\ntest.sh: %s\n' "$*" >&2
	exit 1
}

# within SECONDS COMMAND…: runs it, bounded where the system has timeout(1).
within() {
	local seconds=$1
	shift
	if command -v timeout >/dev/null; then
		timeout "$seconds" "$@"
	else
		"$@"
	fi
}

# install NAME MODULE@VERSION: puts a tool below .tools/ unless it is there.
install() {
	local bin=$tools/${2##*@}/$1
	[ -x "$bin" ] && return 0
	within 300 env GOBIN="${bin%/*}" GOFLAGS=-mod=mod go install "$2" >"$tools/install.log" 2>&1
}

command -v go >/dev/null || fail "Go is not installed; go.mod names the version (https://go.dev/dl)"
mkdir -p "$tools"

say "modules"
go mod download
go mod verify

# files NAME…: the files of these names, each ended by a zero byte.
files() {
	local names=() name
	for name; do names+=(-o -name "$name"); done
	find . \( -name .git -o -name .tools -o -name testdata \) -prune -o -type f \( "${names[@]:1}" \) -print0
}

say "gofmt"
unformatted=$(files '*.go' | xargs -0 gofmt -l)
[ -z "$unformatted" ] || fail "run gofmt -w on:"$'\n'"$unformatted"

# What other systems are compiled from is checked by a test in test/.
say "go vet"
go vet ./...

if command -v shellcheck >/dev/null; then
	say "shellcheck"
	files '*.sh' run | xargs -0 shellcheck
else
	skip "shellcheck is not installed"
fi

lint() {
	if ! install golangci-lint "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$golangci_lint"; then
		skip "golangci-lint could not be installed within 5 minutes (see .tools/install.log)"
		return
	fi
	say "golangci-lint $golangci_lint"
	"$tools/$golangci_lint/golangci-lint" run ./...
}

vulnerabilities() {
	if ! install govulncheck "golang.org/x/vuln/cmd/govulncheck@$govulncheck"; then
		skip "govulncheck could not be installed (see .tools/install.log)"
		return
	fi
	if ! within 20 curl -fsS -o /dev/null https://vuln.go.dev/index/db.json 2>/dev/null; then
		skip "govulncheck: its database, https://vuln.go.dev, cannot be reached"
		return
	fi
	say "govulncheck $govulncheck"
	"$tools/$govulncheck/govulncheck" ./...
}

# fuzz runs each fuzz target on top of its committed corpus: so many inputs, and not
# for so long, which before Go 1.27 fails now and then as the time is over
# (https://go.dev/issue/75804).
fuzz() {
	say "fuzzing, 15 000 inputs each"
	local file package target
	files '*_test.go' | while IFS= read -r -d '' file; do
		package=$(dirname "$file")
		sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(f \*testing\.F).*/\1/p' "$file" | while read -r target; do
			# Minimising what is new would take the time away; what fails is told whole.
			go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime 15000x -fuzzminimizetime 10x -parallel 2 \
				</dev/null >"$tools/fuzz.log" 2>&1 || { cat "$tools/fuzz.log"; exit 1; }
			tail -n 2 "$tools/fuzz.log"
		done
	done
}

# One package at a time: many of them run whole clusters, which beside each other
# starve and miss what they promise of time.
if [ -n "$short" ]; then
	say "go test"
	go test -p 1 ./...
	exit
fi
lint
vulnerabilities
fuzz
say "go test -race"
go list -race -test -export ./... >/dev/null # compiles on all cores, which -p 1 would not
go test -p 1 -race ./...
say "go test, of what the race detector is too slow for or says nothing about"
go test -run '^TestOtherSystems$|^TestScripts$/^cluster$' ./test
go test ./test/cluster
