package bundle

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/route"
	"hyperscale/internal/tier/node"
)

// rig is a bundle with managers of one datacenter.
type rig struct {
	*Bundle
	t     *testing.T
	now   time.Duration
	seq   map[hyperscale.NodeID]uint64
	line  map[hyperscale.NodeID]uint64 // the stream of each manager
	conn  uint64                       // of the datacenter, as the node knows it
	lines uint64
	word  uint64
	route []string
	moved string
}

const (
	m1 = "fra/m1"
	m2 = "fra/m2"
	m3 = "fra/m3"
)

func newRig(t *testing.T, managers ...hyperscale.NodeID) *rig {
	r := &rig{Bundle: New(node.Config{Self: "g"}), t: t, seq: map[hyperscale.NodeID]uint64{}, line: map[hyperscale.NodeID]uint64{}}
	for _, m := range managers {
		r.attach(m)
	}
	return r
}

// in lets something come, and gives the statement that the node hears, and what is done.
func (r *rig) in(ev node.Event) (st link.Statement, did []node.Effect) {
	events, did := r.In(r.now, ev)
	for _, ev := range events {
		switch ev := ev.(type) {
		case node.Attached:
			if ev.Child != "fra" || ev.Conn <= r.conn {
				r.t.Fatalf("%+v after stream %d", ev, r.conn)
			}
			r.conn = ev.Conn
		case node.Said:
			st, _ = ev.Up.(link.Statement)
			if ev.Conn != r.conn || st.Node != "fra" || st.Boot != node.DatacenterBoot {
				r.t.Fatalf("%+v on stream %d", ev, r.conn)
			}
		case node.Detached:
			r.t.Fatalf("the node hears that %s is gone", ev.Child)
		case node.Delivered:
			if ev.Child != "fra" {
				r.t.Fatalf("%+v", ev)
			}
		case node.Moved:
			r.moved += fmt.Sprintf("%s: %s → %s, %d; ", ev.Job, ev.From, ev.To, ev.Epoch)
		case node.Surveyed:
			r.route = append(r.route, fmt.Sprintf("%T %+v", ev.Event, ev.Event))
		}
	}
	return st, did
}

func (r *rig) attach(m hyperscale.NodeID) (did []node.Effect) {
	r.lines++
	r.line[m] = r.lines
	_, did = r.in(node.Attached{Child: m, Conn: r.lines})
	return did
}

func (r *rig) detach(m hyperscale.NodeID) { r.in(node.Detached{Child: m, Conn: r.line[m]}) }

// state lets a manager state what it holds of a job under a tenure; 0: of none.
func (r *rig) state(now time.Duration, m hyperscale.NodeID, tenure hyperscale.Epoch, more ...func(*link.Statement)) link.Statement {
	r.now = now
	r.seq[m]++
	st := link.Statement{Node: m, Boot: 1, Seq: r.seq[m], At: now}
	if tenure > 0 {
		st.Holds = []link.Held{{Hold: link.Hold{Job: "j", Workflow: "a"}, State: link.Running, JobTime: now, Tenure: tenure}}
	}
	for _, f := range more {
		f(&st)
	}
	st, _ = r.in(node.Said{Child: m, Conn: r.line[m], Up: st})
	return st
}

// out is what becomes of something that the node says to the datacenter: who hears what.
func (r *rig) out(down link.Down) map[hyperscale.NodeID]link.Down {
	heard := map[hyperscale.NodeID]link.Down{}
	for _, e := range r.Out(r.now, node.ToChild{Child: "fra", Conn: r.conn, Down: down}) {
		to := e.(node.ToChild)
		if to.Conn != r.line[to.Child] {
			r.t.Fatalf("%s is told on stream %d", to.Child, to.Conn)
		}
		heard[to.Child] = to.Down
	}
	return heard
}

// to is who hears an order.
func (r *rig) to() string {
	text := ""
	for m := range r.out(link.Order{Hold: link.Hold{Job: "j"}}) {
		text += string(m)
	}
	return text
}

// says lets the gate say a word, and gives what each manager hears of its own clock.
func (r *rig) says(by hyperscale.NodeID) map[hyperscale.NodeID]time.Duration {
	r.word++
	heard := map[hyperscale.NodeID]time.Duration{}
	for m, down := range r.out(link.Word{Node: by, Seq: r.word, HeardAt: time.Hour}) {
		heard[m] = down.(link.Word).HeardAt
	}
	return heard
}

// That a datacenter's owner of a job changes is no loss; one that was replaced does not
// count.
func TestOwnersChange(t *testing.T) {
	r := newRig(t, m1, m2, m3)
	if st := r.state(time.Second, m1, 1); len(st.Holds) != 1 || r.to() != m1 {
		t.Errorf("%+v, orders go to %s", st, r.to())
	}
	r.detach(m1)
	st := r.state(3*time.Second, m2, 0)
	if len(st.Holds) != 1 || st.Holds[0].JobTime != 3*time.Second || st.Holds[0].Silence != 2*time.Second {
		t.Errorf("while nobody owns it: %+v", st.Holds)
	}
	if r.to() == m1 || r.to() == "" {
		t.Errorf("orders go to %q, which is not linked", r.to())
	}
	r.state(4*time.Second, m2, 2)
	r.attach(m1)
	if st := r.state(5*time.Second, m1, 1); st.Holds[0].Tenure != 2 || r.to() != m2 {
		t.Errorf("one that was replaced counts: %+v, orders go to %s", st.Holds, r.to())
	}
	if want := "j: fra/m1 → fra/m2, 2; "; r.moved != want {
		t.Errorf("told was %q, want %q", r.moved, want)
	}
	if st := r.state(6*time.Second, m3, 0, func(s *link.Statement) { s.Over = []hyperscale.JobID{"j"} }); len(st.Holds) != 0 {
		t.Errorf("it is over there, and stated: %+v", st.Holds)
	}
}

// As long as nobody is known to own a job each manager is asked in turn, but for those
// that take nothing new.
func TestWhoeverMayOwnItIsAsked(t *testing.T) {
	r := newRig(t, m1, m2, m3)
	asked := map[string]int{}
	for range 3 * triesEach {
		asked[r.to()]++
	}
	if len(asked) != 3 || asked[m1] != triesEach {
		t.Errorf("asked were %v", asked)
	}
	drains := func(s *link.Statement) { s.Draining = true }
	r.state(time.Second, m1, 0, drains)
	if st := r.state(time.Second, m2, 0, drains); r.to() != m3 || st.Draining {
		t.Errorf("two drain: %s is asked, and %+v stated", r.to(), st)
	}
	if st := r.state(time.Second, m3, 0, drains); r.to() == "" || !st.Draining {
		t.Errorf("all drain: %s is asked, and %+v stated", r.to(), st)
	}
}

// A word goes to all, each with what it said itself on its stream; of what another gate
// heard nothing is known. Who comes later hears at once whom it reached.
func TestWordsGoToAll(t *testing.T) {
	r := newRig(t, m1, m2)
	r.state(time.Second, m1, 0)
	r.state(2*time.Second, m2, 0)
	if told := r.says("g"); len(told) != 2 || told[m1] != time.Second || told[m2] != 2*time.Second {
		t.Errorf("told was %+v", told)
	}
	if told := r.says("other"); len(told) != 2 || told[m1] != 0 {
		t.Errorf("by another was told %+v", told)
	}
	r.conn++
	if told := r.says("g"); len(told) != 0 {
		t.Errorf("on a stream that is no more: %+v", told)
	}
	r.conn--
	did := r.attach(m3)
	if len(did) != 1 || did[0].(node.ToChild).Child != m3 || did[0].(node.ToChild).Down.(link.Word).Node != "g" {
		t.Errorf("who comes later hears %+v", did)
	}
	r.attach(m2)
	if told := r.says("g"); told[m2] != 0 {
		t.Errorf("by a stream that is no more %v was said", told[m2])
	}
}

// A datacenter of which nobody is heard is silent; what it says after the node hung up
// begins anew.
func TestSilence(t *testing.T) {
	r := newRig(t, m1, m2)
	hangUp := func() (list []string) {
		for _, e := range r.Out(r.now, node.HangUp{Child: "fra", Conn: r.conn}) {
			list = append(list, fmt.Sprint(e.(node.HangUp).Child, " ", e.(node.HangUp).Conn))
		}
		return list
	}
	r.state(time.Second, m1, 1)
	before := r.conn
	r.detach(m1)
	r.detach(m2)
	if lines := hangUp(); len(lines) != 0 {
		t.Errorf("streams that are no more are to end: %v", lines)
	}
	r.attach(m2)
	if r.conn == before {
		t.Error("the node does not hear that it is back")
	}
	if lines := hangUp(); fmt.Sprint(lines) != "[fra/m2 3]" {
		t.Errorf("to end are %v", lines)
	}
	if st := r.state(9*time.Second, m2, 0); len(st.Holds) != 1 || r.conn <= before+1 {
		t.Errorf("what it holds was forgotten: %+v, or stream %d is the same", st, r.conn)
	}
}

// ticks lets time pass until then.
func (r *rig) ticks(until time.Duration) (did []node.Effect) {
	for r.now < until {
		r.now += 100 * time.Millisecond
		_, more := r.in(node.Tick{})
		did = append(did, more...)
	}
	return did
}

// A manager that misses its beats while others are heard is hung up on, is told to the
// router, and is forgotten in time; with the last one goes the datacenter.
func TestAManagerFallsSilent(t *testing.T) {
	r := newRig(t, m1, m2)
	r.ticks(time.Second)
	r.state(r.now, m1, 0)
	r.state(r.now, m2, 0)
	r.ticks(2 * time.Second)
	r.state(r.now, m2, 0)
	r.route = nil
	did := r.ticks(4500 * time.Millisecond)
	if len(did) != 1 || did[0].(node.HangUp).Child != m1 || fmt.Sprint(r.route) != fmt.Sprintf("[route.Manager %+v]", route.Manager{Datacenter: "fra", Node: m1}) {
		t.Errorf("done is %+v, the router hears %v", did, r.route)
	}
	r.detach(m1)
	r.state(r.now, m2, 0)
	r.detach(m2)
	r.route = nil
	if r.ticks(200 * time.Second); fmt.Sprint(r.route) != fmt.Sprintf("[route.Manager %+v route.Manager %+v route.Removed %+v]",
		route.Manager{Datacenter: "fra", Node: m1, State: route.Gone}, route.Manager{Datacenter: "fra", Node: m2, State: route.Gone}, route.Removed{Datacenter: "fra"}) {
		t.Errorf("the router hears %v", r.route)
	}
	if len(r.managers)+len(r.sites) > 0 {
		t.Error("something is kept")
	}
}

// A standstill of the gate itself is nobody's silence.
func TestAGateThatStoodStill(t *testing.T) {
	r := newRig(t, m1)
	r.state(time.Second, m1, 0)
	r.ticks(2 * time.Second)
	r.now += 10 * time.Second
	if _, did := r.in(node.Tick{}); len(did) > 0 {
		t.Errorf("done is %+v", did)
	}
}

// How people see managers.
func TestManagers(t *testing.T) {
	r := newRig(t, m1, m2, m3)
	drains := func(s *link.Statement) { s.Draining = true }
	is := func(want string) {
		t.Helper()
		text := ""
		for _, c := range r.Managers(r.now) {
			text += fmt.Sprintf("%s %s; ", c.Node, c.State)
		}
		if text != want {
			t.Errorf("%s, want %s", text, want)
		}
	}
	is("")
	r.state(time.Second, m1, 0)
	r.state(time.Second, m2, 0, drains)
	r.state(time.Second, m3, 1)
	is("fra/m1 alive; fra/m2 draining; fra/m3 alive; ")
	r.detach(m1)
	r.detach(m2)
	is("fra/m1 suspect; fra/m2 suspect; fra/m3 alive; ")
	r.now += time.Second
	is("fra/m1 dead; fra/m2 left; fra/m3 alive; ")
}

// The router hears how far managers are, and the newest word of the placer whichever of
// them passes it on.
func TestTheRouterHears(t *testing.T) {
	r := newRig(t, m1, m2)
	r.now = time.Second
	r.says("g")
	hears := func(want string) {
		t.Helper()
		if got := fmt.Sprintf("%.260q", r.route); got != want {
			t.Errorf("the router hears %s\nwant %s", got, want)
		}
		r.route = nil
	}
	hears("[]")
	r.state(1100*time.Millisecond, m1, 0, func(s *link.Statement) { s.Heard, s.HeardAgo = r.word, 70*time.Millisecond })
	hears(`["route.Manager {Datacenter:fra Node:fra/m1 State:1 Open:false}" "route.Sampled {Datacenter:fra Node:fra/m1 RTT:30ms}"]`)
	c := func(cores int, age time.Duration) func(*link.Statement) {
		return func(s *link.Statement) {
			s.Capacity = &link.Capacity{Cores: cores, Free: 2, Workers: 3, Unhealthy: 1, Queued: 5, Expected: time.Minute, Age: age}
		}
	}
	r.state(5*time.Second, m1, 0, c(4, 3*time.Second))
	hears(`["route.Stated {Datacenter:fra Epoch:0 Seq:1 Age:3s Capacity:{Cores:4 Free:2 Workers:2 Unhealthy:1 Queued:5s Expected:1m0s}}"]`)
	r.state(6*time.Second, m1, 0, c(3, 5*time.Second))
	hears(`[]`)
	r.state(6*time.Second, m2, 0, c(8, time.Second))
	hears(`["route.Manager {Datacenter:fra Node:fra/m2 State:1 Open:false}" "route.Stated {Datacenter:fra Epoch:0 Seq:2 Age:1s Capacity:{Cores:8 Free:2 Workers:2 Unhealthy:1 Queued:5s Expected:1m0s}}"]`)
}

// Whatever managers say in whatever order, a job is stated as by the highest tenure that
// was heard, until it is over.
func TestTheHighestTenureCounts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, m1, m2, m3)
		now, highest := time.Duration(0), hyperscale.Epoch(0)
		for range rapid.IntRange(1, 40).Draw(rt, "statements") {
			now += time.Duration(rapid.IntRange(0, 900).Draw(rt, "ms")) * time.Millisecond
			m := hyperscale.NodeID(rapid.SampledFrom([]string{m1, m2, m3}).Draw(rt, "manager"))
			tenure := hyperscale.Epoch(rapid.IntRange(0, 5).Draw(rt, "tenure"))
			over := rapid.IntRange(0, 9).Draw(rt, "over") == 0
			st := r.state(now, m, tenure, func(s *link.Statement) {
				if over {
					s.Over = []hyperscale.JobID{"j"}
				}
			})
			if highest = max(highest, tenure); over {
				highest = 0
			}
			switch {
			case highest == 0 && len(st.Holds) != 0, highest != 0 && (len(st.Holds) != 1 || st.Holds[0].Tenure != highest):
				rt.Fatalf("tenure %d counts, stated is %+v", highest, st.Holds)
			}
		}
	})
}
