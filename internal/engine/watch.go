package engine

import (
	"context"
	"math"
	"runtime/metrics"
	"sync"
	"time"

	"hyperscale/internal/stats"
)

// watch is the generator watching itself. Lanes say at each cut whether they
// ever had nothing to do; once a second it reads what the system says of the
// process. What it saw goes out with the next window.
type watch struct {
	lanes int

	mu    sync.Mutex
	seen  stats.Readings // since the last take
	busy  bool           // some lane was, in the second under way
	told  int            // lanes that spoke in the second under way
	conns []int          // open connections of each lane
	last  systemState
	wall  time.Time // when last was read
}

// systemState is what the system counts from the start of the process.
type systemState struct {
	cpu      time.Duration
	gcPause  time.Duration
	gcs      uint64
	runDelay time.Duration
}

func newWatch(lanes int) *watch {
	return &watch{lanes: lanes, conns: make([]int, lanes), last: readState(), wall: time.Now()}
}

// lane is told by each lane at each cut whether it ever found its event queue
// empty since the last one, and how many connections it has.
func (w *watch) lane(index int, idle bool, conns int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[index] = conns
	w.busy = w.busy || !idle
	if w.told++; w.told < w.lanes {
		return
	}
	w.seen.Watched += time.Second
	if w.busy {
		w.seen.Saturated += time.Second
	}
	w.told, w.busy = 0, false
}

// run reads the system once a second.
func (w *watch) run(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			w.read()
		}
	}
}

// read adds what has happened since the last time.
func (w *watch) read() {
	now, state := time.Now(), readState()
	levels := readLevels()
	w.mu.Lock()
	defer w.mu.Unlock()
	levels.CPU = state.cpu - w.last.cpu
	levels.GCPause = state.gcPause - w.last.gcPause
	levels.GCs = state.gcs - w.last.gcs
	levels.RunDelay = max(state.runDelay-w.last.runDelay, 0)
	levels.ClockStep = clockStep(w.wall, now)
	levels.Lanes = w.lanes
	for _, n := range w.conns {
		levels.Ports += uint64(n)
	}
	w.seen.Merge(levels)
	w.last, w.wall = state, now
}

// take gives what was seen since the last take.
func (w *watch) take() stats.Readings {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.seen
	w.seen = stats.Readings{}
	return r
}

// clockStep is how far the wall clock moved beside the monotonic one.
func clockStep(from, to time.Time) time.Duration {
	wall := to.Round(0).Sub(from.Round(0))
	step := wall - to.Sub(from)
	return max(step, -step)
}

// readState reads the counters.
func readState() systemState {
	samples := []metrics.Sample{
		{Name: "/sched/pauses/total/gc:seconds"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	return systemState{
		cpu:      processCPU(),
		gcPause:  total(samples[0].Value.Float64Histogram()),
		gcs:      samples[1].Value.Uint64(),
		runDelay: runDelay(),
	}
}

// total is the sum of a runtime histogram of seconds, each value taken as its
// bucket's middle.
func total(h *metrics.Float64Histogram) time.Duration {
	sum := 0.0
	for i, n := range h.Counts {
		lo, hi := h.Buckets[i], h.Buckets[i+1]
		if math.IsInf(lo, -1) {
			lo = 0
		}
		if math.IsInf(hi, 1) {
			hi = lo
		}
		sum += float64(n) * (lo + hi) / 2
	}
	return time.Duration(sum * float64(time.Second))
}
