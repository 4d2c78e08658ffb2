package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/store/memstore"
)

// epoch is the wall clock at the beginning of virtual time.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world is one run.
type world struct {
	agenda
	people
	cfg   Config
	plan  scenario
	rand  *rand.Rand
	trace trace
	wrong []string // what was found wrong
	sites sites

	store  *memstore.Store
	outage time.Duration // until then the store has no leader
	slow   time.Duration // until then it is slow
	net    network
}

// agenda is what is to happen, and when it is.
type agenda struct {
	now   time.Duration
	queue queue
	seq   uint64
	still int           // events since …
	moved time.Duration // … time moved on by a millisecond
}

// people are all who take part, and the jobs that they have.
type people struct {
	managers []*manager
	workers  []*worker
	clients  []*client
	above    *above
	jobs     map[hyperscale.JobID]*truth
}

// sites counts what happened, so that a test can tell that it did.
type sites map[string]int

// occurrence is an event of the queue.
type occurrence struct {
	at  time.Duration
	seq uint64
	do  func()
}

// queue is a heap by time and number.
type queue []occurrence

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(occurrence)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = occurrence{}
	*q = old[:len(old)-1]
	return last
}

// after does something later.
func (w *world) after(d time.Duration, do func()) { w.at(w.now+max(d, 0), do) }

func (w *world) at(t time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, occurrence{max(t, w.now), w.seq, do})
}

// run lets time pass until then, or until there is nothing to happen.
func (w *world) run(until time.Duration, over func() bool) {
	for len(w.queue) > 0 && w.queue[0].at <= until && !over() {
		next := heap.Pop(&w.queue).(occurrence)
		if w.still++; next.at-w.moved >= time.Millisecond {
			w.still, w.moved = 0, next.at
		}
		if w.still > 50_000 {
			w.fail("time stands still")
		}
		w.now = next.at
		next.do()
	}
	if !over() {
		w.now = max(w.now, until)
	}
}

// between draws a time.
func (w *world) between(a, b time.Duration) time.Duration {
	if b <= a {
		return a
	}
	return a + time.Duration(w.rand.Int64N(int64(b-a)))
}

// chance is true so often.
func (w *world) chance(p float64) bool { return w.rand.Float64() < p }

// pick draws one of a list.
func pick[T any](w *world, list []T) T { return list[w.rand.IntN(len(list))] }

// saw counts a thing that happened.
func (w *world) saw(what string) { w.sites[what]++ }

// stillness is a time in which a process is stopped. What is to happen in it happens
// after it, in its order: pipes and streams keep theirs.
type stillness struct {
	until time.Duration
	waits []func()
}

// now reports whether what is to happen now has to wait.
func (s *stillness) now(w *world) bool { return w.now < s.until || len(s.waits) > 0 }

// stop makes it last so much longer from now on, if it would not anyway.
func (s *stillness) stop(w *world, length time.Duration) { s.until = max(s.until, w.now+length) }

// wait does something once it is over.
func (s *stillness) wait(w *world, do func()) {
	if s.waits = append(s.waits, do); len(s.waits) == 1 {
		s.wake(w)
	}
}

func (s *stillness) wake(w *world) {
	w.at(s.until, func() {
		if w.now < s.until {
			s.wake(w)
			return
		}
		waits := s.waits
		s.waits = nil
		for _, do := range waits {
			do()
		}
	})
}

// proc is a process on a machine of its own. What is to happen in it does not once
// it is gone, and waits while it is stopped.
type proc struct {
	w      *world
	id     hyperscale.NodeID
	boot   hyperscale.Boot
	up     bool
	lost   bool // the machine is gone: nobody is told that the process is
	stops  stillness
	offset time.Duration // of its clock
	pace   int64         // of its clock, in millionths more than others'
	step   time.Duration // of its wall clock
	tasks  []*task
}

// mono is the clock of the process.
func (p *proc) mono() time.Duration {
	return p.offset + p.w.now + p.w.now/1000*time.Duration(p.pace)/1000
}

// wall is its wall clock.
func (p *proc) wall() time.Time { return epoch.Add(p.mono() + p.step) }

// until is the world's time at which the clock of the process shows t.
func (p *proc) until(t time.Duration) time.Duration {
	d := min(t, longest*1000) - p.mono()
	if d <= 0 {
		return p.w.now
	}
	return p.w.now + d - d/1000*time.Duration(p.pace)/1000 + time.Microsecond
}

// after does something in this start of the process, later by its clock.
func (p *proc) after(d time.Duration, do func()) { p.at(p.until(p.mono()+d), do) }

// at does something in this start of the process, at the world's time.
func (p *proc) at(t time.Duration, do func()) {
	boot := p.boot
	p.w.at(t, func() { p.inside(boot, do) })
}

// inside does something now, or when the process goes on.
func (p *proc) inside(boot hyperscale.Boot, do func()) {
	switch {
	case !p.up || p.boot != boot:
	case p.stops.now(p.w):
		p.stops.wait(p.w, func() { p.inside(boot, do) })
	default:
		do()
	}
}

// stopped reports whether the process does nothing now.
func (p *proc) stopped() bool { return !p.up || p.stops.now(p.w) }

// end ends the process: at once, with all that it was about to do.
func (p *proc) end() {
	p.up = false
	for _, t := range slices.Clone(p.tasks) {
		t.drop()
	}
	p.tasks = nil
}

// say notes what happens.
func (w *world) say(format string, args ...any) {
	w.trace.add(w.now, fmt.Sprintf(format, args...))
}
