package route

import (
	"slices"
	"time"
)

// Latency is what is known of the way to one peer: its last 100 round trips. It
// belongs to the record of the peer, and goes with it. The zero value knows nothing.
type Latency struct {
	last   []time.Duration // a ring once it is full
	next   int             // where the next goes
	jitter time.Duration
	upper  time.Duration
	slow   moment // since when its outliers are slow
}

const (
	samples = 100 // that count
	smooth  = 16  // each sample moves the jitter by one part in so many, as in RTP
)

// Add takes a round trip in.
func (l *Latency) Add(now, rtt time.Duration) {
	if n := len(l.last); n > 0 {
		before := l.last[(l.next+n-1)%n]
		l.jitter += ((rtt - before).Abs() - l.jitter) / smooth
	}
	if len(l.last) < samples {
		l.last = append(l.last, rtt)
	} else {
		l.last[l.next] = rtt
	}
	l.next = (l.next + 1) % samples
	sorted := l.sorted()
	l.upper = nearest(sorted, 95) + 2*l.jitter
	switch {
	case len(sorted) < samples, nearest(sorted, 99) <= slowTimes*max(nearest(sorted, 50), near):
		l.slow = moment{}
	case !l.slow.set:
		l.slow = at(now)
	}
}

// A peer is slow whose p99 is above so many times its p50; of fewer than all samples
// the p99 would be the worst one, which says nothing. What is nearer than a
// millisecond counts as that far: ten times less is any scheduler's hiccup.
const (
	slowTimes = 10
	near      = time.Millisecond
)

// Samples is how many round trips it rests on, 100 at most.
func (l *Latency) Samples() int { return len(l.last) }

// Jitter is the mean difference between neighbours, the newest counting most.
func (l *Latency) Jitter() time.Duration { return l.jitter }

// Percentile is the nearest-rank percentile, 1 … 100; 0 without samples.
func (l *Latency) Percentile(p int) time.Duration { return nearest(l.sorted(), p) }

// Upper is what a round trip takes at most, but for outliers: p95 + 2 × jitter.
func (l *Latency) Upper() time.Duration { return l.upper }

// Slow reports whether for so long its p99 was above 10 × p50.
func (l *Latency) Slow(now, long time.Duration) bool {
	return l.slow.set && now-l.slow.at >= long
}

func (l *Latency) sorted() []time.Duration { return slices.Sorted(slices.Values(l.last)) }

func nearest(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*p+99)/100-1]
}

// moment is a time at which something happened, if it did.
type moment struct {
	at  time.Duration
	set bool
}

func at(now time.Duration) moment { return moment{now, true} }

// within reports whether it happened less than so long ago.
func (m moment) within(now, long time.Duration) bool { return m.set && now-m.at < long }
