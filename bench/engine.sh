#!/usr/bin/env bash
# The engine beside its peers, in one command:
#
#   bench/engine.sh                      all scenarios but the long one (about 20 minutes)
#   bench/engine.sh closed -rounds 3     one scenario; -h lists them and the flags
#
# Builds the target, the limit and hyperscale; installs the peers (wrk, ab and
# h2load from Debian's packages; hey, vegeta, fortio and k6 at the versions of
# bench/peers/go.mod) into a cache folder outside the checkout; then runs them
# alternately and keeps the results in doc/performance.md. A peer that cannot be
# had is left out with a word. Needs Linux, gcc, Go, and two cores.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hyperscale-bench
peers=$cache/peers-$(cat "$root"/bench/peers/go.* | sha256sum | cut -c1-12)
bin=$cache/bin
mkdir -p "$bin" "$peers"
export GOTOOLCHAIN=${GOTOOLCHAIN:-local}

say() { echo "bench: $*" >&2; }

# absent PROGRAM REASON: the runner shows the reason beside the results.
absent() {
	say "$1 is left out: $2"
	printf %s "$2" >"$bin/$1.absent"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# from_debian PACKAGE PROGRAM
updated=
from_debian() {
	rm -f "$bin/$2.absent"
	command -v "$2" >/dev/null && return
	say "installing $1"
	if [ -z "$updated" ]; then as_root apt-get update -qq >&2 || true; fi
	updated=yes
	as_root apt-get install -y -qq "$1" >"$cache/apt.log" 2>&1 || absent "$2" "apt-get could not install $1"
}

# from_go PACKAGE: built with little appetite, for k6 is large.
from_go() {
	local program
	program=$(basename "${1%/v[0-9]*}")
	rm -f "$bin/$program.absent"
	if [ ! -x "$peers/$program" ]; then
		say "building $program"
		(cd "$root/bench/peers" && nice go build -p 1 -o "$peers/$program" "$1") 2>"$cache/$program.log" ||
			{ absent "$program" "it could not be built: $(tail -n 1 "$cache/$program.log")"; return; }
	fi
	ln -sf "$peers/$program" "$bin/$program"
}

# from_c PROGRAM FLAGS…
from_c() {
	local program=$1
	shift
	rm -f "$bin/$program.absent" "$bin/$program"
	gcc -std=gnu11 -O2 -Wall -Wextra -o "$bin/$program" "$@" 2>"$cache/$program.log" ||
		absent "$program" "it could not be built: $(grep -m 1 error "$cache/$program.log")"
}

case " $* " in *" -h "* | *" --help "*) ;; *)
	command -v gcc >/dev/null || from_debian gcc gcc
	[ -e /usr/include/openssl/ssl.h ] || from_debian libssl-dev libssl-dev
	from_debian wrk wrk
	from_debian apache2-utils ab
	from_debian nghttp2-client h2load
	from_go github.com/rakyll/hey
	from_go github.com/tsenart/vegeta/v12
	from_go fortio.org/fortio
	from_go go.k6.io/k6
	from_c limit "$root/bench/limit/limit.c"
	from_c target "$root"/bench/target/{target,answer}.c
	from_c target-tls -DTARGET_TLS "$root"/bench/target/{target,answer}.c -lssl -lcrypto
	rm -f "$bin/hyperscale.absent" "$bin/hyperscale"
	(cd "$root" && go build -o "$bin/hyperscale" ./cmd/hyperscale) 2>"$cache/hyperscale.log" ||
		absent hyperscale "it could not be built: $(tail -n 1 "$cache/hyperscale.log")"
	;;
esac

cd "$root"
go build -o "$bin/sidebyside" ./bench/cmd/sidebyside
scenario=
case "${1:-}" in '' | -*) ;; *)
	scenario=$1
	shift
	;;
esac
exec "$bin/sidebyside" ${scenario:+"$scenario"} -root="$root" -bin="$bin" "$@"
