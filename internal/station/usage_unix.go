//go:build unix

package station

import (
	"runtime/metrics"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what this process uses.
type usage struct {
	cpu    time.Duration // since it began
	memory uint64        // bytes
}

func readUsage() usage {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	u := usage{memory: s[0].Value.Uint64() - s[1].Value.Uint64()}
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) == nil {
		u.cpu = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	return u
}
