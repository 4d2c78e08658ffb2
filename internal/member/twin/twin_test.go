package twin

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/member"
	"hyperscale/internal/member/membertest"
)

// group is a group under the suite.
type group struct {
	*Group
	t *testing.T
}

func (g *group) Start(id hyperscale.NodeID, boot hyperscale.Boot, meta []byte, peers []hyperscale.NodeID, heard member.Heard) (member.Members, func()) {
	n, err := g.New(Config{ID: id, Boot: boot, Meta: meta, Join: peers}, heard)
	if err != nil {
		g.t.Fatal(err)
	}
	n.Start()
	return n, n.Kill
}

func (g *group) Until(limit time.Duration, ok func() bool) bool {
	for end := g.now + limit; g.now < end && !ok(); {
		g.Advance(g.now + Beat)
	}
	return ok()
}

func TestTwin(t *testing.T) {
	membertest.Run(t, func(t *testing.T) membertest.Group { return &group{NewGroup(), t} })
}

// party is some members that all look for the first, with what each told.
type party struct {
	*Group
	nodes map[string]*Node
	told  []string
}

func newParty(t *testing.T, ids ...string) *party {
	p := &party{Group: NewGroup(), nodes: make(map[string]*Node)}
	for _, id := range ids {
		n, err := p.New(Config{ID: hyperscale.NodeID(id), Boot: 1, Join: []hyperscale.NodeID{hyperscale.NodeID(ids[0])}}, func(e member.Event) {
			p.told = append(p.told, fmt.Sprintf("%v %s: %v %s", p.now, id, e.Kind, e.ID))
		})
		if err != nil {
			t.Fatal(err)
		}
		p.nodes[id] = n
		n.Start()
	}
	p.Advance(time.Second)
	p.told = nil
	return p
}

func (p *party) want(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(p.told, want) {
		t.Errorf("told:\n  %s\nnot:\n  %s", strings.Join(p.told, "\n  "), strings.Join(want, "\n  "))
	}
	p.told = nil
}

// A link cut one way, or both, is made good by those who hear both ends.
func TestOneLinkIsNotEnough(t *testing.T) {
	p := newParty(t, "a", "b", "c")
	p.Cut("a", "b", true)
	p.Advance(time.Minute)
	p.Cut("b", "a", true)
	p.Advance(2 * time.Minute)
	p.want(t)
}

// Who is cut off is dead to the others, they are dead to it, and when the cut
// heals all are back, with the same boot.
func TestCutOffAndBack(t *testing.T) {
	p := newParty(t, "a", "b", "c")
	p.Isolate("c", true)
	p.Advance(time.Minute)
	p.want(t, "3.5s a: dead c", "3.5s b: dead c", "3.5s c: dead a", "3.5s c: dead b")
	p.Isolate("c", false)
	p.Advance(2 * time.Minute)
	p.want(t, "1m0.1s a: joined c", "1m0.1s b: joined c", "1m0.1s c: joined a", "1m0.1s c: joined b")
}

// Back before two minutes nothing is lost; after them all that is known goes.
func TestReaped(t *testing.T) {
	p := newParty(t, "a", "b")
	p.nodes["b"].Kill()
	p.Advance(time.Hour)
	p.want(t, "3.5s a: dead b", "2m3.5s a: reaped b")
	if n := p.nodes["a"].roster.Len(); n != 1 || !p.quiet {
		t.Errorf("%d are remembered; quiet: %v", n, p.quiet)
	}
}

// A silence of less than what makes dead is not told, however often it comes.
func TestShortSilence(t *testing.T) {
	p := newParty(t, "a", "b")
	for range 20 {
		p.Isolate("b", true)
		p.Advance(p.now + Silence - 2*Beat)
		p.Isolate("b", false)
		p.Advance(p.now + time.Minute)
	}
	p.want(t)
}

// A quiet group costs nothing, and a long quiet is no silence.
func TestQuiet(t *testing.T) {
	p := newParty(t, "a", "b", "c")
	p.Advance(1000 * time.Hour)
	p.nodes["a"].SetStall(3)
	p.Isolate("c", true)
	p.Advance(p.now + Silence - Beat)
	p.want(t)
	p.Advance(p.now + Beat)
	if len(p.told) != 4 || p.nodes["a"].Stall() != 3 {
		t.Errorf("told: %q", p.told)
	}
}

func TestFaults(t *testing.T) {
	for _, config := range []Config{{}, {ID: hyperscale.NodeID(strings.Repeat("x", member.MaxID+1))}, {ID: "a", Meta: make([]byte, member.MaxMeta+1)}} {
		if _, err := NewGroup().New(config, nil); err == nil {
			t.Errorf("taken: %.40v", config)
		}
	}
}
