package child

import (
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// A word counts once, and only of the start of a parent that is linked; what another one
// says that is passed on has numbers of its own.
func TestOldWordsCountForNothing(t *testing.T) {
	var p Parents
	p.Link(0, "g1", 7)
	for _, c := range []struct {
		by, of hyperscale.NodeID
		boot   hyperscale.Boot
		seq    uint64
		counts bool
	}{
		{"g1", "g1", 7, 2, true},
		{"g1", "g1", 7, 2, false},
		{"g1", "g1", 7, 1, false},
		{"g1", "g1", 6, 3, false},
		{"g1", "g2", 1, 1, true},
		{"g1", "g1", 7, 3, true},
	} {
		if got := p.Heard(time.Second, c.by, link.Word{Node: c.of, Boot: c.boot, Seq: c.seq}); got != c.counts {
			t.Errorf("%+v: %v", c, got)
		}
	}
	s := p.State(3*time.Second, func() link.Statement { return link.Statement{} })
	if len(s) != 1 || s[0].Heard != 3 || s[0].HeardAgo != 2*time.Second || s[0].Seq != 1 || s[0].At != 3*time.Second {
		t.Errorf("stated: %+v", s)
	}
	if p.Link(4*time.Second, "g1", 8); p.Find("g1").Link != 2 || p.Len() != 1 {
		t.Error("a link that stands anew is not another")
	}
	if s = p.State(4*time.Second, func() link.Statement { return link.Statement{} }); len(s) != 1 || s[0].Heard != 0 || s[0].HeardAgo != 0 || s[0].Seq != 2 {
		t.Errorf("stated at once to whom is linked anew: %+v", s)
	}
}

// A clock tells how late it was woken, and whether the machine stood still.
func TestClock(t *testing.T) {
	c := NewClock()
	if c.Look(time.Hour) || c.Beat(time.Hour, false) {
		t.Error("it was not asked for anything")
	}
	if c.Beat(0, true) {
		t.Error("a beat is due at once")
	}
	if at, anew := c.Arm(Never); at != time.Second || !anew {
		t.Errorf("wake at %v, %v", at, anew)
	}
	if _, anew := c.Arm(Never); anew {
		t.Error("it is asked for twice")
	}
	if c.Look(1500*time.Millisecond) || c.Stall() != 0.5 {
		t.Errorf("half a beat late: %v", c.Stall())
	}
	if !c.Beat(1500*time.Millisecond, true) || c.Beat(1999*time.Millisecond, true) {
		t.Error("a beat that is late moves the next by as much")
	}
	if c.Told(); c.Stall() != 0.25 {
		t.Errorf("told once: %v", c.Stall())
	}
	c.Arm(Never)
	if !c.Look(4*time.Second) || c.Stall() < 1.5 {
		t.Errorf("it stood still: %v", c.Stall())
	}
	if c.Beat(4*time.Second, false) || c.beat != Never {
		t.Error("nobody is there to hear a beat")
	}
}
