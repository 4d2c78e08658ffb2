package agent

import (
	"fmt"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/link"
	"hyperscale/internal/outbox"
	"hyperscale/internal/stats"
)

var browse = link.Hold{Job: "7", Workflow: "browse", Share: hyperscale.Share{Hi: 2, Of: 4, Turn: 1}}

// absent stands for a hold that is not there.
const absent = link.State(-1)

func ordered(do link.Do) Event {
	number := uint64(1)
	if do == link.Prepare {
		number = 0 // its brief has no adjustments
	}
	return Told{By: "m1", Down: link.Order{
		Do: do, Epoch: 1, Owner: "m1", Hold: browse, Cores: 2, Brief: []byte("plan"), Number: number, Within: time.Second,
	}}
}

// at makes an agent of four cores whose hold is in the state.
func at(state link.State) *Agent {
	a := New(Config{Node: "w", Boot: 1, Cores: 4})
	prepare := ordered(link.Prepare)
	start := []Event{prepare, EnginePrepared{Engine: 1}, ordered(link.Start)}
	ways := map[link.State][]Event{
		absent:         nil,
		link.Preparing: {prepare},
		link.Prepared:  {prepare, EnginePrepared{Engine: 1}},
		link.Refused:   {prepare, EngineRefused{Engine: 1, Reason: "no room"}},
		link.Running:   start,
		link.Ended:     append(start, EngineWindow{Engine: 1, Window: second(0, 3, 0, true)}, EngineEnded{Engine: 1}),
		link.Stopped:   append(start, Tick{}, EngineWindow{Engine: 1, Window: second(0, 3, 0, true)}, EngineEnded{Engine: 1}),
		link.Broken:    append(start, EngineRefused{Engine: 1, Reason: "no room"}),
	}
	a.Step(0, Linked{Manager: "m1", Boot: 1})
	for i, ev := range ways[state] {
		now := time.Duration(i) * time.Millisecond
		if state == link.Stopped && i >= len(start) {
			now = time.Minute + time.Second
			if i == len(start) {
				pass(a, now)
			}
		}
		a.Step(now, ev)
	}
	return a
}

// pass lets time pass for an agent that is woken in time.
func pass(a *Agent, until time.Duration) {
	for now := 100 * time.Millisecond; now <= until; now += 100 * time.Millisecond {
		a.Step(now, Tick{})
	}
}

// second is an engine's window of the n-th second of job time.
func second(n int, slots, flying uint64, final bool) *stats.Window {
	w := &stats.Window{Interval: stats.Interval{From: time.Duration(n) * time.Second, To: time.Duration(n+1) * time.Second}, Final: final}
	w.Slots = stats.Slots{Due: slots, Started: slots, Completed: slots - flying}
	w.Steps = []stats.StepSums{{Name: "get", Requests: stats.Requests{Started: slots, OK: slots - flying}}}
	return w
}

func stateOf(a *Agent) link.State {
	if h := a.hold(browse); h != nil {
		return h.state
	}
	return absent
}

// TestTable walks the table in the comment of hold: every order in every state.
func TestTable(t *testing.T) {
	const none, starts, tells, kills = "", "starts an engine", "tells the engine", "kills the engine"
	type answer struct {
		to   link.State
		acts string
	}
	stays := func(s link.State) answer { return answer{s, none} }
	table := map[link.State]map[link.Do]answer{
		absent: {
			link.Prepare: {link.Preparing, starts}, link.Start: stays(absent), link.Stop: stays(absent),
			link.Cut: stays(absent), link.Drop: stays(absent), link.Adjust: stays(absent),
		},
		link.Preparing: {
			link.Prepare: stays(link.Preparing), link.Start: stays(link.Preparing), link.Stop: {link.Refused, kills},
			link.Cut: {link.Refused, kills}, link.Drop: {absent, kills}, link.Adjust: stays(link.Preparing),
		},
		link.Prepared: {
			link.Prepare: stays(link.Prepared), link.Start: {link.Running, tells}, link.Stop: {link.Refused, kills},
			link.Cut: {link.Refused, kills}, link.Drop: {absent, kills}, link.Adjust: {link.Prepared, tells},
		},
		link.Running: {
			link.Prepare: stays(link.Running), link.Start: stays(link.Running), link.Stop: {link.Running, tells},
			link.Cut: {link.Running, tells}, link.Drop: {absent, kills}, link.Adjust: {link.Running, tells},
		},
	}
	for _, s := range []link.State{link.Refused, link.Ended, link.Stopped, link.Broken} {
		table[s] = map[link.Do]answer{
			link.Prepare: stays(s), link.Start: stays(s), link.Stop: stays(s),
			link.Cut: stays(s), link.Drop: stays(absent), link.Adjust: stays(s),
		}
	}
	for state, answers := range table {
		answers[link.Own] = stays(state)
		for do, want := range answers {
			a := at(state)
			if got := stateOf(a); got != state {
				t.Fatalf("the way to state %d leads to %d", state, got)
			}
			effects := a.Step(2*time.Minute, ordered(do))
			name := fmt.Sprintf("order %d in state %d", do, state)
			if got := stateOf(a); got != want.to {
				t.Errorf("%s leads to %d, not %d", name, got, want.to)
			}
			if got := acts(effects); got != want.acts {
				t.Errorf("%s %q, not %q", name, got, want.acts)
			}
			again := a.Step(2*time.Minute, ordered(do))
			if got := acts(again); got != none || stateOf(a) != want.to && want.to != absent {
				t.Errorf("%s, given twice, %q and leads to %d", name, got, stateOf(a))
			}
		}
	}
}

// acts says in words what effects mean for engines; beats do not count.
func acts(effects []Effect) string {
	for _, e := range effects {
		switch e := e.(type) {
		case StartEngine:
			return "starts an engine"
		case KillEngine:
			return "kills the engine"
		case ToEngine:
			if e.Command.Do != Beat && e.Command.Do != Grant {
				return "tells the engine"
			}
		}
	}
	return ""
}

// The paths on which cores are given back.

func demandFree(t *testing.T, a *Agent, want int) {
	t.Helper()
	if got := a.m.free(); got != want {
		t.Fatalf("%d cores are free, not %d", got, want)
	}
}

func TestCoresComeBackAfterRefusal(t *testing.T) {
	a := at(link.Preparing)
	demandFree(t, a, 2)
	a.Step(time.Second, EngineRefused{Engine: 1, Reason: "no room"})
	demandFree(t, a, 4)
}

func TestRefusalTakesNoCores(t *testing.T) {
	a := at(link.Running)
	other := ordered(link.Prepare).(Told)
	order := other.Down.(link.Order)
	order.Hold.Workflow, order.Cores = "buy", 3
	other.Down = order
	effects := a.Step(time.Second, other)
	demandFree(t, a, 2)
	if h := a.hold(order.Hold); h.state != link.Refused || h.reason != "3 cores asked, 2 free" || acts(effects) != "" {
		t.Fatalf("%+v", h)
	}
}

func TestCoresComeBackAfterStartFailure(t *testing.T) {
	a := at(link.Preparing)
	a.Step(time.Second, EngineDied{Engine: 1, Reason: "exec format error"})
	demandFree(t, a, 4)
	if got := stateOf(a); got != link.Refused {
		t.Fatalf("state %d", got)
	}
}

func TestCoresComeBackAfterCrashes(t *testing.T) {
	a := at(link.Running)
	for i := range uint64(deaths) {
		demandFree(t, a, 2)
		a.Step(time.Duration(i+1)*100*time.Millisecond, EngineDied{Engine: i + 1, Reason: "killed"})
	}
	demandFree(t, a, 4)
	if got := stateOf(a); got != link.Broken {
		t.Fatalf("state %d", got)
	}
}

func TestCoresComeBackAfterCancel(t *testing.T) {
	for _, state := range []link.State{link.Preparing, link.Prepared, link.Running} {
		for _, do := range []link.Do{link.Stop, link.Drop} {
			a := at(state)
			a.Step(time.Second, ordered(do))
			demandFree(t, a, 2) // the process is still there
			a.Step(2*time.Second, EngineDied{Engine: 1, Reason: "killed"})
			demandFree(t, a, 4)
		}
	}
}

func TestCoresComeBackAfterLossOfTheEngine(t *testing.T) {
	a := at(link.Running)
	a.Step(time.Second, EngineDied{Engine: 1, Reason: "killed"})
	demandFree(t, a, 2) // another one has them
	a.Step(2*time.Second, EngineRefused{Engine: 2, Reason: "no descriptors"})
	demandFree(t, a, 4)
	if got := stateOf(a); got != link.Broken {
		t.Fatalf("state %d", got)
	}
}

func TestCoresComeBackAtTheEnd(t *testing.T) {
	a := at(link.Running)
	a.Step(time.Second, EngineWindow{Engine: 1, Window: second(0, 1, 0, true)})
	demandFree(t, a, 2)
	a.Step(time.Second, EngineEnded{Engine: 1})
	demandFree(t, a, 4) // though the last window is not acknowledged
	if got := stateOf(a); got != link.Ended {
		t.Fatalf("state %d", got)
	}
}

func TestCoresComeBackWithoutAnOwner(t *testing.T) {
	a := at(link.Prepared)
	pass(a, 2*time.Minute)
	a.Step(2*time.Minute, EngineDied{Engine: 1, Reason: "killed"})
	demandFree(t, a, 4)
}

// After a job's holds nothing is left of it, whatever way they go.
func TestNothingIsLeft(t *testing.T) {
	a := New(Config{Node: "w", Boot: 1, Cores: 4})
	a.Step(0, Linked{Manager: "m1", Boot: 1})
	for i := range 10_000 {
		now := time.Duration(i) * time.Second
		hold := browse
		hold.Job = hyperscale.JobID(fmt.Sprint("job ", i))
		order := func(do link.Do) {
			o := ordered(do).(Told).Down.(link.Order)
			o.Hold = hold
			a.Step(now, Told{By: "m1", Down: o})
		}
		order(link.Prepare)
		id := a.m.last
		if i%5 == 1 {
			a.Step(now, EngineRefused{Engine: id, Reason: "no"})
			order(link.Drop)
			continue
		}
		a.Step(now, EnginePrepared{Engine: id})
		order(link.Start)
		a.Step(now, EngineWindow{Engine: id, Window: second(0, 5, 1, false)})
		switch i % 5 {
		case 2:
			order(link.Drop)
			a.Step(now, EngineDied{Engine: id, Reason: "killed"})
		case 3:
			a.Step(now, Told{By: "m1", Down: link.Receipt{Hold: hold, Unknown: true}})
			a.Step(now, EngineDied{Engine: id, Reason: "killed"})
		case 4:
			a.Step(now, EngineDied{Engine: id, Reason: "killed"})
			order(link.Stop)
			a.Step(now, EngineDied{Engine: id + 1, Reason: "killed"})
			a.Step(now, Told{By: "m1", Down: link.Receipt{Hold: hold, Seq: 9, Epoch: 1}})
		default:
			a.Step(now, EngineWindow{Engine: id, Window: second(1, 5, 0, true)})
			a.Step(now, EngineEnded{Engine: id})
			a.Step(now, Told{By: "m1", Down: link.Receipt{Hold: hold, Seq: 2, Epoch: 1}})
		}
	}
	if len(a.jobs) > 0 || len(a.holds) > 0 || len(a.m.engines) > 0 || cap(a.holds) > 16 {
		t.Fatalf("left: %d jobs, %d holds, %d engines", len(a.jobs), len(a.holds), len(a.m.engines))
	}
	demandFree(t, a, 4)
	a.Step(20_000*time.Second, Unlinked{Manager: "m1"})
	if at, _ := a.clock.Arm(child.Never); a.parents.Len() > 0 || at != child.Never {
		t.Fatalf("left: %d parents, wake at %v", a.parents.Len(), at)
	}
}

// At most so many windows of a turn are under way, and so many bytes of a link.
func TestWindowsUnderWayAreBounded(t *testing.T) {
	a := at(link.Running)
	sent := 0
	count := func(effects []Effect) {
		for _, e := range effects {
			if tell, ok := e.(Tell); ok {
				if _, ok := tell.Up.(link.Delivery); ok {
					sent++
				}
			}
		}
	}
	for i := range 100 {
		count(a.Step(10*time.Millisecond, EngineWindow{Engine: 1, Window: second(i, 10, 0, false)}))
	}
	if sent != outbox.MaxSent {
		t.Fatalf("%d windows were sent, not %d", sent, outbox.MaxSent)
	}
	count(a.Step(11*time.Millisecond, Told{By: "m1", Down: link.Receipt{Hold: browse, Seq: 20, Epoch: 1}}))
	if sent != outbox.MaxSent+20 {
		t.Fatalf("%d windows were sent, not %d", sent, outbox.MaxSent+20)
	}

	// Nobody can acknowledge what was never sent.
	a.Step(12*time.Millisecond, Told{By: "m1", Down: link.Receipt{Hold: browse, Seq: 1000, Epoch: 1}})
	if acked := a.hold(browse).out.Acked(); acked != outbox.MaxSent+20 {
		t.Fatalf("acknowledged up to %d, sent up to %d", acked, outbox.MaxSent+20)
	}
}

// A link has room for so many bytes, whatever turns they are of.
func TestBytesOfALinkAreBounded(t *testing.T) {
	a := at(link.Running)
	h := a.hold(browse)
	a.Step(9*time.Millisecond, Unlinked{Manager: "m1"})
	for n := range uint64(3) {
		h.out.Add(outbox.Window{First: n + 1, Seq: n + 1, Bytes: make([]byte, outbox.MaxFlying*3/4)}, 0)
	}
	a.Step(10*time.Millisecond, Linked{Manager: "m1", Boot: 1})
	if h.out.Sent() != 1 {
		t.Fatalf("%d windows were sent, not one", h.out.Sent())
	}
	a.Step(11*time.Millisecond, Told{By: "m1", Down: link.Receipt{Hold: browse, Seq: 1, Epoch: 1}})
	if h.out.Sent() != 1 || h.out.Acked() != 1 {
		t.Fatalf("%d windows were sent after the first, not one", h.out.Sent())
	}
}
