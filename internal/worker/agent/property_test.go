package agent

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/link"
	"hyperscale/internal/outbox"
	"hyperscale/internal/stats"
)

// model is a datacenter around one worker: managers that take over from each
// other and forget what they had not made durable, links that break and lose
// what is under way, and engines that produce windows and die.
type model struct {
	t     *rapid.T
	agent *Agent
	now   time.Duration
	wake  time.Duration

	epoch   hyperscale.Epoch
	owner   hyperscale.NodeID
	linked  map[hyperscale.NodeID]bool
	merged  []*stats.Window // by the owner, in order
	durable int             // so many of them survive it
	given   map[uint64][]byte
	waiting map[uint64]bool // numbers that were sent and are not durable

	engine   uint64
	running  bool
	second   int
	flying   uint64
	produced stats.Slots // by engines, and lost with them
	ended    bool
}

func (m *model) step(ev Event) { m.perform(m.agent.Step(m.now, ev)) }

// pass lets time pass, and wakes the agent when it asked to be.
func (m *model) pass(d time.Duration) {
	until := m.now + d
	for m.wake <= until {
		m.now, m.wake = m.wake, child.Never
		m.step(Tick{})
	}
	m.now = until
}

func (m *model) perform(effects []Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case Wake:
			if e.At <= m.now {
				m.t.Fatalf("wake at %v, which is not after %v", e.At, m.now)
			}
			m.wake = e.At
		case StartEngine:
			m.engine, m.running = e.Engine, false
		case ToEngine:
			if e.Command.Do == Start {
				m.running = true
			}
		case Tell:
			if d, ok := e.Up.(link.Delivery); ok {
				m.delivered(e.To, d)
			}
		}
	}
}

// delivered is what a manager does with a window; some never get there.
func (m *model) delivered(to hyperscale.NodeID, d link.Delivery) {
	if !m.linked[to] || to != m.owner {
		m.t.Fatalf("a window went to %s; the owner is %s", to, m.owner)
	}
	w, err := stats.DecodeWindow(d.Window)
	if err != nil {
		m.t.Fatal(err)
	}
	for n := w.ID.First; n <= w.ID.Seq; n++ {
		if before := m.given[n]; before != nil && !bytes.Equal(before, d.Window) {
			m.t.Fatalf("window %d was sent with another content before", n)
		}
		m.given[n] = d.Window
	}
	if m.waiting[w.ID.Seq] = true; len(m.waiting) > outbox.MaxSent {
		m.t.Fatalf("%d windows are under way", len(m.waiting))
	}
	if (w.Final != (d.Ending != nil)) || w.Final != (m.ended && w.ID.Seq == m.agent.holds[0].turn.stream.Seq()) {
		m.t.Fatalf("window %d: final %v with ending %v", w.ID.Seq, w.Final, d.Ending)
	}
	if rapid.IntRange(0, 9).Draw(m.t, "arrives") == 0 {
		return
	}
	if mark := m.mark(len(m.merged)); w.ID.First == mark+1 {
		m.merged = append(m.merged, w)
	} else if w.ID.First <= mark && w.ID.Seq > mark {
		m.t.Fatalf("windows %d…%d came at mark %d", w.ID.First, w.ID.Seq, mark)
	}
}

// mark is the number of the last of n merged windows.
func (m *model) mark(n int) uint64 {
	if n == 0 {
		return 0
	}
	return m.merged[n-1].ID.Seq
}

// happen draws one thing that happens.
func (m *model) happen() {
	m.pass(time.Duration(rapid.IntRange(0, 3000).Draw(m.t, "ms")) * time.Millisecond)
	manager := hyperscale.NodeID(fmt.Sprint("m", rapid.IntRange(1, 2).Draw(m.t, "manager")))
	switch rapid.IntRange(0, 10).Draw(m.t, "what") {
	case 0:
		m.linked[manager] = true
		m.step(Linked{Manager: manager, Boot: 1})
	case 1:
		delete(m.linked, manager)
		m.step(Unlinked{Manager: manager})
	case 2:
		m.takeOver(manager)
	case 3:
		m.word(link.Level(rapid.IntRange(0, 3).Draw(m.t, "level")))
	case 4, 5:
		m.receipt(rapid.Bool().Draw(m.t, "again"))
	case 6:
		m.die()
	default:
		m.produce(false)
	}
}

// takeOver makes a linked manager the owner, which knows what is durable.
func (m *model) takeOver(manager hyperscale.NodeID) {
	if !m.linked[manager] {
		return
	}
	m.epoch++
	m.owner, m.merged = manager, m.merged[:m.durable]
	m.step(Told{By: manager, Down: link.Order{Do: link.Own, Epoch: m.epoch, Owner: manager, Hold: link.Hold{Job: browse.Job}}})
}

func (m *model) word(level link.Level) {
	if m.linked[m.owner] {
		m.step(Told{By: m.owner, Down: link.Word{Node: m.owner, Boot: 1, Seq: uint64(m.now) + 1, Level: level, Owns: []link.Owned{{Job: browse.Job, Epoch: m.epoch}}}})
	}
}

// receipt acknowledges what becomes durable with it, as far as the owner likes.
func (m *model) receipt(again bool) {
	if !m.linked[m.owner] {
		return
	}
	m.durable = rapid.IntRange(m.durable, len(m.merged)).Draw(m.t, "durable")
	seq := m.mark(m.durable)
	for n := range m.waiting {
		if n <= seq {
			delete(m.waiting, n)
		}
	}
	level := link.Level(rapid.IntRange(0, 3).Draw(m.t, "level"))
	m.step(Told{By: m.owner, Down: link.Receipt{Hold: browse, Seq: seq, Epoch: m.epoch, Again: again, Level: level}})
}

// produce makes the engine cut a window.
func (m *model) produce(final bool) {
	if m.ended {
		return
	}
	if !m.running {
		m.step(EnginePrepared{Engine: m.engine})
	}
	n := rapid.Uint64Range(0, 30).Draw(m.t, "slots")
	flying := uint64(0)
	if !final {
		flying = rapid.Uint64Range(0, n).Draw(m.t, "flying")
	}
	w := second(m.second, n, flying, final)
	w.Completed += m.flying
	w.Steps[0].OK += m.flying
	for range n {
		w.Lateness.Record(time.Millisecond)
	}
	for range w.Steps[0].OK {
		w.Steps[0].OKResponse.Record(5 * time.Millisecond)
		w.Steps[0].Service.Record(4 * time.Millisecond)
	}
	m.second++
	m.flying = flying
	m.produced.Due += n
	m.step(EngineWindow{Engine: m.engine, Window: w})
	if final {
		m.ended = true
		m.step(EngineEnded{Engine: m.engine})
	}
}

// die makes the engine die; what was in flight is lost.
func (m *model) die() {
	if m.ended || !m.running || m.second == 0 {
		return
	}
	m.pass(11 * time.Second) // they do not die one after the other
	m.produced.Lost += m.flying
	m.flying = 0
	m.step(EngineDied{Engine: m.engine, Reason: "killed"})
}

// For any history of links, owners, acknowledgements, levels and deaths, what the
// owner has merged is at any time, up to its mark, exactly what the engines
// produced, and in the end it is all of it.
func TestNothingIsLostOrDoubled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			t: t, wake: child.Never, epoch: 1, owner: "m1", linked: map[hyperscale.NodeID]bool{"m1": true},
			given: map[uint64][]byte{}, waiting: map[uint64]bool{}, agent: New(Config{
				Node: "w", Boot: 1, Cores: 2, Autonomy: 1000 * time.Hour, MaxKept: rapid.SampledFrom([]int{500, 2000, 1 << 20}).Draw(t, "kept"),
			}),
		}
		m.step(Linked{Manager: "m1", Boot: 1})
		m.step(ordered(link.Prepare))
		m.step(EnginePrepared{Engine: m.engine})
		m.step(ordered(link.Start))
		for range rapid.IntRange(0, 250).Draw(t, "happenings") {
			m.happen()
		}
		m.produce(true)
		m.settle()
		m.check()
	})
}

// settle lets the owner take all.
func (m *model) settle() {
	m.linked["m1"] = true
	m.step(Linked{Manager: "m1", Boot: 1})
	m.takeOver("m1")
	for range 400 {
		if len(m.agent.holds) == 0 {
			return
		}
		m.pass(2 * time.Second)
		m.word(link.Normal)
		m.durable = len(m.merged)
		for n := range m.waiting {
			if n <= m.mark(m.durable) {
				delete(m.waiting, n)
			}
		}
		m.step(Told{By: "m1", Down: link.Receipt{Hold: browse, Seq: m.mark(m.durable), Epoch: m.epoch, Again: true}})
	}
	m.t.Fatal("the last window was never acknowledged")
}

// check compares what was merged with what was produced.
func (m *model) check() {
	tally := stats.NewTally()
	for _, w := range m.merged {
		if r := tally.Add(w); r != stats.Merged {
			m.t.Fatalf("windows %d…%d: receipt %d", w.ID.First, w.ID.Seq, r)
		}
	}
	if broken := stats.Identities(tally); len(broken) > 0 {
		m.t.Fatal(broken)
	}
	got := tally.Workflow("browse").Slots
	if got.Due != m.produced.Due || got.Started != m.produced.Due || got.Lost != m.produced.Lost {
		m.t.Fatalf("merged %+v, produced %+v", got, m.produced)
	}
	if len(m.agent.jobs) > 0 || len(m.agent.m.engines) > 0 {
		m.t.Fatal("something is left")
	}
}
