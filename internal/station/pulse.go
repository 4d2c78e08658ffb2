package station

import (
	"context"
	"runtime"
	"sync"
	"time"

	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/tier"
)

// level is how much there is to do: 0 no more than can be done, 1 … 3 at 70, 85
// and 95 % of it.
type level int

// levels are from where on a level is reached.
var levels = [...]float64{1: 0.70, 2: 0.85, 3: 0.95}

// gauge turns samples into a level, which rises at once and falls after two lower
// samples one after the other, to the higher of them.
type gauge struct {
	at    level
	below bool  // the last sample was lower
	last  level // and it was this
}

// take takes a sample: the part of what can be done that is to be done.
func (g *gauge) take(part float64) level {
	is := level(0)
	for l, from := range levels {
		if l > 0 && part >= from {
			is = level(l)
		}
	}
	switch {
	case is >= g.at:
		g.at, g.below = is, false
	case g.below:
		g.at = max(is, g.last)
		g.below, g.last = is < g.at, is
	default:
		g.below, g.last = true, is
	}
	return g.at
}

// pressure is how near a node is to having too much to do, each as a part of
// what it can.
type pressure struct {
	cpu, memory float64 // smoothed
	saves       float64 // how long the oldest save has been under way, of tier.LongestEvery
	budget      float64 // how far apart checkpoints are to be: above the first of levels, further than they may
	latency     float64 // how long it takes to handle something, as levels has it
	level       level
}

// Weights of the newest sample of what is smoothed, and time between samples.
const (
	smooth     = 0.3
	sampleEach = time.Second
)

// pulse samples the process and holds the level.
type pulse struct {
	mu      sync.Mutex
	now     pressure
	all     gauge // of everything: what calls are admitted by
	windows gauge // of what windows cost
	latency latency
}

// last is the newest.
func (p *pulse) last() pressure {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// vitals is how the node fares, for the tier above.
func (p *pulse) vitals() link.Vitals {
	now := p.last()
	return link.Vitals{CPU: now.cpu, Memory: now.memory}
}

// take takes a sample, and gives what is to be done about calls and windows. A save
// that takes as long as checkpoints may be apart at most is from a store that takes
// nothing more. Wait is how long something waited for the node.
func (p *pulse) take(cpu, memory float64, wait time.Duration, f tier.Figures) (rpc.Pressure, link.Level) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.cpu += smooth * (cpu - p.now.cpu)
	p.now.memory += smooth * (memory - p.now.memory)
	p.now.saves = min(float64(f.Lag)/float64(tier.LongestEvery), 1)
	p.now.budget = min(levels[1]*float64(f.Wants)/float64(tier.LongestEvery), 1)
	p.latency.take(wait, f)
	p.now.latency = p.latency.part()
	p.now.level = p.all.take(max(p.now.cpu, p.now.memory, p.now.saves, p.now.latency))
	// Windows cost less CPU, and fewer bytes to save, already when they are few: of
	// want of these alone nothing is held back wholly, for then nobody would see the job.
	held := p.windows.take(max(min(max(p.now.cpu, p.now.budget), levels[2]), p.now.memory, p.now.saves))
	return rpc.Pressure(p.now.level), link.Level(held)
}

// feel tells the server and the children each second how much this node can take.
func (l *life) feel(ctx context.Context) error {
	used, limit := readUsage(), memoryLimit()
	cpus := float64(runtime.GOMAXPROCS(0))
	at, told := time.Now(), level(0)
	for pause(ctx, sampleEach) {
		now, is := time.Now(), readUsage()
		cpu := min((is.cpu-used.cpu).Seconds()/now.Sub(at).Seconds()/cpus, 1)
		memory := 0.0
		if limit > 0 {
			memory = min(float64(is.memory)/float64(limit), 1)
		}
		used, at = is, now
		calls, windows := l.pulse.take(cpu, memory, l.waited(ctx), l.tier.Ops().Figures())
		if l.tier.Ready() == nil {
			l.served.Store(true)
		}
		l.server.Press(calls)
		l.tier.Ops().Press(windows)
		if p := l.pulse.last(); p.level != told {
			l.log.Warn("how much this node has to do has changed", "level", int(p.level), "before", int(told),
				"cpu", p.cpu, "memory", p.memory, "saves", p.saves, "budget", p.budget, "latency", p.latency)
			told = p.level
		}
	}
	return nil
}
