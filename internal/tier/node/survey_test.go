package node

import (
	"fmt"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// capacityText is a capacity in words.
func capacityText(c *link.Capacity) string {
	if c == nil {
		return "unknown"
	}
	return fmt.Sprintf("%d of %d free, workers %d/%d, managers %d/%d, queued %d, expected %v, age %v",
		c.Free, c.Cores, c.Unhealthy, c.Workers, c.UnhealthyManagers, c.Managers, c.Queued, c.Expected, c.Age)
}

// B-29: the placer says each second what the datacenter can take; whoever hears it keeps
// the newest with its age, and believes nobody else.
func TestCapacityIsThePlacersWord(t *testing.T) {
	n := New(Config{Self: "m", Boot: 1, Above: true})
	now, seq := time.Duration(0), uint64(0)
	said := 0
	step := func(ev Event) {
		for _, e := range n.Step(now, ev) {
			if to, ok := e.(ToPeer); ok {
				if c, ok := to.Said.(link.Capacity); ok {
					said++
					if want := capacityText(n.Capacity(now)); capacityText(&c) != want {
						t.Errorf("said %q, known is %q", capacityText(&c), want)
					}
				}
			}
		}
	}
	beats := func(seconds int, workers ...string) {
		for range seconds * 10 {
			now += 100 * time.Millisecond
			for i, w := range workers {
				if seq++; now%time.Second == 0 {
					step(Said{Child: hyperscale.NodeID(w), Conn: uint64(i + 1), Up: link.Statement{Node: hyperscale.NodeID(w), Boot: 1, Seq: seq, Cores: 4, Free: 4}})
				}
			}
			step(Tick{})
		}
	}
	is := func(want string) {
		t.Helper()
		if got := capacityText(n.Capacity(now)); got != want {
			t.Errorf("at %v: %s, want %s", now, got, want)
		}
	}
	step(Tick{})
	step(PeerUp{Node: "p"})
	step(Parents{All: []link.Parent{{Node: "m"}, {Node: "p"}, {Node: "q"}}})
	step(Attached{Child: "k", Conn: 1})
	step(Attached{Child: "l", Conn: 2})
	is("unknown")
	step(Placer{Node: "p"})
	step(PeerSaid{Node: "q", Said: link.Capacity{Cores: 99}}) // who does not place
	beats(1, "k", "l")
	is("unknown")
	step(PeerSaid{Node: "p", Said: link.Capacity{Cores: 7}})
	beats(2, "k", "l")
	is("0 of 7 free, workers 0/0, managers 0/0, queued 0, expected 0s, age 2s")

	step(Placer{Node: "m"})
	beats(1, "k", "l")
	is("0 of 7 free, workers 0/0, managers 0/0, queued 0, expected 0s, age 3s") // it has yet to hear of workers
	if said > 0 {
		t.Errorf("said %d times by who does not place, or is new", said)
	}
	beats(2, "k", "l")
	is("8 of 8 free, workers 0/2, managers 1/3, queued 0, expected 0s, age 0s") // no talk with q
	if said != 2 {
		t.Errorf("said %d times in two seconds", said)
	}
	step(PeerUp{Node: "q"})
	step(Parents{All: []link.Parent{{Node: "m"}, {Node: "q"}}})
	step(JobHere{Job: "j", Epoch: 1})
	step(JobWants{Job: "j", Wants: []link.Want{{Job: "j", Number: 1, Length: 20 * time.Second, Workflows: []link.WorkflowCores{{Workflow: "w", Least: 5, Most: 5}}}}})
	beats(10, "k")
	is("1 of 4 free, workers 1/2, managers 1/3, queued 0, expected 0s, age 0s") // l hung up; k was granted 3 cores
}

// What the workers have not and the plan holds cores for is waited for, in core-seconds.
func TestCapacityTellsWhatWaits(t *testing.T) {
	n := New(Config{Self: "m", Boot: 1, Above: true})
	now := time.Duration(0)
	beats := func(seconds int) {
		for range seconds * 10 {
			now += 100 * time.Millisecond
			if now%time.Second == 0 {
				n.Step(now, Said{Child: "k", Conn: 1, Up: link.Statement{Node: "k", Boot: 1, Seq: uint64(now), Cores: 4, Free: 4}})
			}
			n.Step(now, Tick{})
		}
	}
	n.Step(now, Tick{})
	n.Step(now, Parents{All: []link.Parent{{Node: "m"}}})
	n.Step(now, Placer{Node: "m"})
	n.Step(now, Attached{Child: "k", Conn: 1})
	n.Step(now, JobHere{Job: "j", Epoch: 1})
	wants := func(length time.Duration) {
		n.Step(now, JobWants{Job: "j", Wants: []link.Want{{Job: "j", Number: uint64(length) + 1, Length: length, Workflows: []link.WorkflowCores{{Workflow: "w", Least: 5, Most: 5}}}}})
		beats(5)
	}
	for _, c := range []struct {
		length time.Duration
		want   string
	}{
		{20 * time.Second, "4 of 4 free, workers 0/1, managers 0/1, queued 100, expected 0s, age 0s"},
		{0, "4 of 4 free, workers 0/1, managers 0/1, queued 300, expected 0s, age 0s"}, // a minute, where the plan does not say
	} {
		wants(c.length)
		if got := capacityText(n.Capacity(now)); got != c.want {
			t.Errorf("%v: %s, want %s", c.length, got, c.want)
		}
	}
}
