package station

import (
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier"
	"hyperscale/internal/worker/agent"
)

// loop is a worker and a manager whose store may be slow: the worker's own state
// machine, and the manager's own measure of how much there is to do.
type loop struct {
	t      *testing.T
	worker *agent.Agent
	wake   time.Duration
	now    time.Duration
	words  uint64

	pulse pulse
	cost  time.Duration // of a save
	came  []link.Delivery
	saves []link.Delivery // under way …
	since time.Duration   // … since then

	level   link.Level // as last told
	highest link.Level
	sent    int    // windows, each once
	last    uint64 // number of the last of them
	longest time.Duration
	counted stats.Slots
	mark    uint64
}

var load = link.Hold{Job: "7", Workflow: "browse", Share: hyperscale.Share{Hi: 1, Of: 1, Turn: 1}}

func newLoop(t *testing.T) *loop {
	l := &loop{t: t, worker: agent.New(agent.Config{Node: "w", Boot: 1, Cores: 1}), cost: 50 * time.Millisecond}
	l.step(agent.Linked{Manager: "m", Boot: 1})
	l.order(link.Prepare)
	l.step(agent.EnginePrepared{Engine: 1})
	l.order(link.Start)
	return l
}

func (l *loop) order(do link.Do) {
	l.told(link.Order{Do: do, Epoch: 1, Owner: "m", Hold: load, Cores: 1, Number: 1})
}

func (l *loop) told(down link.Down) { l.step(agent.Told{By: "m", Down: down}) }

// step gives the worker an event, and takes what it sends.
func (l *loop) step(ev agent.Event) {
	for _, e := range l.worker.Step(l.now, ev) {
		switch e := e.(type) {
		case agent.Wake:
			l.wake = e.At
		case agent.Tell:
			if d, ok := e.Up.(link.Delivery); ok {
				if l.level == link.Reject {
					l.t.Errorf("at %v a window comes that was to be held", l.now)
				}
				l.came = append(l.came, d)
				if seq := l.read(d).ID.Seq; seq > l.last { // else it comes again
					l.last, l.sent = seq, l.sent+1
				}
			}
		}
	}
}

func (l *loop) read(d link.Delivery) *stats.Window {
	w, err := stats.DecodeWindow(d.Window)
	if err != nil {
		l.t.Fatal(err)
	}
	return w
}

// save writes down what came, and acknowledges it once that is done.
func (l *loop) save() {
	if l.saves != nil && l.now-l.since >= l.cost {
		for _, d := range l.saves {
			w := l.read(d)
			if w.ID.First > l.mark+1 {
				l.t.Fatalf("window %+v after %d", w.ID, l.mark)
			}
			if w.ID.Seq <= l.mark {
				continue // sent again, for its acknowledgement was late
			}
			l.mark, l.longest = w.ID.Seq, max(l.longest, w.To-w.From)
			l.counted.Started += w.Slots.Started
		}
		l.saves = nil
		l.told(link.Receipt{Hold: load, Seq: l.mark, Epoch: 1, Level: l.level})
	}
	if l.saves == nil && len(l.came) > 0 {
		l.saves, l.came, l.since = l.came, nil, l.now
	}
}

// second lets one pass: a window is cut, the manager feels how it does and says so.
func (l *loop) second(n int) {
	for range 10 {
		l.now += 100 * time.Millisecond
		if l.now >= l.wake {
			l.step(agent.Tick{})
		}
		l.save()
	}
	w := &stats.Window{Interval: stats.Interval{From: time.Duration(n) * time.Second, To: time.Duration(n+1) * time.Second}}
	w.Slots = stats.Slots{Due: 10, Started: 10, Completed: 10}
	l.step(agent.EngineWindow{Engine: 1, Window: w})
	lag := time.Duration(0)
	if l.saves != nil {
		lag = l.now - l.since
	}
	_, l.level = l.pulse.take(0, 0, 0, tier.Figures{Lag: lag})
	l.highest = max(l.highest, l.level)
	l.words++
	l.told(link.Word{Node: "m", Boot: 1, Seq: l.words, Level: l.level, Owns: []link.Owned{{Job: "7", Epoch: 1}}})
}

// Backpressure is a closed loop: under a store that takes 20 s for a save a manager
// gets longer windows, then none, and each second's when it is quick again. No count
// is lost.
func TestBackpressureIsALoop(t *testing.T) {
	const quick, slow = 30, 120
	l := newLoop(t)
	n := 0
	pass := func(seconds int) (windows int) {
		before := l.sent
		for range seconds {
			l.second(n)
			n++
		}
		return l.sent - before
	}
	if got := pass(quick); got != quick || l.highest != link.Normal {
		t.Errorf("with a quick store %d windows came in %d s, at level %v", got, quick, l.highest)
	}
	l.cost = 20 * time.Second
	if got := pass(slow); got > slow*4/5 || l.highest != link.Reject || l.longest < 2*time.Second {
		t.Errorf("with a slow store %d windows came in %d s, at most of %v, at level %v", got, slow, l.longest, l.highest)
	}
	l.cost = 50 * time.Millisecond
	pass(5)
	if got := pass(quick); got != quick || l.level != link.Normal {
		t.Errorf("with a quick store again %d windows came in %d s, at level %v", got, quick, l.level)
	}
	l.save()
	pass(1)
	if want := uint64(10 * (n - 1)); l.counted.Started != want {
		t.Errorf("%d slots were counted, want %d", l.counted.Started, want)
	}
}
