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

# services installs the servers that reporters are tested against, on a machine that
# is there for tests (CI=true); the tests of those that are not there are skipped, and
# say so.
services() {
	local missing=() postgres=(/usr/lib/postgresql/*/bin/initdb)
	command -v initdb >/dev/null || [ -x "${postgres[0]}" ] || missing+=(postgresql)
	command -v prometheus >/dev/null || missing+=(prometheus)
	command -v influxd >/dev/null || missing+=(influxdb)
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
		within 300 apt-get update >"$tools/install.log" 2>&1 &&
		DEBIAN_FRONTEND=noninteractive within 300 apt-get install -y --no-install-recommends "${missing[@]}" >>"$tools/install.log" 2>&1; then
		return 0
	fi
	skip "reporters against real servers: ${missing[*]} not installed (apt-get install ${missing[*]})"
}

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

# fuzz PACKAGE runs each fuzz target of a package on top of its committed corpus: so many
# inputs, and not for so long, which before Go 1.27 fails now and then as the time is
# over (https://go.dev/issue/75804). All targets share one binary, which go test builds
# and links anew for each.
fuzz() {
	local name=${1//[.\/]/_} target
	local binary=$tools/fuzz/$name.test log=$tools/fuzz/$name.log
	go test -c -fuzz . -o "$binary" "$1"
	cd "$1"
	for target in $("$binary" -test.list '^Fuzz'); do
		# Minimising what is new would take the time away; what fails is told whole.
		"$binary" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime 15000x -test.fuzzminimizetime 10x \
			-test.parallel 1 -test.fuzzcachedir "$cache/$1" </dev/null >"$log" 2>&1 || { cat "$log"; exit 1; }
		printf '%s %s: %s\n' "$1" "$target" "$(tail -n 2 "$log" | head -n 1)"
	done
}

# fuzzing fuzzes two packages at a time, so that one is compiled while another runs.
fuzzing() {
	say "fuzzing, 15 000 inputs each"
	mkdir -p "$tools/fuzz"
	cache=$(go env GOCACHE)/fuzz/hyperscale
	export tools cache
	export -f fuzz
	files '*_test.go' | xargs -0 grep -l '^func Fuzz' | xargs -n 1 dirname | sort -u |
		xargs -n 1 -P 2 bash -euc 'fuzz "$1"' fuzz
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
services
fuzzing
say "go test -race"
# Else each test binary, and each program that a test runs, waits for a second before it
# exits, in case something still runs then: whoever starts something waits for it.
export GORACE=atexit_sleep_ms=0
go list -race -test -export ./... >/dev/null # compiles on all cores, which -p 1 would not
# What only computes, or waits for nothing but itself, goes two at a time.
mapfile -t pure < <(go list . ./internal/{expr,job,place,plan,schedule,session,spec,stats}/... \
	./internal/{child,mailbox,outbox,own,ops,prepare,report,route,show,sim,testkit,tui} ./internal/store/memstore \
	./internal/{tier/node,tier/seat,tier/bundle,worker/agent,worker/lapse,member/twin,rpc/hyperscalev1,rpc/identity})
mapfile -t others < <(go list ./... | grep -vxF -f <(printf '%s\n' "${pure[@]}"))
go test -p 2 -race "${pure[@]}"
go test -p 1 -race "${others[@]}"
say "go test, of what the race detector is too slow for or says nothing about"
go test -run '^TestOtherSystems$|^TestScripts$/^cluster$' ./test
go test ./test/cluster
