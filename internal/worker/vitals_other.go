//go:build !linux

package worker

import (
	"os"
	"runtime/metrics"
	"time"
)

// readUsage reads what the runtime knows of this process; its engines are not in
// it here.
func readUsage() usage {
	s := []metrics.Sample{{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(s)
	cpu := time.Duration((s[0].Value.Float64() - s[1].Value.Float64()) * float64(time.Second))
	return usage{cpu: map[int]time.Duration{os.Getpid(): cpu}, memory: s[2].Value.Uint64()}
}

// memoryLimit is not known here.
func memoryLimit() uint64 { return 0 }
