//go:build linux

package engine

import (
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
	"hyperscale/internal/stats"
)

// echo is a driver whose answers are there when they are asked for.
type echo struct {
	lane *lane
	x    *wire.Exchange
}

func (d *echo) Send(x *wire.Exchange) {
	x.Answer = session.Answer{Start: d.lane.now}
	x.Phases = wire.Phases{Connect: -1, TLS: -1}
	x.Fault, x.BytesIn, x.BytesOut = 0, 150, 80
	d.x = x
}

func (d *echo) Cancel(x *wire.Exchange) wire.Stage         { d.x = nil; return wire.Waiting }
func (d *echo) Release(*wire.Owner, hyperscale.ConnPolicy) {}
func (d *echo) Open() int                                  { return 1 }
func (d *echo) Close()                                     {}

// answerOne ends the request under way, and so begins the next.
func (d *echo) answerOne() {
	x := d.x
	x.Answer.Status, x.Answer.BodySize = 200, 64
	x.Answer.End = d.lane.tick()
	d.lane.done(x)
}

// Slots that were due when a stop is asked for are begun before it, and none
// after.
func TestHaltBeginsWhatWasDue(t *testing.T) {
	e, err := New(Config{Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	l := e.lanes[0]
	t.Cleanup(l.io.close)
	l.io.drivers[0] = &echo{lane: l}
	w := get("http://127.0.0.1:1/", hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
		{From: int64(10 * hyperscale.PerSecond), To: int64(10 * hyperscale.PerSecond), Over: time.Hour},
	}})
	g := newLaneLeg(l, newLegShared(e, legOf(t, w)))
	l.nextCut = 10 * time.Second
	e.base = e.base.Add(-950 * time.Millisecond) // ten slots are due since the lane last looked
	rec := g.rec
	g.halt(time.Second)
	if rec.Due < 10 || rec.Slots.Started != rec.Due || rec.Missed != 0 {
		t.Errorf("due %d, started %d, missed %d; want 10 due", rec.Due, rec.Slots.Started, rec.Missed)
	}
	e.base = e.base.Add(-time.Second)
	if g.advance(l.tick()); g.rec.Due != 0 {
		t.Errorf("%d slots were due after the stop", g.rec.Due)
	}
}

// A lane that looks late tells of no slot that was due after the end of a window in
// that window, nor in the last of a load that is halted meanwhile: from there on the
// slots may be another's.
func TestWindowHoldsNoSlotDueAfterIt(t *testing.T) {
	for what, look := range map[string]func(*lane, *laneLeg){
		"looks late":     func(l *lane, _ *laneLeg) { l.turn() },
		"is halted late": func(_ *lane, g *laneLeg) { g.halt(0) },
		"falls behind":   func(l *lane, g *laneLeg) { g.advance(l.now) },
	} {
		t.Run(what, func(t *testing.T) {
			e, err := New(Config{Lanes: 1})
			if err != nil {
				t.Fatal(err)
			}
			l := e.lanes[0]
			t.Cleanup(l.io.close)
			l.io.drivers[0] = &echo{lane: l}
			leg := legOf(t, get("http://127.0.0.1:1/", steady(100, time.Hour)))
			leg.Warmup = time.Second
			g := newLaneLeg(l, newLegShared(e, leg))
			g.warm = false
			l.legs, l.nextCut = append(l.legs, g), time.Second
			e.base = e.base.Add(-900 * time.Millisecond)
			for l.turn() <= l.now {
			}
			rec := g.rec // of the window [0, 1 s)
			e.base = e.base.Add(-200 * time.Millisecond)
			l.tick()
			look(l, g)
			if rec.Due > 100 {
				t.Errorf("%d slots are told of, 100 were due", rec.Due)
			}
		})
	}
}

// Once its lease is over a leg begins nothing, however late its lane looks, until the
// lease is renewed; and what was due and not begun is missed when it is halted.
func TestLeaseEnds(t *testing.T) {
	for _, load := range []hyperscale.Load{
		steady(100, time.Hour),
		{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 1, To: 1, Over: time.Hour}}},
		{Kind: hyperscale.LoadIterations, Iterations: 1000, VUs: 1},
	} {
		e, err := New(Config{Lanes: 1})
		if err != nil {
			t.Fatal(err)
		}
		l := e.lanes[0]
		t.Cleanup(l.io.close)
		l.io.drivers[0] = &echo{lane: l}
		leg := legOf(t, get("http://127.0.0.1:1/", load))
		leg.Until = 500 * time.Millisecond
		s := newLegShared(e, leg)
		s.lease.renew(leg.Until)
		e.legs[leg.ID] = s
		g := newLaneLeg(l, s)
		l.legs, l.nextCut = append(l.legs, g), time.Hour
		e.base = e.base.Add(-600 * time.Millisecond) // it stood still from before the start
		l.turn()
		if g.rec.Slots.Started != 0 {
			t.Errorf("load %v: %d slots were started after the lease", load.Kind, g.rec.Slots.Started)
		}
		rec := g.rec
		e.Lease(leg.ID, time.Hour)
		l.turn()
		if rec.Slots.Started == 0 {
			t.Errorf("load %v: no slot was started after the lease was renewed", load.Kind)
		}
	}
}

// legOf is a leg that runs the workflow.
func legOf(tb testing.TB, w *hyperscale.Workflow) *Leg {
	p := &hyperscale.Plan{Workflows: []hyperscale.Workflow{*w}}
	program, err := session.Compile(p, 0, session.Inputs{})
	if err != nil {
		tb.Fatal(err)
	}
	layout := &stats.Layout{Workflow: "w", FaultName: func(uint32) string { return "" }}
	for _, st := range program.Steps {
		layout.Steps = append(layout.Steps, stats.StepLayout{Name: st.Name, Checks: st.Checks})
	}
	return &Leg{Workflow: w, Program: program, Layout: layout, Load: w.Load, Share: hyperscale.Whole, Graceful: w.Graceful}
}

// busyLane is a lane with one VU that asks as soon as it is answered.
func busyLane(tb testing.TB) (*lane, *echo) {
	e, err := New(Config{Lanes: 1})
	if err != nil {
		tb.Fatal(err)
	}
	l := e.lanes[0]
	tb.Cleanup(l.io.close)
	d := &echo{lane: l}
	l.io.drivers[0] = d
	w := get("http://127.0.0.1:1/", hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 1, To: 1, Over: time.Hour}}})
	g := newLaneLeg(l, newLegShared(e, legOf(tb, w)))
	l.legs = append(l.legs, g)
	g.advance(l.tick())
	for range 1000 {
		d.answerOne()
	}
	return l, d
}

// In the steady state a request costs no allocation of ours.
func TestRequestAllocatesNothing(t *testing.T) {
	_, d := busyLane(t)
	if n := testing.AllocsPerRun(10_000, d.answerOne); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}

// What the lane, the session and the records cost beside the driver.
func BenchmarkRequest(b *testing.B) {
	_, d := busyLane(b)
	b.ReportAllocs()
	for b.Loop() {
		d.answerOne()
	}
}
