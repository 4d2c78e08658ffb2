package bundle

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/tier/node"
)

// rig is a bundle with managers of one datacenter.
type rig struct {
	*Bundle
	t    *testing.T
	seq  map[hyperscale.NodeID]uint64
	conn uint64 // of the datacenter, as the node knows it
}

func newRig(t *testing.T, managers ...hyperscale.NodeID) *rig {
	r := &rig{Bundle: New(), t: t, seq: map[hyperscale.NodeID]uint64{}}
	for i, m := range managers {
		r.heard(r.Attached(m, "fra", uint64(i+1)))
	}
	return r
}

// heard takes in what the node is to hear, and gives the statement in it.
func (r *rig) heard(events []node.Event) (st link.Statement) {
	for _, ev := range events {
		switch ev := ev.(type) {
		case node.Attached:
			if ev.Child != "fra" || ev.Conn <= r.conn {
				r.t.Fatalf("%+v after stream %d", ev, r.conn)
			}
			r.conn = ev.Conn
		case node.Said:
			st, _ = ev.Up.(link.Statement)
			if ev.Conn != r.conn || st.Node != "fra" {
				r.t.Fatalf("%+v on stream %d", ev, r.conn)
			}
		}
	}
	return st
}

// state lets a manager state what it holds of a job under a tenure; 0: of none.
func (r *rig) state(now time.Duration, m hyperscale.NodeID, tenure hyperscale.Epoch, more ...func(*link.Statement)) link.Statement {
	r.seq[m]++
	st := link.Statement{Node: m, Boot: 1, Seq: r.seq[m], At: now}
	if tenure > 0 {
		st.Holds = []link.Held{{Hold: link.Hold{Job: "j", Workflow: "a"}, State: link.Running, JobTime: now, Tenure: tenure}}
	}
	for _, f := range more {
		f(&st)
	}
	return r.heard(r.Said(now, m, r.managers[m].conn, st))
}

// to is who hears an order.
func (r *rig) to() string {
	text := ""
	for _, t := range r.To("fra", r.conn, link.Order{Hold: link.Hold{Job: "j"}}) {
		text += string(t.Manager)
	}
	return text
}

// That a datacenter's owner of a job changes is no loss; one that was replaced does not
// count.
func TestOwnersChange(t *testing.T) {
	r := newRig(t, "m1", "m2", "m3")
	if st := r.state(time.Second, "m1", 1); len(st.Holds) != 1 || r.to() != "m1" {
		t.Errorf("%+v, orders go to %s", st, r.to())
	}
	r.Detached("m1", 1)
	st := r.state(3*time.Second, "m2", 0)
	if len(st.Holds) != 1 || st.Holds[0].JobTime != 3*time.Second || st.Holds[0].Silence != 2*time.Second {
		t.Errorf("while nobody owns it: %+v", st.Holds)
	}
	if r.to() == "m1" || r.to() == "" {
		t.Errorf("orders go to %q, which is not linked", r.to())
	}
	r.state(4*time.Second, "m2", 2)
	r.heard(r.Attached("m1", "fra", 9))
	if st := r.state(5*time.Second, "m1", 1); st.Holds[0].Tenure != 2 || r.to() != "m2" {
		t.Errorf("one that was replaced counts: %+v, orders go to %s", st.Holds, r.to())
	}
	if st := r.state(6*time.Second, "m3", 0, func(s *link.Statement) { s.Over = []hyperscale.JobID{"j"} }); len(st.Holds) != 0 {
		t.Errorf("it is over there, and stated: %+v", st.Holds)
	}
}

// As long as nobody is known to own a job each manager is asked in turn.
func TestWhoeverMayOwnItIsAsked(t *testing.T) {
	r := newRig(t, "m1", "m2", "m3")
	asked := map[string]int{}
	for range 3 * triesEach {
		asked[r.to()]++
	}
	if len(asked) != 3 || asked["m1"] != triesEach {
		t.Errorf("asked were %v", asked)
	}
}

// A word goes to all, each with what it said itself.
func TestWordsGoToAll(t *testing.T) {
	r := newRig(t, "m1", "m2")
	r.state(time.Second, "m1", 0)
	r.state(2*time.Second, "m2", 0)
	told := r.To("fra", r.conn, link.Word{Seq: 7, HeardAt: time.Hour})
	if len(told) != 2 || told[0].Down.(link.Word).HeardAt != time.Second || told[1].Down.(link.Word).HeardAt != 2*time.Second {
		t.Errorf("told was %+v", told)
	}
	if told := r.To("fra", r.conn+1, link.Word{}); told != nil {
		t.Errorf("on a stream that is no more: %+v", told)
	}
}

// A datacenter of which nobody is heard is silent; what it says after the node hung up
// begins anew.
func TestSilence(t *testing.T) {
	r := newRig(t, "m1", "m2")
	r.state(time.Second, "m1", 1)
	before := r.conn
	r.Detached("m1", 1)
	r.Detached("m2", 2)
	if lines := r.HungUp("fra", r.conn); len(lines) != 0 {
		t.Errorf("streams that are no more are to end: %v", lines)
	}
	r.heard(r.Attached("m2", "fra", 5))
	if r.conn == before {
		t.Error("the node does not hear that it is back")
	}
	if lines := r.HungUp("fra", r.conn); fmt.Sprint(lines) != "[{m2 5}]" {
		t.Errorf("to end are %v", lines)
	}
	if st := r.state(9*time.Second, "m2", 0); len(st.Holds) != 1 {
		t.Errorf("what it holds was forgotten: %+v", st)
	}
}

// What a datacenter can take is the youngest word of its placer.
func TestCapacity(t *testing.T) {
	r := newRig(t, "m1", "m2")
	if c := r.Capacity(0, "fra"); c != nil {
		t.Errorf("nobody told: %+v", c)
	}
	r.state(time.Second, "m1", 0, func(s *link.Statement) { s.Capacity = &link.Capacity{Cores: 4, Age: 3 * time.Second} })
	r.state(3*time.Second, "m2", 0, func(s *link.Statement) { s.Capacity = &link.Capacity{Cores: 8, Age: time.Second} })
	if c := r.Capacity(4*time.Second, "fra"); c == nil || c.Cores != 8 || c.Age != 2*time.Second {
		t.Errorf("%+v", c)
	}
}

// Whatever managers say in whatever order, a job is stated as by the highest tenure that
// was heard, until it is over.
func TestTheHighestTenureCounts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, "m1", "m2", "m3")
		now, highest := time.Duration(0), hyperscale.Epoch(0)
		for range rapid.IntRange(1, 40).Draw(rt, "statements") {
			now += time.Duration(rapid.IntRange(0, 900).Draw(rt, "ms")) * time.Millisecond
			m := hyperscale.NodeID(rapid.SampledFrom([]string{"m1", "m2", "m3"}).Draw(rt, "manager"))
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
