// Package membertest holds every failure detector to the promises of
// [member.Members].
package membertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/member"
)

// Group starts members that can find each other and lets time pass for them.
type Group interface {
	// Start runs a member that looks for the peers named, whether they run or
	// not, and gives it with a function that kills it without a farewell and
	// returns when it is gone.
	Start(id hyperscale.NodeID, boot hyperscale.Boot, meta []byte, peers []hyperscale.NodeID, heard member.Heard) (member.Members, func())

	// Until lets time pass until ok holds, and reports whether it came to that
	// within the limit.
	Until(limit time.Duration, ok func() bool) bool
}

// Soon is a limit for what takes a detector a few seconds.
const Soon = 20 * time.Second

// Run runs the suite. Open makes a group for one test, which it may let run
// beside others.
func Run(t *testing.T, open func(*testing.T) Group) {
	tests := []struct {
		name string
		run  func(*fixture)
	}{
		{"TheFirstMemberIsOneself", firstIsOneself},
		{"MembersFindEachOther", findEachOther},
		{"TheDeadAreTold", deadAreTold},
		{"WhoLeavesIsNotDead", leaverIsNotDead},
		{"ARestartIsToldByItsBoot", restartIsTold},
		{"ConfiguredPeersAreUnconfirmed", peersAreUnconfirmed},
		{"UpdatesAreTold", updatesAreTold},
		{"TooMuchIsRefused", tooMuchIsRefused},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(&fixture{T: t, Group: open(t)}) })
	}
}

// fixture is a group with what its members said.
type fixture struct {
	*testing.T
	Group
}

// node is a running member with what it told.
type node struct {
	member.Members
	kill func()

	mu     sync.Mutex
	events []string
}

func (f *fixture) start(id hyperscale.NodeID, boot hyperscale.Boot, peers ...hyperscale.NodeID) *node {
	n := &node{}
	n.Members, n.kill = f.Start(id, boot, []byte("of "+id), peers, func(e member.Event) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.events = append(n.events, fmt.Sprintf("%v %s#%d", e.Kind, e.ID, e.Boot))
	})
	f.Cleanup(n.kill)
	return n
}

// told is what the member told, without itself unless it stands alone.
func (n *node) told() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.events, ", ")
}

func (n *node) alive() string {
	var all []string
	for _, m := range n.Alive() {
		all = append(all, fmt.Sprintf("%s#%d %s", m.ID, m.Boot, m.Meta))
	}
	return strings.Join(all, ", ")
}

func (f *fixture) want(what, want string, got func() string) {
	f.Helper()
	if !f.Until(Soon, func() bool { return got() == want }) {
		f.Fatalf("%s: %q, not %q", what, got(), want)
	}
}

func firstIsOneself(f *fixture) {
	a := f.start("a", 3)
	f.want("what it tells", "joined a#3", a.told)
	all := a.Alive()
	if len(all) != 1 || all[0].ID != "a" || all[0].Boot != 3 || string(all[0].Meta) != "of a" || all[0].Addr == "" {
		f.Errorf("alive: %+v", all)
	}
	if a.Stall() != 0 || len(a.Unheard()) != 0 {
		f.Errorf("stall %d, unheard %q", a.Stall(), a.Unheard())
	}
}

// trio is three members that know each other.
func (f *fixture) trio() (a, b, c *node) {
	a, b, c = f.start("a", 1), f.start("b", 1, "a"), f.start("c", 1, "a")
	for _, n := range []*node{a, b, c} {
		f.want("who is alive", "a#1 of a, b#1 of b, c#1 of c", n.alive)
	}
	return a, b, c
}

func findEachOther(f *fixture) {
	for _, n := range []*node{first(f.trio())} {
		if got := n.Unheard(); len(got) > 0 {
			f.Errorf("unheard: %q", got)
		}
	}
}

func first(a, _, _ *node) *node { return a }

func deadAreTold(f *fixture) {
	a, b, c := f.trio()
	c.kill()
	for _, n := range []*node{a, b} {
		f.want("who is alive", "a#1 of a, b#1 of b", n.alive)
		f.Until(Soon, func() bool { return strings.Contains(n.told(), "dead") })
		if told := n.told(); strings.Count(told, "dead c#1") != 1 || strings.Contains(told, "left") || strings.Count(told, "dead") != 1 {
			f.Errorf("told: %s", told)
		}
	}
}

func leaverIsNotDead(f *fixture) {
	a, b, c := f.trio()
	ctx, cancel := context.WithTimeout(f.Context(), Soon)
	defer cancel()
	if err := c.Leave(ctx); err != nil {
		f.Fatal(err)
	}
	c.kill()
	for _, n := range []*node{a, b} {
		f.want("who is alive", "a#1 of a, b#1 of b", n.alive)
		if !f.Until(Soon, func() bool { return strings.Contains(n.told(), "left c#1") }) || strings.Contains(n.told(), "dead") {
			f.Errorf("told: %s", n.told())
		}
	}
}

func restartIsTold(f *fixture) {
	a, _, c := f.trio()
	c.kill()
	c = f.start("c", 2, "a", "b")
	f.want("who is alive", "a#1 of a, b#1 of b, c#2 of c", a.alive)
	f.want("who is alive", "a#1 of a, b#1 of b, c#2 of c", c.alive)
	f.Until(Soon, func() bool { return strings.Contains(a.told(), "joined c#2") })
	if told := a.told(); !strings.Contains(told, "dead c#1") || !strings.Contains(told, "joined c#2") || strings.Contains(told, "dead c#2") {
		f.Errorf("told: %s", told)
	}
}

func peersAreUnconfirmed(f *fixture) {
	a := f.start("a", 1, "b", "c")
	f.Until(6*time.Second, func() bool { return false }) // longer than it takes to find somebody dead
	if got := a.told(); got != "joined a#1" || len(a.Unheard()) != 2 {
		f.Fatalf("told: %s; unheard: %q", got, a.Unheard())
	}
	b := f.start("b", 1)
	f.want("who is alive", "a#1 of a, b#1 of b", a.alive)
	f.want("who is alive", "a#1 of a, b#1 of b", b.alive)
	f.want("unheard", "1", func() string { return fmt.Sprint(len(a.Unheard())) })
	b.kill()
	f.want("what it tells", "joined a#1, joined b#1, dead b#1", a.told)
	if got := a.Unheard(); len(got) != 1 {
		f.Errorf("who was heard once is confirmed: %q", got)
	}
}

func updatesAreTold(f *fixture) {
	a, b, _ := f.trio()
	if err := b.Update([]byte("new")); err != nil {
		f.Fatal(err)
	}
	f.want("who is alive", "a#1 of a, b#1 new, c#1 of c", a.alive)
	f.want("who is alive", "a#1 of a, b#1 new, c#1 of c", b.alive)
	if !f.Until(Soon, func() bool { return strings.Contains(a.told(), "updated b#1") }) {
		f.Errorf("told: %s", a.told())
	}
}

func tooMuchIsRefused(f *fixture) {
	a := f.start("a", 1)
	if err := a.Update(slices.Repeat([]byte("x"), member.MaxMeta)); err != nil {
		f.Errorf("the most that is allowed: %v", err)
	}
	err := a.Update(slices.Repeat([]byte("x"), member.MaxMeta+1))
	if err == nil || !strings.Contains(err.Error(), "513 bytes, and at most 512") {
		f.Errorf("one byte more: %v", err)
	}
}
