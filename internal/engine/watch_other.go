//go:build !linux

package engine

import (
	"runtime/metrics"
	"time"

	"hyperscale/internal/stats"
)

// processCPU is what the runtime estimates of the CPU time of its threads.
func processCPU() time.Duration {
	s := []metrics.Sample{{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}}
	metrics.Read(s)
	return time.Duration((s[0].Value.Float64() - s[1].Value.Float64()) * float64(time.Second))
}

// runDelay is not known here.
func runDelay() time.Duration { return 0 }

// readLevels reads what goes up and down.
func readLevels() stats.Readings {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(s)
	return stats.Readings{RSS: s[0].Value.Uint64()}
}

// Limits says what the system allows this process: descriptors, and local ports
// towards one address. 0: unknown. Go raises the number of descriptors itself.
func Limits() (descriptors, ports uint64) { return 0, 0 }
