package engine

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"hyperscale"
	"hyperscale/internal/session"
	"hyperscale/internal/stats"
)

// legShared is what the lanes have in common of a leg.
type legShared struct {
	leg          *Leg
	spare        chan *stats.Record
	perIteration bool // some connections end with their iteration
	overs        atomic.Int32
	noRow        atomic.Int64
	adjusted     uint64 // number of the last change heard of; guarded by the engine's mu
	bound        *bound // nil: there is none
	lease        lease

	mu  sync.Mutex
	end legEnd // guarded by mu

	stream *stats.Stream // of the books' goroutine, as are the fields below
	cells  map[cellKey]*cell
	reach  []hyperscale.JobTime // of each lane: where its last part ended
	closed int
}

// legEnd is how a leg ended, as its lanes tell it.
type legEnd struct {
	stopped hyperscale.JobTime // the latest lane's
	waived  hyperscale.JobTime // of all lanes

	// One iteration of a workflow without load.
	failed  bool
	cut     bool
	why     string
	exports map[string]session.Value
}

func newLegShared(e *Engine, leg *Leg) *legShared {
	var adjusted uint64
	if n := len(leg.Changes); n > 0 {
		adjusted = leg.Changes[n-1].Number
	}
	return &legShared{
		adjusted:     adjusted,
		leg:          leg,
		spare:        make(chan *stats.Record, 2*len(e.lanes)),
		perIteration: usesPerIteration(leg.Workflow.Steps),
		bound:        newBound(leg, len(e.lanes)),
		stream:       stats.NewStream(leg.Workflow.Name, leg.Share),
		cells:        map[cellKey]*cell{},
		reach:        make([]hyperscale.JobTime, len(e.lanes)),
	}
}

// usesPerIteration reports whether a step's connections end with the iteration.
func usesPerIteration(steps []hyperscale.Step) bool {
	return slices.ContainsFunc(steps, func(s hyperscale.Step) bool {
		return s.Request != nil && s.Request.Transport.Connections == hyperscale.ConnPerIteration ||
			usesPerIteration(s.Steps) ||
			slices.ContainsFunc(s.Choices, func(c hyperscale.Choice) bool { return usesPerIteration(c.Steps) })
	})
}

// record is an empty record.
func (s *legShared) record() *stats.Record {
	select {
	case r := <-s.spare:
		return r
	default:
		return stats.NewRecord(s.leg.Layout)
	}
}

// stoppedAt keeps when the load ended, and a lane's VU-time that the plan waived.
func (s *legShared) stoppedAt(at, waived hyperscale.JobTime) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end.stopped = max(s.end.stopped, at)
	s.end.waived += waived
}

// finishOnce keeps how the iteration of a workflow without load ended.
func (s *legShared) finishOnce(u *user, o session.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end.failed, s.end.cut = o == session.Failed, o == session.Interrupted
	if o != session.OK {
		return
	}
	exports, missing := u.session.Exports()
	if missing != "" {
		s.end.failed, s.end.why = true, "no value "+missing+" to export"
		return
	}
	s.end.exports = exports
}

// cutPart is what a lane hands in: a record, its last word, or a report that is
// to stay in order with these.
type cutPart struct {
	shared *legShared
	lane   int
	rec    *stats.Record
	stats.Interval
	number uint64 // of the last change made
	closed bool
	report *Report
}

// books joins what the lanes hand in to windows. Lanes never wait for it.
type books struct {
	engine *Engine
	mu     sync.Mutex
	cond   sync.Cond
	queue  []cutPart
	ended  bool
}

func newBooks(e *Engine) *books {
	b := &books{engine: e}
	b.cond.L = &b.mu
	return b
}

func (b *books) put(p cutPart) {
	b.mu.Lock()
	b.queue = append(b.queue, p)
	b.mu.Unlock()
	b.cond.Signal()
}

func (b *books) close() {
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	b.cond.Signal()
}

// take waits for parts; nil means the end.
func (b *books) take() []cutPart {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) == 0 && !b.ended {
		b.cond.Wait()
	}
	parts := b.queue
	b.queue = nil
	return parts
}

// run books parts until the end.
func (b *books) run() {
	for {
		parts := b.take()
		if len(parts) == 0 {
			return
		}
		for _, p := range parts {
			b.book(p)
		}
	}
}

// cellKey names the parts that make one window. Lanes cut at the same times of
// the window's interval, but each at its own moment when a load ends; so a part
// belongs to the interval that it begins in.
type cellKey struct {
	interval int64
	number   uint64
	stretch  stats.Stretch
}

type cell struct {
	stats.Interval
	recs []*stats.Record
}

// order is that of the windows of one interval.
var order = [...]int64{stats.InWarmup: 0, stats.InLoad: 1, stats.InGrace: 2}

func (k cellKey) compare(o cellKey) int {
	if k.interval != o.interval {
		return int(k.interval - o.interval)
	}
	if k.number != o.number {
		return cmp.Compare(k.number, o.number)
	}
	return int(order[k.stretch] - order[o.stretch])
}

func (b *books) book(p cutPart) {
	s := p.shared
	switch {
	case p.report != nil:
		b.engine.reports <- *p.report
		return
	case p.closed:
		s.closed++
		s.reach[p.lane] = never
	default:
		s.add(p, b.engine.cfg.Window)
	}
	b.windows(s)
}

// add puts a part into its cell.
func (s *legShared) add(p cutPart, window hyperscale.JobTime) {
	s.reach[p.lane] = p.To
	key := cellKey{int64(p.From / window), p.number, p.Stretch}
	c := s.cells[key]
	if c == nil {
		c = &cell{Interval: p.Interval}
		s.cells[key] = c
	}
	c.From, c.To = min(c.From, p.From), max(c.To, p.To)
	c.recs = append(c.recs, p.rec)
}

// windows makes windows of the cells that every lane has passed.
func (b *books) windows(s *legShared) {
	window := b.engine.cfg.Window
	reached := slices.Min(s.reach)
	keys := make([]cellKey, 0, len(s.cells))
	for k := range s.cells {
		if reached == never || hyperscale.JobTime(k.interval+1)*window <= reached {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, cellKey.compare)
	for i, k := range keys {
		b.cut(s, k, reached == never && i == len(keys)-1)
	}
	if reached == never {
		b.legEnded(s)
	}
}

// cut makes the window of one cell and gives the lanes' records back.
func (b *books) cut(s *legShared, k cellKey, last bool) {
	c := s.cells[k]
	delete(s.cells, k)
	watch := b.engine.watch.take()
	var w *stats.Window
	if last {
		w = s.stream.Last(c.Interval, c.recs, watch)
	} else {
		w = s.stream.Cut(c.Interval, c.recs, watch)
	}
	w.Adjustment = k.number
	for _, r := range c.recs {
		r.Reset()
		select {
		case s.spare <- r:
		default:
		}
	}
	b.engine.reports <- Report{Leg: s.leg.ID, Kind: WindowCut, Window: w, At: c.To}
}

func (b *books) legEnded(s *legShared) {
	b.engine.forget(s.leg.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	b.engine.reports <- Report{
		Leg: s.leg.ID, Kind: LegEnded, At: b.engine.clock(),
		Failed: s.end.failed, Interrupted: s.end.cut, Reason: s.end.why, Exports: s.end.exports, NoRows: s.noRow.Load(), Stopped: s.end.stopped, Waived: s.end.waived,
	}
}
