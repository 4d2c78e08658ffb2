package node

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/route"
)

// gate is a node whose children are datacenters.
type gate struct {
	t   *testing.T
	n   *Node
	now time.Duration
	out []string // what came for jobs, and for those who run it
}

func newGate(t *testing.T, peers ...hyperscale.NodeID) *gate {
	g := &gate{t: t, n: New(Config{Self: "g1", Boot: 1, Datacenters: true}), now: time.Second}
	all := []link.Parent{{Node: "g1"}}
	for _, p := range peers {
		all = append(all, link.Parent{Node: p})
		g.step(PeerUp{Node: p})
	}
	g.step(Tick{})
	g.step(Parents{All: all})
	return g
}

func (g *gate) step(ev Event) {
	for _, e := range g.n.Step(g.now, ev) {
		switch e := e.(type) {
		case Noted:
			g.out = append(g.out, e.What+" "+e.Datacenter)
		case ToJob:
			switch ev := e.Event.(type) {
			case owner.Granted:
				var parts []string
				for _, w := range []string{"a", "b"} {
					for _, c := range ev.Cores[w] {
						parts = append(parts, fmt.Sprintf("%s %s×%d", w, c.Node, c.N))
					}
				}
				g.out = append(g.out, fmt.Sprintf("%d: %s; %s", ev.Want, strings.Join(parts, ", "), ev.Said[0].What))
			case owner.Queued:
				g.out = append(g.out, fmt.Sprintf("%d waits: %s", ev.Want, ev.Why))
			case owner.Denied:
				g.out = append(g.out, fmt.Sprintf("%d denied: %s", ev.Want, ev.Reason))
			case owner.Lost:
				g.out = append(g.out, "lost "+string(ev.Node))
			}
		}
	}
}

// beats lets time pass, in which the datacenters given state what cores they have.
func (g *gate) beats(seconds int, cores map[string]int) {
	g.t.Helper()
	for range seconds * 10 {
		g.now += 100 * time.Millisecond
		if g.now%time.Second == 0 {
			for _, dc := range []string{"fra", "nyc"} {
				if n := cores[dc]; n > 0 {
					g.states(dc, n)
				}
			}
		}
		g.step(Tick{})
	}
}

func (g *gate) states(dc string, cores int) {
	child := hyperscale.NodeID(dc)
	if k := g.n.kids.by[child]; k == nil || k.conn == 0 {
		g.step(Attached{Child: child, Conn: 1})
	}
	g.step(Surveyed{route.Manager{Datacenter: dc, Node: child + "/m1", State: route.Heard}})
	g.step(Surveyed{route.Stated{Datacenter: dc, Seq: uint64(g.now), Capacity: route.Capacity{Cores: cores, Free: cores, Workers: 1}}})
	g.step(Said{Child: child, Conn: 1, Up: link.Statement{Node: child, Boot: DatacenterBoot, Cores: cores}})
}

func (g *gate) hushes(dc string) {
	g.step(Surveyed{route.Manager{Datacenter: dc, Node: hyperscale.NodeID(dc + "/m1"), State: route.Silent}})
}

// wants lets the job want cores for one workflow or two.
func (g *gate) wants(number uint64, wish route.Wish, cores ...int) {
	want := link.Want{Job: "j", Number: number}
	for i, n := range cores {
		want.Workflows = append(want.Workflows, link.WorkflowCores{Workflow: string(rune('a' + i)), Least: n, Most: n})
		wish.Least, wish.Most = wish.Least+n, wish.Most+n
	}
	g.step(JobWants{Job: "j", Wants: []link.Want{want}, Wishes: []route.Wish{wish}})
}

// hears fails unless that was all that came.
func (g *gate) hears(want ...string) {
	g.t.Helper()
	if !slices.Equal(g.out, want) {
		g.t.Errorf("at %v came\n%s\nwant\n%s", g.now, strings.Join(g.out, "\n"), strings.Join(want, "\n"))
	}
	g.out = nil
}

// What a job of a gate wants is given at once, in as many datacenters as hold it, together
// for all that begins together; the choice is told.
func TestAGateGivesAtOnce(t *testing.T) {
	g := newGate(t)
	both := map[string]int{"fra": 2, "nyc": 2}
	g.beats(3, both)
	if workers, cores := g.n.Room(); workers != 2 || cores != 4 {
		t.Errorf("there is room for %d, %d", workers, cores)
	}
	g.step(JobHere{Job: "j", Epoch: 1})
	g.wants(1, route.Wish{}, 1)
	g.hears("1: a fra×1; routed")
	g.wants(2, route.Wish{}, 2, 1)
	g.hears("2: a fra×1, a nyc×1, b fra×1; routed")
	g.wants(3, route.Wish{Excluded: []string{"fra"}, Cover: true}, 1)
	g.hears("3: a nyc×1; routed")
	g.step(JobWants{Job: "j"})
	g.beats(2, both)
	g.hears()
}

// A job that no datacenter can run waits for a while, for one may be about to be heard,
// and is refused with the reasons; what others are to take over waits on.
func TestAGateRefuses(t *testing.T) {
	g := newGate(t)
	fra := map[string]int{"fra": 2}
	g.step(JobHere{Job: "j", Epoch: 1})
	g.wants(1, route.Wish{}, 3)
	g.hears("1 waits: no datacenter is known")
	g.beats(20, nil)
	g.out = nil
	g.beats(1, fra)
	why := "it needs 3 cores, and there are not so many: fra: it has 2 cores"
	if !slices.Contains(g.out, "1 denied: "+why) {
		t.Errorf("it hears %q", g.out)
	}
	g.out = nil
	g.wants(2, route.Wish{}, 3)
	g.hears("2 waits: " + why)
	g.wants(3, route.Wish{Excluded: []string{"fra"}, Cover: true}, 1)
	g.out = nil
	g.beats(30, fra)
	if last := g.out[len(g.out)-1]; !strings.HasPrefix(last, "3 waits: no datacenter can run it") {
		t.Errorf("after half a minute: %s", last)
	}
	g.out = nil
	g.beats(1, map[string]int{"fra": 2, "nyc": 1})
	if !slices.Contains(g.out, "3: a nyc×1; routed") {
		t.Errorf("it hears %q", g.out)
	}
}

// A datacenter of which no gate hears anything is given up, and is cut off if those gates
// are most of them; when it is heard again it is healed.
func TestAGateGivesADatacenterUp(t *testing.T) {
	for name, c := range map[string]struct {
		gates int // linked with this one
		want  []string
	}{
		"all gates": {2, []string{"datacenter cut off fra", "lost fra", "datacenter healed fra"}},
		"a few":     {0, []string{"lost fra"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t, "g2", "g3")
			for _, p := range []hyperscale.NodeID{"g2", "g3"}[c.gates:] {
				g.step(PeerDown{Node: p})
			}
			both := map[string]int{"fra": 2, "nyc": 2}
			g.beats(3, both)
			g.step(JobHere{Job: "j", Epoch: 1})
			g.step(JobTells{Job: "j", To: link.Holder{Node: "fra", Boot: DatacenterBoot}, Order: link.Order{Do: link.Prepare, Hold: link.Hold{Job: "j"}}})
			g.beats(3, map[string]int{"nyc": 2})
			g.hears()
			g.hushes("fra")
			g.out = nil
			g.beats(3, map[string]int{"nyc": 2})
			g.beats(1, both)
			g.hears(c.want...)
		})
	}
}

// Where all datacenters fall silent at once it may be this gate's own network: none is
// given up for a while.
func TestAGateDoubtsItself(t *testing.T) {
	g := newGate(t, "g2")
	g.beats(3, map[string]int{"fra": 2, "nyc": 2})
	g.step(JobHere{Job: "j", Epoch: 1})
	g.step(JobTells{Job: "j", To: link.Holder{Node: "fra", Boot: DatacenterBoot}, Order: link.Order{Do: link.Prepare, Hold: link.Hold{Job: "j"}}})
	g.hushes("fra")
	g.hushes("nyc")
	g.out = nil
	g.beats(55, nil)
	g.hears()
	g.beats(10, nil)
	if !slices.Contains(g.out, "lost fra") {
		t.Errorf("after a minute: %q", g.out)
	}
}

// What a job was, and how it ended, is told to who has it and did not hear; a share that
// a worker holds is just dropped.
func TestDisownSaysHowItEnded(t *testing.T) {
	g := newGate(t)
	g.states("fra", 1)
	h := link.Hold{Job: "j", Workflow: "a"}
	g.step(Said{Child: "fra", Conn: 1, Up: link.Statement{Node: "fra", Boot: DatacenterBoot, Holds: []link.Held{{Hold: h}, {Hold: link.Hold{Job: "j"}}}}})
	var orders []link.Order
	for _, e := range g.n.Disown("fra", "j", hyperscale.Cancelled, "by eve") {
		orders = append(orders, e.(ToChild).Down.(link.Order))
	}
	if len(orders) != 2 || orders[0].Phase != "" || orders[1].Phase != hyperscale.Cancelled || orders[1].Reason != "by eve" {
		t.Errorf("%+v", orders)
	}
}
