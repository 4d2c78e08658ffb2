package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/engine/dial"
)

// Config is what an engine is made for. The zero value is ready.
type Config struct {
	Lanes  int           // 0: as many as the CPUs that this process may use
	Window time.Duration // length of a window; 0: 1 s
	Names  *dial.Names   // nil: a resolver of its own
	Trace  Trace         // nil: nobody wants to see requests
}

// Engine runs legs on its lanes. It does nothing until Run.
type Engine struct {
	cfg     Config
	base    time.Time // when its clock was zero; never changed once it runs
	lanes   []*lane
	books   *books
	reports chan Report
	watch   *watch

	mu   sync.Mutex
	legs map[int]*legShared
}

// New makes an engine. It opens the lanes' descriptors; Run closes them.
func New(cfg Config) (*Engine, error) {
	cfg.Lanes = cmp.Or(cfg.Lanes, runtime.GOMAXPROCS(0))
	cfg.Window = cmp.Or(cfg.Window, time.Second)
	if cfg.Names == nil {
		cfg.Names = dial.NewNames()
	}
	e := &Engine{cfg: cfg, base: time.Now(), reports: make(chan Report, 64), legs: map[int]*legShared{}}
	e.books = newBooks(e)
	e.watch = newWatch(cfg.Lanes)
	for i := range cfg.Lanes {
		l, err := newLane(e, i)
		if err != nil {
			for _, l := range e.lanes {
				l.io.close()
			}
			return nil, fmt.Errorf("make lane %d: %w", i, err)
		}
		e.lanes = append(e.lanes, l)
	}
	return e, nil
}

// Lanes is the number of lanes.
func (e *Engine) Lanes() int { return len(e.lanes) }

// Reports are what the engine tells; somebody must listen for as long as Run
// runs. It is closed when Run returns.
func (e *Engine) Reports() <-chan Report { return e.reports }

// Begin sets when the engine's job time was zero, or will be: it may be in the
// past, of a job that runs already. It is called before Run or not at all.
func (e *Engine) Begin(zero time.Time) { e.base = zero }

// Now is the engine's job time: zero when it was made, or as Begin set it.
func (e *Engine) Now() hyperscale.JobTime { return e.clock() }

// clock reads the monotonic clock only.
func (e *Engine) clock() hyperscale.JobTime { return time.Since(e.base) }

// Run runs the lanes until ctx ends, at the pace of the engine's clock, which was
// zero when New was called or Begin says. Windows end at whole multiples of their
// length on that clock, so those of engines with one job time fall together. When
// it returns, all goroutines, timers and
// descriptors of the engine are gone; legs still running were cut off unreported.
func (e *Engine) Run(ctx context.Context) error {
	// Lanes never give up their thread while they are busy: the rest of the
	// process needs room beside them.
	if want := len(e.lanes) + 1; runtime.GOMAXPROCS(0) < want {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(want))
	}
	var g sync.WaitGroup
	for _, l := range e.lanes {
		g.Go(l.run)
	}
	helpers, stop := context.WithCancel(context.WithoutCancel(ctx))
	var h sync.WaitGroup
	h.Go(func() { e.watch.run(helpers) })
	h.Go(func() { e.cfg.Names.Run(helpers) })
	h.Go(func() { e.books.run() })
	<-ctx.Done()
	for _, l := range e.lanes {
		l.post(func() { l.quit = true })
	}
	g.Wait()
	stop()
	e.books.close()
	h.Wait()
	close(e.reports)
	return nil
}

// errUnknown is returned for a leg that is not running.
var errUnknown = errors.New("no such leg")

// Start runs a leg. Its reports follow.
func (e *Engine) Start(leg Leg) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.legs[leg.ID] != nil {
		return fmt.Errorf("start leg %d: it runs already", leg.ID)
	}
	s := newLegShared(e, &leg)
	s.lease.renew(leg.Until)
	e.legs[leg.ID] = s
	for _, l := range e.lanes {
		l.post(func() { l.legs = append(l.legs, newLaneLeg(l, s)) })
	}
	return nil
}

// Stop ends a leg's load before its time: nothing more begins, what is under way
// may finish within the time given.
func (e *Engine) Stop(leg int, within time.Duration) error {
	return e.each(leg, func(g *laneLeg) { g.halt(within) })
}

// Cut ends a leg now: what is under way is interrupted.
func (e *Engine) Cut(leg int) error {
	return e.each(leg, func(g *laneLeg) { g.halt(0) })
}

// Reach tells how far a leg's load of virtual users has come: nothing at or
// beyond it was begun. It is false for a leg that is not running, or has no
// bound.
func (e *Engine) Reach(leg int) (Reserve, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.legs[leg]
	if s == nil || s.bound == nil {
		return Reserve{}, false
	}
	return s.bound.reach(), true
}

// Grant lets a leg begin what lies before the reserve; what waited for that
// begins. A lower one than before changes nothing.
func (e *Engine) Grant(leg int, upTo Reserve) error {
	return e.each(leg, func(g *laneLeg) {
		if b := g.shared.bound; b != nil && b.grant(upTo) {
			g.course.granted(g)
		}
	})
}

// Lease lets a leg begin nothing from the time given on, by the engine's clock. Each
// lane looks at its own clock before it begins something, so that one that stood
// still begins nothing late. A leg that is not running has no lease.
func (e *Engine) Lease(leg int, until hyperscale.JobTime) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.legs[leg]
	if s == nil {
		return
	}
	over := s.lease.over(e.clock())
	s.lease.renew(until)
	if over { // what waited goes on
		e.post(s, func(g *laneLeg) { g.course.granted(g) })
	}
}

// each does f on every lane's part of a leg.
func (e *Engine) each(leg int, f func(*laneLeg)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.legs[leg]
	if s == nil {
		return errUnknown
	}
	e.post(s, f)
	return nil
}

// post makes every lane do f with its part of a leg.
func (e *Engine) post(s *legShared, f func(*laneLeg)) {
	for _, l := range e.lanes {
		l.post(func() {
			for _, g := range l.legs {
				if g.shared == s {
					f(g)
				}
			}
		})
	}
}

// laneOver is called by each lane once, when its part of a leg is over. After
// the last one the lanes close their books on it.
func (e *Engine) laneOver(s *legShared) {
	if int(s.overs.Add(1)) < len(e.lanes) {
		return
	}
	for _, l := range e.lanes {
		l.post(func() { l.closeLeg(s) })
	}
}

// closeLeg hands in the lane's last record of a leg and forgets it.
func (l *lane) closeLeg(s *legShared) {
	for i, g := range l.legs {
		if g.shared == s {
			g.cut(max(l.tick(), g.from))
			l.legs = append(l.legs[:i], l.legs[i+1:]...)
			l.engine.books.put(cutPart{shared: s, lane: l.index, closed: true})
			return
		}
	}
}

// collect hands in the records of a window.
func (e *Engine) collect(p cutPart) { e.books.put(p) }

// report tells the listener.
func (e *Engine) report(r Report) { e.books.put(cutPart{report: &r}) }

// forget drops a leg that has been reported.
func (e *Engine) forget(id int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.legs, id)
}
