package worker

import (
	"context"
	"runtime"
	"time"

	"hyperscale/internal/link"
	"hyperscale/internal/worker/agent"
)

// usage is what the processes of a worker use: itself and its engines.
type usage struct {
	cpu    map[int]time.Duration // since each began, by process
	memory uint64                // bytes; 0: unknown
}

// meter makes vitals of usage. It reads no clock.
type meter struct {
	cpus   float64 // that may be used
	limit  uint64  // bytes of memory that may be used; 0: unknown
	before usage
	at     time.Duration
	vitals link.Vitals
	runs   bool // there was one
}

// smooth is the weight of the newest sample.
const smooth = 0.3

// take takes a sample at the time now and gives the smoothed vitals. A process
// that came since the sample before is counted from its beginning, what one that
// went used since then is not.
func (m *meter) take(now time.Duration, u usage) link.Vitals {
	var used time.Duration
	for pid, cpu := range u.cpu {
		used += max(cpu-m.before.cpu[pid], 0)
	}
	over := now - m.at
	var sample link.Vitals
	if m.runs && over > 0 {
		sample.CPU = min(float64(used)/float64(over)/m.cpus, 1)
	}
	if m.limit > 0 {
		sample.Memory = min(float64(u.memory)/float64(m.limit), 1)
	}
	weight := smooth
	if !m.runs {
		weight = 1
	}
	m.vitals.CPU += weight * (sample.CPU - m.vitals.CPU)
	m.vitals.Memory += weight * (sample.Memory - m.vitals.Memory)
	m.before, m.at, m.runs = u, now, true
	return m.vitals
}

// fare tells the agent each second how the node fares.
func (s *shell) fare(ctx context.Context) {
	m := meter{cpus: float64(runtime.GOMAXPROCS(0)), limit: memoryLimit()}
	each := time.NewTicker(time.Second)
	defer each.Stop()
	for {
		s.inbox.Put(agent.Fares{Vitals: m.take(s.now(), readUsage())})
		select {
		case <-each.C:
		case <-ctx.Done():
			return
		}
	}
}
