package sim

import (
	"slices"
	"time"

	"hyperscale"
)

// network is what lies between processes. Streams keep their order and lose
// nothing but by breaking; a path that is cut lets nothing through, silently.
type network struct {
	cuts map[path]time.Duration // until when
	base map[path]time.Duration // how long a byte takes at least
}

// path is one way between two processes.
type path struct{ from, to hyperscale.NodeID }

func newNetwork() network {
	return network{cuts: map[path]time.Duration{}, base: map[path]time.Duration{}}
}

// latency draws how long a message takes.
func (w *world) latency(from, to hyperscale.NodeID) time.Duration {
	base, known := w.net.base[path{from, to}]
	if !known {
		base = w.between(50*time.Microsecond, 2*time.Millisecond)
		if w.chance(0.1) {
			base = w.between(5*time.Millisecond, 40*time.Millisecond)
		}
		w.net.base[path{from, to}] = base
	}
	if w.chance(0.02) {
		return base + w.between(0, 150*time.Millisecond)
	}
	return base + w.between(0, base/4)
}

// cutOff reports whether nothing gets through one way.
func (n *network) cutOff(from, to hyperscale.NodeID) bool { return n.cuts[path{from, to}] != 0 }

// cut lets nothing through one way for a while. What is under way is sent again
// once it is over, if both ends still want it.
func (w *world) cut(from, to hyperscale.NodeID, length time.Duration) {
	key, ends := path{from, to}, w.now+length
	if w.net.cuts[key] >= ends {
		return
	}
	w.net.cuts[key] = ends
	w.at(ends, func() {
		if w.net.cuts[key] == ends {
			delete(w.net.cuts, key)
		}
	})
}

// stream is a connection between two processes, with two lanes each way that keep
// their order: of beats, and of windows.
type stream struct {
	w      *world
	number uint64
	ends   [2]*end
	ways   [2][2]lane
}

// end is one end of a stream.
type end struct {
	p     *proc
	boot  hyperscale.Boot
	open  bool
	heard time.Duration // when something came last, by the world's clock
	got   func(message any)
	ended func() // the other end is gone
}

// lane is one lane of one way.
type lane struct {
	last time.Duration // when the last message arrives at the earliest
	wait []any         // what waits for a path that is cut
}

// hangup is the last message of a stream.
type hangup struct{}

func (w *world) connect(number uint64, a, b *end) *stream {
	a.open, b.open, a.heard, b.heard = true, true, w.now, w.now
	a.boot, b.boot = a.p.boot, b.p.boot
	return &stream{w: w, number: number, ends: [2]*end{a, b}}
}

// send sends a message from one end.
func (s *stream) send(from, on int, message any) {
	if s.ends[from].open {
		s.push(from, on, message)
	}
}

func (s *stream) push(from, on int, message any) {
	l := &s.ways[from][on]
	if len(l.wait) > 0 {
		l.wait = append(l.wait, message)
		return
	}
	a, b := s.ends[from].p.id, s.ends[1-from].p.id
	l.last = max(l.last, s.w.now+s.w.latency(a, b))
	s.w.at(l.last, func() { s.arrive(from, on, message) })
}

// arrive hands a message over, or keeps it while the path is cut.
func (s *stream) arrive(from, on int, message any) {
	to := s.ends[1-from]
	if !to.open || !to.p.up || to.p.boot != to.boot {
		return
	}
	l := &s.ways[from][on]
	if len(l.wait) > 0 || s.w.net.cutOff(s.ends[from].p.id, to.p.id) {
		l.wait = append(l.wait, message)
		if len(l.wait) == 1 {
			s.w.after(20*time.Millisecond, func() { s.retry(from, on) })
		}
		return
	}
	to.p.inside(to.boot, func() { s.take(to, message) })
}

// retry sends what waited once the path is open again.
func (s *stream) retry(from, on int) {
	to := s.ends[1-from]
	if !to.open || !to.p.up || to.p.boot != to.boot {
		return
	}
	if s.w.net.cutOff(s.ends[from].p.id, to.p.id) {
		s.w.after(20*time.Millisecond, func() { s.retry(from, on) })
		return
	}
	l := &s.ways[from][on]
	waited := l.wait
	l.wait = nil
	for _, m := range waited {
		s.push(from, on, m)
	}
}

func (s *stream) take(to *end, message any) {
	if !to.open {
		return
	}
	to.heard = s.w.now
	if _, over := message.(hangup); over {
		to.open = false
		to.ended()
		return
	}
	to.got(message)
}

// close ends a stream from one end; the other hears it.
func (s *stream) close(from int) {
	if !s.ends[from].open {
		return
	}
	s.ends[from].open = false
	s.push(from, 0, hangup{})
}

// die is what the machine does with the streams of a process that is gone: it ends
// them, unless it is gone too.
func (w *world) die(streams []*stream, p *proc) {
	for _, s := range streams {
		for i, e := range s.ends {
			if e.p == p && e.open {
				e.open = false
				if !p.lost {
					s.push(i, 0, hangup{})
				}
			}
		}
	}
}

// without gives the streams but one.
func without(streams []*stream, s *stream) []*stream {
	return slices.DeleteFunc(streams, func(o *stream) bool { return o == s })
}
