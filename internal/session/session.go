package session

import (
	"errors"
	"slices"

	"hyperscale"
	"hyperscale/internal/expr"
)

// Session is one virtual user. It is prepared by [Program.Init] and then driven
// by Step; it belongs to one goroutine at a time. Its rooms are made when they
// are first needed.
//
// What each event does, by where the session is:
//
//	            idle                 running
//	Begin       begins an iteration  panics: the engine is broken
//	Answered    ignored              ends the request, goes on
//	Broken      ignored              ends the request, goes on
//	Woken       ignored              ends the pause, goes on
//	Interrupt   ignored              ends all requests and the iteration
//
// An event whose ID is not under way is ignored. After Done the session is idle;
// pauses that were still open need no Woken.
type Session struct {
	// Scratch is memory that sessions stepped by one goroutine may share. It is
	// set after Init or not at all; nil: one of its own, once it is needed.
	Scratch *Scratch

	p         *Program
	turn      turn
	iteration Iteration
	flow      flow
	flights   []*flight // under way, in the order of their starts
	spare     []*flight
	memory    *memory // nil: no values yet
	jar       jar
	checks    []bool
	lastID    int32
	visit     uint32 // of the step whose templates are evaluated

	begun   bool // at least one iteration began
	again   bool // this is not the first iteration
	running bool
	ending  bool // nothing more is started
	failed  bool
	stop    Stop
}

// Init makes s a virtual user of the program that has done nothing yet.
func (p *Program) Init(s *Session) { *s = Session{p: p, Scratch: s.Scratch} }

// Step tells the session what happened and appends what it wants done, in this
// order, to out. Now is the present in job time.
func (s *Session) Step(now Time, ev Event, out []Effect) []Effect {
	t := &s.turn
	t.s, t.p, t.now, t.out = s, s.p, now, out
	switch {
	case ev.Kind == Begin:
		t.begin(ev.Iteration)
	case !s.running:
	case ev.Kind == Answered:
		if f := s.flight(ev.ID); f != nil {
			t.answered(f, ev.Answer)
		}
	case ev.Kind == Broken:
		if f := s.flight(ev.ID); f != nil {
			t.broken(f, ev.Fault, ev.Text)
		}
	case ev.Kind == Woken:
		t.woken(ev.ID)
	case ev.Kind == Interrupt:
		t.interrupt()
	}
	out, t.out = t.out, nil
	return out
}

// turn is one Step under way. It is part of the session so that it need not be
// allocated for each.
type turn struct {
	s   *Session
	p   *Program
	now Time
	out []Effect
}

// emit appends an effect, to be filled in before the next one.
func (t *turn) emit(kind EffectKind) *Effect {
	n := len(t.out)
	if n == cap(t.out) {
		t.out = slices.Grow(t.out, 1)
	}
	t.out = t.out[:n+1]
	e := &t.out[n]
	*e = Effect{Kind: kind}
	return e
}

// mostAtOnce is how many steps a session takes in one Step. One that could go on
// for ever without waiting then lets others work.
const mostAtOnce = 10_000

// begin begins an iteration.
func (t *turn) begin(it *Iteration) {
	s := t.s
	if s.running {
		panic("session: an iteration begins while another one runs")
	}
	s.iteration = *it
	s.again, s.begun = s.begun, true
	s.running, s.ending, s.failed, s.stop = true, false, false, StopNothing
	if !t.p.keepJar {
		s.jar.empty()
	}
	if set := s.freshValues(); set != nil {
		s.running = false
		e := t.emit(Done)
		e.Stop, e.Fault = StopVU, NewFault(NoRow, t.p.values.faults[set.name])
		return
	}
	s.freshFlow()
	root := t.p.flow.root
	t.enter(root, t.p.flow.nodes[root].kids, it.Due)
	t.goOn()
}

// freshFlow puts all nodes at their beginning.
func (s *Session) freshFlow() {
	fl := &s.flow
	if fl.nodes == nil {
		fl.nodes = make([]nodeState, len(s.p.flow.nodes))
		fl.groups = make([]groupState, len(s.p.flow.groups))
	}
	for i := range fl.nodes {
		fl.nodes[i].visits = 0
	}
	for i := range fl.groups {
		fl.groups[i].running = false
	}
	fl.ready, fl.open, fl.over = fl.ready[:0], fl.open[:0], false
}

// goOn starts what is ready, and ends the iteration when nothing is left.
func (t *turn) goOn() {
	s, fl := t.s, &t.s.flow
	for head, started := 0, 0; head < len(fl.ready) && !s.ending; started++ {
		if started == mostAtOnce {
			fl.ready = append(fl.ready[:0], fl.ready[head:]...)
			t.rest()
			break
		}
		n := fl.ready[head]
		if head++; head == len(fl.ready) {
			fl.ready, head = fl.ready[:0], 0
		}
		t.start(n)
	}
	if (fl.over || s.ending) && len(s.flights) == 0 {
		t.done()
	}
}

// rest lets others work before the session goes on.
func (t *turn) rest() {
	id := t.s.newID()
	t.s.flow.open = append(t.s.flow.open, wait{id: id, node: -1, until: t.now})
	e := t.emit(Wait)
	e.ID, e.At = id, t.now
}

// done ends the iteration.
func (t *turn) done() {
	t.s.running = false
	e := t.emit(Done)
	e.Stop = t.s.stop
	if t.s.failed {
		e.Outcome = Failed
	}
}

// interrupt ends everything.
func (t *turn) interrupt() {
	s := t.s
	for _, f := range s.flights {
		e := t.emit(Ended)
		e.Outcome, e.Fault, e.ID, e.Step = Cancelled, NewFault(Cut, 0), f.id, f.node
		s.spare = append(s.spare, f)
	}
	s.flights, s.running = s.flights[:0], false
	e := t.emit(Done)
	e.Outcome, e.Stop = Interrupted, s.stop
}

// woken ends a pause.
func (t *turn) woken(id int32) {
	fl := &t.s.flow
	for i, w := range fl.open {
		if w.id != id {
			continue
		}
		fl.open = append(fl.open[:i], fl.open[i+1:]...)
		if w.node >= 0 && !t.s.ending {
			t.paused(w.node, w.until)
		}
		t.goOn()
		return
	}
}

// newID numbers requests and waits: all that are under way differ.
func (s *Session) newID() int32 {
	s.lastID = s.lastID&0x7fff_ffff + 1
	if s.lastID < 0 {
		s.lastID = 1
	}
	return s.lastID
}

// template evaluates a template, or says which value it lacks.
func (t *turn) template(dst []byte, b *expr.Bound) ([]byte, Fault) {
	dst, err := b.Append(dst, (*scope)(t.s), expr.None)
	if err != nil {
		return dst, t.p.noValue(err)
	}
	return dst, 0
}

// holds evaluates a condition.
func (t *turn) holds(c *expr.BoundCondition) (bool, error) {
	sc := t.s.scratch()
	holds, text, err := c.Holds((*scope)(t.s), sc.text[:0])
	sc.text = text
	return holds, err
}

// noValue is the fault of an evaluation.
func (p *Program) noValue(err error) Fault {
	name := ""
	if missing, ok := errors.AsType[*expr.NoValue](err); ok {
		name = missing.Name
	}
	return NewFault(NoValue, p.values.faults[name])
}

// faultText is a sample of a step's own fault in words.
func (s *Session) faultText(f Fault) string {
	if f.Code() == NoValue && s.memory != nil {
		return s.memory.fault
	}
	return ""
}

// stopOf is how far the end goes that follows a failed step.
func stopOf(e hyperscale.OnError) Stop {
	switch e {
	case hyperscale.OnErrorStopVU:
		return StopVU
	case hyperscale.OnErrorAbort:
		return StopJob
	}
	return StopNothing
}
