package node

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
)

// stage is a node with a job whose part a child holds, and a peer.
type stage struct {
	n   *Node
	now time.Duration
	seq uint64
	out []string
}

func newStage() *stage {
	s := &stage{n: New(Config{Self: "m", Boot: 1}), now: time.Second}
	s.step(Tick{})
	s.step(PeerUp{Node: "p"})
	return s
}

func (s *stage) step(ev Event) {
	for _, e := range s.n.Step(s.now, ev) {
		switch e := e.(type) {
		case ToJob:
			s.out = append(s.out, s.jobText(e))
		case ToPeer:
			s.out = append(s.out, fmt.Sprintf("%s: %T", e.Node, e.Said))
		case HangUp:
			s.out = append(s.out, "hang up")
		case ToChild:
			if _, word := e.Down.(link.Word); !word {
				s.out = append(s.out, fmt.Sprintf("%s: %T", e.Child, e.Down))
			}
		case Unclaimed:
			s.out = append(s.out, "unclaimed "+string(e.Job))
		}
	}
}

func (s *stage) jobText(e ToJob) string {
	switch ev := e.Event.(type) {
	case owner.Lost:
		text := fmt.Sprintf("lost %s %d dead %v", ev.Node, ev.Boot, ev.Dead)
		if ev.Since != 0 {
			text += fmt.Sprintf(" since %v ago", s.now-ev.Since)
		}
		return text
	case owner.Stated:
		return fmt.Sprintf("stated %s %d", ev.Node, ev.Boot)
	}
	return fmt.Sprintf("%T", e.Event)
}

// pass lets time pass in ticks.
func (s *stage) pass(d time.Duration) {
	for until := s.now + d; s.now < until; {
		s.now += 100 * time.Millisecond
		s.step(Tick{})
	}
}

func (s *stage) attach(conn uint64) { s.step(Attached{Child: "k", Conn: conn}) }

func (s *stage) state(conn uint64, boot hyperscale.Boot) {
	s.seq++
	s.step(Said{Child: "k", Conn: conn, Up: link.Statement{Node: "k", Boot: boot, Seq: s.seq, Cores: 1, Free: 1,
		Holds: []link.Held{{Hold: link.Hold{Job: "j", Workflow: "a", Share: hyperscale.Whole}, State: link.Running}}}})
}

func (s *stage) here() {
	s.step(JobHere{Job: "j", Epoch: 1, Holders: []link.Holder{{Node: "k", Boot: 1}}})
}

func (s *stage) prepare(boot hyperscale.Boot) {
	s.step(JobTells{Job: "j", To: link.Holder{Node: "k", Boot: boot}, Order: link.Order{Do: link.Prepare, Epoch: 1}})
}

// said takes what came out since, but for what wants of the placer would be.
func (s *stage) said() string {
	text := strings.Join(s.out, "; ")
	s.out = nil
	return text
}

// TestKid walks what may become of a child: see the table of kid.
func TestKid(t *testing.T) {
	linked := func(s *stage) { s.attach(1); s.here(); s.state(1, 1); s.said() }
	for _, c := range []struct {
		name string
		do   func(*stage)
		want string
	}{
		{"a statement reaches the job", func(s *stage) { linked(s); s.state(1, 1) }, "stated k 1"},
		{"of an older stream nothing does", func(s *stage) { linked(s); s.attach(2); s.state(1, 1) }, ""},
		{"an older boot is refused", func(s *stage) { s.attach(1); s.here(); s.state(1, 2); s.said(); s.state(1, 1) }, "hang up"},
		{"an older boot comes back once the later start is forgotten", func(s *stage) {
			s.attach(1)
			s.here()
			s.state(1, 2)
			s.step(Detached{Child: "k", Conn: 1})
			for conn := range uint64(140) {
				s.attach(conn + 2)
				s.state(conn+2, 1)
				s.pass(time.Second)
				s.said()
			}
			s.attach(150)
			s.state(150, 1)
		}, "stated k 1"},
		{"a newer boot buries the one before", func(s *stage) { linked(s); s.state(1, 2) }, "lost k 1 dead true; stated k 2"},
		{"a stream that ended and came back", func(s *stage) {
			linked(s)
			s.step(Detached{Child: "k", Conn: 1})
			s.pass(500 * time.Millisecond)
			s.attach(2)
			s.state(2, 1)
		}, "stated k 1"},
		{"a stream that ended and did not", func(s *stage) {
			linked(s)
			s.step(Detached{Child: "k", Conn: 1})
			s.pass(1200 * time.Millisecond)
		}, "lost k 1 dead true since 600ms ago"},
		{"a stream that it ended because it does not hear us: it is silent, not dead", func(s *stage) {
			linked(s)
			s.seq++
			s.step(Said{Child: "k", Conn: 1, Up: link.Statement{Node: "k", Boot: 1, Seq: s.seq, Cores: 1, Free: 1, Heard: 1, HeardAgo: 2500 * time.Millisecond}})
			s.said()
			s.step(Detached{Child: "k", Conn: 1})
			s.pass(4500 * time.Millisecond)
		}, "p: link.Hear; lost k 1 dead false"},
		{"a newer boot soon after the stream ended: it ended with it", func(s *stage) {
			linked(s)
			s.step(Detached{Child: "k", Conn: 1})
			s.pass(300 * time.Millisecond)
			s.attach(2)
			s.state(2, 2)
		}, "lost k 1 dead true since 300ms ago; stated k 2"},
		{"silence: others are asked, and do not hear it", func(s *stage) { linked(s); s.pass(4200 * time.Millisecond) },
			"p: link.Hear; hang up; lost k 1 dead false"},
		{"windows are beats", func(s *stage) {
			linked(s)
			for range 8 {
				s.step(Delivered{Child: "k"})
				s.pass(time.Second)
			}
		}, ""},
		{"windows of one without a stream are not", func(s *stage) {
			linked(s)
			s.step(Detached{Child: "k", Conn: 1})
			s.step(Delivered{Child: "k"})
			s.pass(1200 * time.Millisecond)
		}, "lost k 1 dead true since 600ms ago"},
		{"silence: another hears it, and passes beats and orders on", func(s *stage) {
			linked(s)
			s.pass(3200 * time.Millisecond)
			s.step(PeerSaid{Node: "p", Said: link.Heard{Holder: link.Holder{Node: "k", Boot: 1}, Heard: true}})
			s.pass(1500 * time.Millisecond)
			s.prepare(1)
		}, "p: link.Hear; hang up; p: link.Relay; p: link.Relay; p: link.Relay"},
		{"gone, and back", func(s *stage) {
			linked(s)
			s.pass(4200 * time.Millisecond)
			s.said()
			s.attach(2)
			s.state(2, 1)
		}, "stated k 1"},
		{"gone, and an order for it: it is looked for again", func(s *stage) {
			linked(s)
			s.pass(4200 * time.Millisecond)
			s.said()
			s.prepare(1)
			s.pass(1200 * time.Millisecond)
		}, "p: link.Hear; lost k 1 dead false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage()
			c.do(s)
			if got := s.said(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// What people are told of a child.
func TestStandingOfAKid(t *testing.T) {
	s := newStage()
	stands := func(want string) {
		t.Helper()
		if got := s.n.Children()[0].State; got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
	}
	s.attach(1)
	s.state(1, 1)
	stands("alive")
	s.step(Detached{Child: "k", Conn: 1})
	stands("suspect")
	s.pass(1200 * time.Millisecond)
	stands("dead")
	s.attach(2)
	s.seq++
	s.step(Said{Child: "k", Conn: 2, Up: link.Statement{Node: "k", Boot: 1, Seq: s.seq, Cores: 1, Free: 1, Draining: true}})
	stands("draining")
	s.step(Detached{Child: "k", Conn: 2})
	s.pass(1200 * time.Millisecond)
	stands("left")
}

// TestExpectedChildIsWaitedFor: who was never met here is not lost at once, whether a
// former owner told of it or the placer.
func TestExpectedChildIsWaitedFor(t *testing.T) {
	for name, meet := range map[string]func(*stage){
		"by an owner before": func(s *stage) { s.here() },
		"by the placer":      func(s *stage) { s.step(JobHere{Job: "j", Epoch: 1}); s.prepare(1) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage()
			meet(s)
			s.pass(4 * time.Second)
			if got := s.said(); got != "" {
				t.Errorf("after 4 s: %q", got)
			}
			s.pass(5 * time.Second)
			if got := s.said(); !strings.Contains(got, "lost k 1 dead false") {
				t.Errorf("it is never given up: %q", got)
			}
		})
	}
}

// TestStandingStillLosesNobody: after a pause of the node itself all children have
// their time again, also those that hung up meanwhile.
func TestStandingStillLosesNobody(t *testing.T) {
	s := newStage()
	s.attach(1)
	s.here()
	s.state(1, 1)
	s.pass(time.Second)
	s.said()
	s.now += 20 * time.Second
	s.step(Detached{Child: "k", Conn: 1})
	s.pass(2500 * time.Millisecond)
	if got := s.said(); got != "" {
		t.Errorf("got %q", got)
	}
	s.pass(10 * time.Second)
	if got := s.said(); !strings.Contains(got, "lost k 1 dead false") {
		t.Errorf("it is never given up: %q", got)
	}
}

// TestOrphansAreAskedFor: a child whose job nobody claims is told of.
func TestOrphansAreAskedFor(t *testing.T) {
	s := newStage()
	s.attach(1)
	s.step(Said{Child: "k", Conn: 1, Up: link.Statement{Node: "k", Boot: 1, Seq: 1,
		Holds: []link.Held{{Hold: link.Hold{Job: "x"}, Silence: 11 * time.Second}}}})
	if got := s.said(); got != "unclaimed x" {
		t.Errorf("got %q", got)
	}
}

// TestWordsAreSpread: children that came together are not all spoken to at once, and
// each is once a beat.
func TestWordsAreSpread(t *testing.T) {
	s := newStage()
	const kids = 100
	for i := range kids {
		s.step(Attached{Child: hyperscale.NodeID(fmt.Sprintf("k%03d", i)), Conn: uint64(i + 1)})
	}
	words := 0
	for range 10 {
		s.now += 100 * time.Millisecond
		now := 0
		for _, e := range s.n.Step(s.now, Tick{}) {
			if to, ok := e.(ToChild); ok {
				if _, ok := to.Down.(link.Word); ok {
					now++
				}
			}
		}
		if now > kids/5 {
			t.Errorf("%d words at once", now)
		}
		words += now
	}
	if words != kids {
		t.Errorf("%d words in one beat, want %d", words, kids)
	}
}

// TestMostAreSilent: a node that hears most of its children no more, and has nobody
// to ask, gives none up for a while; then all.
func TestMostAreSilent(t *testing.T) {
	s := newStage()
	s.step(PeerDown{Node: "p"})
	s.here()
	for i, id := range []hyperscale.NodeID{"k", "l", "m"} {
		s.step(Attached{Child: id, Conn: uint64(i + 1)})
		s.step(Said{Child: id, Conn: uint64(i + 1), Up: link.Statement{Node: id, Boot: 1, Seq: 1, Cores: 1, Free: 1}})
	}
	s.said()
	s.pass(12 * time.Second)
	if got := s.said(); strings.Contains(got, "lost") {
		t.Errorf("after 12 s: %q", got)
	}
	s.pass(3 * time.Second)
	if got := s.said(); !strings.Contains(got, "lost k 1 dead false") {
		t.Errorf("it is never given up: %q", got)
	}
}

// TestKidsStayInOrder: whoever comes and goes, the list is by name and complete.
func TestKidsStayInOrder(t *testing.T) {
	table := newKids()
	for _, i := range []int{5, 2, 9, 1, 7} {
		table.add(&kid{Holder: link.Holder{Node: hyperscale.NodeID(fmt.Sprint(i))}})
	}
	for _, k := range table.all() {
		if k.Node == "5" || k.Node == "9" {
			table.remove(k)
		}
	}
	names := ""
	for _, k := range table.list {
		names += string(k.Node)
	}
	if names != "127" || len(table.by) != 3 {
		t.Errorf("got %s, and %d by name", names, len(table.by))
	}
}

// B-08: a child that was silent, or gone, is back DEGRADED, and healthy after two good
// statements more; a new start of it is healthy at once.
func TestHealthOfWhoIsBack(t *testing.T) {
	s := newStage()
	s.attach(1)
	s.state(1, 1)
	health := func(want string) {
		t.Helper()
		if got := s.n.Children(); len(got) != 1 || got[0].Health != want {
			t.Errorf("got %+v, want it %s", got, want)
		}
	}
	health("HEALTHY")
	s.pass(3200 * time.Millisecond) // silent
	health("UNHEALTHY")
	s.step(Detached{Child: "k", Conn: 1})
	s.pass(1200 * time.Millisecond) // given up
	health("UNHEALTHY")
	if _, cores := s.n.Room(); cores != 0 {
		t.Errorf("it counts with %d cores", cores)
	}
	s.attach(2)
	for _, want := range []string{"DEGRADED", "DEGRADED", "HEALTHY"} {
		s.state(2, 1)
		health(want)
	}
	s.state(2, 2)
	health("HEALTHY")
}

// B-49, B-22: two minutes after a child was last heard all that was known of it goes.
func TestKidsAreForgotten(t *testing.T) {
	s := newStage()
	s.attach(1)
	s.state(1, 1)
	s.step(Detached{Child: "k", Conn: 1})
	s.pass(110 * time.Second)
	if len(s.n.Children()) != 1 {
		t.Error("it is forgotten too early")
	}
	s.pass(20 * time.Second)
	if len(s.n.kids.by)+len(s.n.kids.list) != 0 {
		t.Errorf("left: %d and %d", len(s.n.kids.by), len(s.n.kids.list))
	}
	s.attach(2)
	s.state(2, 1)
	if got := s.n.Children(); len(got) != 1 || !got[0].Heard {
		t.Errorf("it comes back as %+v", got)
	}
}

// Words on one stream are numbered on, though it is another start of the child that
// speaks: it would not hear lower ones, and its silence would be taken for its own.
func TestWordsGoOnForALaterStart(t *testing.T) {
	n := New(Config{Self: "m"})
	last := uint64(0)
	step := func(now time.Duration, ev Event) {
		for _, e := range n.Step(now, ev) {
			if to, ok := e.(ToChild); ok {
				if w, ok := to.Down.(link.Word); ok {
					if w.Seq <= last {
						t.Errorf("at %v: word %d after %d", now, w.Seq, last)
					}
					last = w.Seq
				}
			}
		}
	}
	step(0, Attached{Child: "k", Conn: 1})
	for i := range 40 {
		now := time.Duration(i+1) * 100 * time.Millisecond
		step(now, Said{Child: "k", Conn: 1, Up: link.Statement{Node: "k", Boot: hyperscale.Boot(1 + i/20), Seq: uint64(i + 1), Cores: 1, Free: 1}})
		step(now, Tick{})
	}
	if last < 4 {
		t.Errorf("only %d words", last)
	}
}
