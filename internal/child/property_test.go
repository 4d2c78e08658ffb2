package child

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/link"
)

// world is a manager with what is true of it.
type world struct {
	t      *rapid.T
	m      *Manager
	now    time.Duration
	wake   time.Duration
	linked map[hyperscale.NodeID]bool
	said   map[hyperscale.NodeID]string // the last statement to each
	held   map[hyperscale.JobID]string  // what is held here, as it is to be stated
	over   map[hyperscale.JobID]time.Duration

	heard map[hyperscale.JobID]hyperscale.Epoch // the highest of those that a job here was told of
	out   map[hyperscale.JobID]hyperscale.Epoch // of the last order that came out
	owner map[string]hyperscale.NodeID          // by job and epoch, whose orders came out
	word  map[hyperscale.NodeID]uint64
}

// step gives the manager an event, and holds what comes of it to its promises.
func (w *world) step(ev Event) {
	for _, e := range w.m.Step(w.now, ev) {
		switch e := e.(type) {
		case Wake:
			w.wake = e.At
		case Ordered:
			o := e.Order
			job, key := o.Hold.Job, fmt.Sprint(o.Hold.Job, " ", o.Epoch)
			if o.Epoch < w.out[job] || w.held[job] != "" && o.Epoch < w.heard[job] {
				w.t.Fatalf("an order of epoch %d for %s after one of %d; the job was told of %d", o.Epoch, job, w.out[job], w.heard[job])
			}
			if before := w.owner[key]; before != "" && before != o.Owner {
				w.t.Fatalf("epoch %d of %s has two owners: %s and %s", o.Epoch, job, before, o.Owner)
			}
			w.out[job], w.owner[key] = o.Epoch, o.Owner
		case Tell:
			if !w.linked[e.To] {
				w.t.Fatalf("%s is told something, and not linked", e.To)
			}
			if s, is := e.Up.(link.Statement); is {
				w.said[e.To] = stated(s)
			}
		}
	}
}

// forget is of a job of which nothing is known any more.
func (w *world) forget(job hyperscale.JobID) {
	delete(w.held, job)
	delete(w.heard, job)
	delete(w.out, job)
	for key := range w.owner {
		var name string
		_, _ = fmt.Sscan(key, &name)
		if name == string(job) {
			delete(w.owner, key)
		}
	}
}

// stated is what a statement says that others wait for.
func stated(s link.Statement) string {
	text := map[string]bool{}
	for _, h := range s.Holds {
		text[fmt.Sprintf("%s %d %d", h.Job, h.State, h.Tenure)] = true
	}
	for _, job := range s.Over {
		text[fmt.Sprintf("%s over", job)] = true
	}
	return fmt.Sprint(slices.Sorted(maps.Keys(text)))
}

// pass lets time pass, in which the manager is woken when it asked for it. Once it had
// so long, everybody who is linked knows how it is.
func (w *world) pass(d time.Duration) {
	until := w.now + d
	for w.wake <= until {
		w.now, w.wake = max(w.wake, w.now), Never
		w.step(Tick{})
	}
	w.now = until
	if d < apart {
		return
	}
	truth := map[string]bool{}
	for _, text := range w.held {
		truth[text] = true
	}
	for job, until := range w.over {
		if w.now < until {
			truth[fmt.Sprintf("%s over", job)] = true
		}
		if w.now >= until && w.now < until+beat+apart {
			return // it may be stated until the next beat
		}
	}
	want := fmt.Sprint(slices.Sorted(maps.Keys(truth)))
	for gate := range w.linked {
		if w.said[gate] != want {
			w.t.Fatalf("%v after the last event %s was told %s, and it is %s", d, gate, w.said[gate], want)
		}
	}
}

func (w *world) ended(job hyperscale.JobID) {
	w.over[job] = w.now + sayOver
	w.forget(job)
	w.step(Ended{Job: job})
}

// act does one thing.
func (w *world) act() {
	gate := rapid.SampledFrom([]hyperscale.NodeID{"g1", "g2", "g3"}).Draw(w.t, "gate")
	job := rapid.SampledFrom([]hyperscale.JobID{"7", "8"}).Draw(w.t, "job")
	epoch := hyperscale.Epoch(rapid.IntRange(1, 6).Draw(w.t, "epoch"))
	hold := link.Hold{Job: job, Workflow: "a", Share: hyperscale.Whole}
	if w.m.strange[job] == nil && w.held[job] == "" {
		w.forget(job) // as the manager did, if it ever knew of it
	}
	switch rapid.IntRange(0, 8).Draw(w.t, "what") {
	case 0:
		if w.linked[gate] {
			delete(w.linked, gate)
			w.step(Unlinked{Parent: gate})
			return
		}
		w.linked[gate] = true
		w.step(Linked{Parent: gate, Boot: 1})
	case 1, 2, 3:
		do := link.Do(rapid.IntRange(0, len(orders)-1).Draw(w.t, "do"))
		if w.linked[gate] {
			w.step(Told{By: gate, Down: link.Order{Do: do, Owner: gate, Hold: hold, Epoch: epoch}})
			w.heard[job] = max(w.heard[job], epoch)
		}
	case 4:
		if w.linked[gate] {
			w.word[gate]++
			w.step(Told{By: gate, Down: link.Word{Node: gate, Boot: 1, Seq: w.word[gate], Owns: []link.Owned{{Job: job, Epoch: epoch}}}})
			if w.held[job] != "" {
				w.heard[job] = max(w.heard[job], epoch)
			}
		}
	case 5:
		state := link.State(rapid.IntRange(0, len(stateNames)-1).Draw(w.t, "state"))
		tenure := hyperscale.Epoch(rapid.IntRange(1, 3).Draw(w.t, "tenure"))
		delete(w.over, job)
		w.held[job] = fmt.Sprintf("%s %d %d", job, state, tenure)
		w.step(Holds{Job: job, Tenure: tenure, Held: []link.Held{{Hold: hold, State: state, Epoch: w.heard[job]}}})
	case 6:
		if w.held[job] != "" {
			w.forget(job)
			w.step(Holds{Job: job})
		}
	case 7:
		w.ended(job)
	case 8:
		if s := w.m.strange[job]; s != nil && !s.begun {
			w.over[job] = w.now + sayOver
			w.forget(job)
			w.step(Looked{Job: job, Over: true})
		}
	}
}

// Whatever happens: an order of a lower epoch never comes out, one epoch has one owner,
// all that changes is stated soon, and nothing is kept of what is over.
func TestWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{
			t: t, m: NewManager(Config{Node: "m1", Boot: 1}), wake: Never, linked: map[hyperscale.NodeID]bool{},
			said: map[hyperscale.NodeID]string{}, held: map[hyperscale.JobID]string{}, over: map[hyperscale.JobID]time.Duration{},
			heard: map[hyperscale.JobID]hyperscale.Epoch{}, out: map[hyperscale.JobID]hyperscale.Epoch{},
			owner: map[string]hyperscale.NodeID{}, word: map[hyperscale.NodeID]uint64{},
		}
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			w.act()
			w.pass(time.Duration(rapid.SampledFrom([]int{0, 1, 20, 20, 300, 3000, 40000}).Draw(t, "wait")) * time.Millisecond)
		}
		for _, job := range []hyperscale.JobID{"7", "8"} {
			w.ended(job)
		}
		w.pass(sayOver + 2*beat)
		if n := len(w.m.jobs) + len(w.m.strange) + len(w.m.over.queue) + len(w.m.over.last); n > 0 {
			t.Fatalf("%d things are remembered", n)
		}
		for gate := range w.linked {
			w.step(Unlinked{Parent: gate})
		}
		if len(w.m.words) > 0 || w.m.parents.Len() > 0 {
			t.Fatal("something is left of gates that are gone")
		}
	})
}

// However many jobs end at once, what is stated of them is bounded.
func TestOversAreBounded(t *testing.T) {
	m := NewManager(Config{Node: "m1", Boot: 1})
	for i := range 2 * mostOvers {
		m.Step(time.Second, Ended{Job: hyperscale.JobID(fmt.Sprint(i))})
		m.Step(time.Second, Ended{Job: hyperscale.JobID(fmt.Sprint(i / 2))})
	}
	if n := len(m.over.list()); n > mostOvers || n < mostOvers/2 || len(m.over.last) != n {
		t.Errorf("%d are stated, %d known", n, len(m.over.last))
	}
	m.Step(time.Second+sayOver, Tick{})
	if len(m.over.last)+len(m.over.queue) != 0 {
		t.Error("some are left")
	}
}
