package station

import (
	"runtime/metrics"
	"time"
)

// usage is what this process uses.
type usage struct {
	cpu    time.Duration // since it began
	memory uint64        // bytes
}

func readUsage() usage {
	s := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"},
	}
	metrics.Read(s)
	return usage{
		cpu:    time.Duration((s[2].Value.Float64() - s[3].Value.Float64()) * float64(time.Second)),
		memory: s[0].Value.Uint64() - s[1].Value.Uint64(),
	}
}
