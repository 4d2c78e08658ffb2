package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"hyperscale"
	"hyperscale/internal/engine/wheel"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// beginID is the ID of the alarm that begins a user's next iteration.
const beginID = -1

// lane is one event loop. All its fields but the mailbox belong to the goroutine
// that runs it.
type lane struct {
	index     int
	engine    *Engine
	now       hyperscale.JobTime // when the clock was last read
	wheel     *wheel.Wheel
	io        *network
	legs      []*laneLeg
	nextCut   hyperscale.JobTime
	quit      bool
	flights   *flight // spare
	alarms    *alarm  // spare
	effects   []session.Effect
	iteration session.Iteration // given to sessions by address
	scratch   session.Scratch
	idle      bool // found its event queue empty since the last cut
	mail      mailbox
}

// flight is a request under way, with what the lane knows of it.
type flight struct {
	wire.Exchange
	user     *user // nil: spare
	id       int32
	step     int32
	due      hyperscale.JobTime
	deadline hyperscale.JobTime
	timer    wheel.Timer // may go off early, for an older deadline; it then waits again
	next     *flight
}

// alarm wakes a user.
type alarm struct {
	wheel.Timer
	user *user
	id   int32
	next *alarm
}

// mailbox holds what other goroutines want done on the lane's thread.
type mailbox struct {
	full   atomic.Bool
	mu     sync.Mutex
	fs     []func()
	closed bool
}

// put adds f and calls wake, unless the lane is gone.
func (m *mailbox) put(f func(), wake func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.fs = append(m.fs, f)
	m.full.Store(true)
	wake()
}

func (m *mailbox) take() []func() {
	if !m.full.Load() {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fs := m.fs
	m.fs = nil
	m.full.Store(false)
	return fs
}

func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}

func newLane(e *Engine, index int) (*lane, error) {
	l := &lane{index: index, engine: e, wheel: wheel.New(0)}
	io, err := newNetwork(l)
	if err != nil {
		return nil, err
	}
	l.io = io
	return l, nil
}

// post makes the lane do f soon. It may be called from any goroutine.
func (l *lane) post(f func()) {
	l.mail.put(f, l.io.wake)
}

// tick reads the clock.
func (l *lane) tick() hyperscale.JobTime {
	l.now = l.engine.clock()
	return l.now
}

// run is the lane's loop: it returns when quit is set, with nothing left open.
func (l *lane) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.io.enter()
	defer l.io.close()
	defer l.mail.close()
	window := l.engine.cfg.Window
	l.nextCut = (max(l.tick(), 0)/window + 1) * window // before job time 0 there is nothing to cut
	for {
		next := l.turn()
		if l.quit {
			return
		}
		l.io.wait(next)
	}
}

// turn does all that is due and tells when there is more.
func (l *lane) turn() hyperscale.JobTime {
	for _, f := range l.mail.take() {
		l.tick()
		f()
	}
	l.wheel.Advance(l.tick())
	l.cutWindows()
	next := min(l.nextCut, l.wheel.Next())
	for _, g := range l.legs {
		next = min(next, g.advance(l.now))
	}
	return min(next, l.wheel.Next())
}

// cutWindows ends the windows of all legs when the time has come. All lanes cut
// at the same times.
func (l *lane) cutWindows() {
	for l.now >= l.nextCut {
		for _, g := range l.legs {
			if g.state != waiting {
				g.cut(max(l.nextCut, g.from))
			}
		}
		l.engine.watch.lane(l.index, l.idle, l.io.open())
		l.nextCut += l.engine.cfg.Window
		l.idle = false
	}
}

// step gives u's session an event and carries out what it wants.
func (l *lane) step(u *user, ev session.Event) { l.perform(u, l.ask(u, ev)) }

// ask gives u's session an event. What it wants is valid until the next one.
func (l *lane) ask(u *user, ev session.Event) []session.Effect {
	effects := u.session.Step(l.now, ev, l.effects[:0])
	l.effects = effects[:0]
	return effects
}

// perform carries out what u's session wants.
func (l *lane) perform(u *user, effects []session.Effect) {
	rec := u.leg.rec
	for i := range effects {
		e := &effects[i]
		if e.Stop == session.StopJob && e.Kind != session.Done {
			u.leg.stopJob(e.Step)
		}
		switch e.Kind {
		case session.Send:
			l.send(u, e)
		case session.Wait:
			l.await(u, e.ID, e.At)
		case session.Ended:
			l.record(u, e)
		case session.Listed:
			listed(&rec.Steps[e.Step], e)
		case session.Faulted:
			st := &rec.Steps[e.Step]
			st.Faulted++
			st.StepFault(uint32(e.Fault), e.Text)
		case session.Passed:
			rec.Steps[e.Step].Skipped++
		case session.Done:
			done := *e // the list is used again by what comes next
			l.dropAlarms(u)
			u.leg.ended(u, done)
			return
		}
	}
}

// send takes a request in hand.
func (l *lane) send(u *user, e *session.Effect) {
	f := l.flights
	if f == nil {
		f = &flight{}
		f.Lane = f
		f.timer.Wake = func(now time.Duration) { l.expired(f, now) }
	} else {
		l.flights = f.next
	}
	f.user, f.id, f.step, f.due = u, e.ID, e.Step, e.At
	f.next, u.flights = u.flights, f
	f.Request = e.Request
	if l.engine.cfg.Trace != nil {
		f.Request = traced(e.Request)
	}
	f.deadline = l.now + e.Request.Timeout
	if !f.timer.Armed() || f.timer.At() > f.deadline {
		l.wheel.Arm(&f.timer, f.deadline)
	}
	u.leg.rec.Steps[e.Step].Started++
	driver := l.io.driver(e.Request.Origin.Transport)
	f.Owner = &u.owners[driver]
	l.io.drivers[driver].Send(&f.Exchange)
}

// expired gives up a request whose time is over.
func (l *lane) expired(f *flight, now hyperscale.JobTime) {
	if f.user == nil {
		return
	}
	if now < f.deadline {
		l.wheel.Arm(&f.timer, f.deadline)
		return
	}
	l.tick()
	code := session.Timeout
	switch l.io.of(f).Cancel(&f.Exchange) {
	case wire.Resolving, wire.Connecting:
		code, f.user.unconnected = session.ConnectionTimeout, true
	}
	f.Fault = session.NewFault(code, 0)
	f.Answer.End = l.now
	l.trace(f)
	l.step(f.user, session.Event{Kind: session.Broken, ID: f.id, Fault: f.Fault})
}

// done takes back an exchange that has ended.
func (l *lane) done(x *wire.Exchange) {
	f := x.Lane.(*flight)
	u := f.user
	if u == nil {
		return // it was given up while it was on its way back
	}
	l.trace(f)
	if x.Fault == 0 {
		l.step(u, session.Event{Kind: session.Answered, ID: f.id, Answer: &x.Answer})
		return
	}
	if unmade(x) {
		u.unconnected = true
	}
	l.step(u, session.Event{Kind: session.Broken, ID: f.id, Fault: x.Fault, Text: x.Text})
}

// unmade reports whether x failed because its connection could not be made, cut
// in its TLS handshake included.
func unmade(x *wire.Exchange) bool {
	switch x.Fault.Code() {
	case session.NameNotResolved, session.ConnectionRefused, session.NoLocalPort, session.NoDescriptor,
		session.TLSFailed, session.ConnectFailed, session.ConnectionTimeout:
		return true
	}
	return x.Request.Origin.Scheme == "https" && x.Phases.Connect >= 0 && x.Phases.TLS < 0
}

// record books the end of a request and frees its flight.
func (l *lane) record(u *user, e *session.Effect) {
	f := u.unlink(e.ID)
	if e.Outcome == session.Cancelled {
		l.io.of(f).Cancel(&f.Exchange)
	}
	book(u.leg.rec, f, e)
	f.user, f.Request, f.Owner = nil, nil, nil
	f.next, l.flights = l.flights, f
}

// unlink takes the flight with the given ID out of u's list.
func (u *user) unlink(id int32) *flight {
	for p := &u.flights; *p != nil; p = &(*p).next {
		if f := *p; f.id == id {
			*p = f.next
			return f
		}
	}
	panic("engine: the session ended a request that is not under way")
}

// await wakes u at the given time.
func (l *lane) await(u *user, id int32, at hyperscale.JobTime) {
	a := l.alarms
	if a == nil {
		a = &alarm{}
		a.Wake = func(now time.Duration) { l.ring(a, now) }
	} else {
		l.alarms = a.next
	}
	a.user, a.id = u, id
	a.next, u.alarms = u.alarms, a
	l.wheel.Arm(&a.Timer, at)
}

// ring wakes the user that a belongs to.
func (l *lane) ring(a *alarm, _ hyperscale.JobTime) {
	u, id := a.user, a.id
	for p := &u.alarms; *p != nil; p = &(*p).next {
		if *p == a {
			*p = a.next
			break
		}
	}
	a.user, a.next, l.alarms = nil, l.alarms, a
	l.tick()
	if id == beginID {
		u.leg.course.loop(u.leg, u)
		return
	}
	l.step(u, session.Event{Kind: session.Woken, ID: id})
}

// dropAlarms makes nothing wake u any more.
func (l *lane) dropAlarms(u *user) {
	for a := u.alarms; a != nil; {
		next := a.next
		l.wheel.Disarm(&a.Timer)
		a.user, a.next, l.alarms = nil, l.alarms, a
		a = next
	}
	u.alarms = nil
}

// release closes u's connections.
func (l *lane) release(u *user, policy hyperscale.ConnPolicy) {
	for i, d := range l.io.drivers {
		if u.owners[i].Conns != nil {
			d.Release(&u.owners[i], policy)
		}
	}
}
