package etcdstore

import (
	"context"
	"errors"
	"os"
	"testing"

	"hyperscale/internal/store"
	"hyperscale/internal/testkit/ports"
)

// invite asks until the members are calm enough to let somebody in.
func invite(t *testing.T, by *running, name, at string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for {
		initial, err := by.Invite(ctx, name, at)
		if err == nil {
			return initial
		}
		if !errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil { // ErrNotNow is one
			t.Fatalf("inviting %s: %v", name, err)
		}
	}
}

// mustList gives the members, of which there must be three.
func mustList(t *testing.T, by *running) []Member {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	members, err := by.Members(ctx)
	for errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
		members, err = by.Members(ctx)
	}
	if err != nil || len(members) != 3 {
		t.Fatalf("members: %v, %v", members, err)
	}
	return members
}

func TestMembersJoin(t *testing.T) {
	t.Parallel()
	nodes := startAll(t, configs(t, 1))
	mustPut(t, nodes[0].Store(), "a", "1")
	for _, name := range []string{"m2", "m3"} {
		at := "http://" + ports.One(t)
		initial := invite(t, nodes[0], name, at)
		if again := invite(t, nodes[0], name, at); len(again) != len(initial) {
			t.Errorf("invited twice: %v, then %v", initial, again)
		}
		n := start(t, Config{Name: name, Dir: t.TempDir(), Listen: at, Initial: initial, Join: true})
		n.mustBecome(t, Ready) // as a voter
		mustRead(t, n.Store(), "a", "1")
		nodes = append(nodes, n)
	}
	for _, m := range mustList(t, nodes[2]) {
		if m.Learner || m.Name == "" || m.Address == "" {
			t.Errorf("member %+v", m)
		}
	}
	leader, others := leading(t, nodes) // any one may go now
	if err := leader.stop(); err != nil {
		t.Error(err)
	}
	mustPut(t, others[0].Store(), "a", "2")
}

// A member that begins before the others have heard of it is told so, and may try
// again.
func TestMemberThatTheOthersDoNotKnow(t *testing.T) {
	t.Parallel()
	first := startAll(t, configs(t, 1))[0]
	at := "http://" + ports.One(t)
	c := Config{Name: "m2", Dir: t.TempDir(), Listen: at, Join: true,
		Initial: map[string]string{"m1": first.config.Listen, "m2": at}}
	if err := start(t, c).wait(); !errors.Is(err, ErrNotMet) {
		t.Fatalf("it ended with %v", err)
	}
	if empty, err := Empty(c.Dir); err != nil || !empty {
		t.Errorf("what it left counts as a store: %v, %v", empty, err)
	}
	c.Initial = invite(t, first, "m2", at)
	start(t, c).mustBecome(t, Ready)
}

// A member that lost its directory comes back under a new number, by invitation
// only.
func TestWipedMemberIsReplaced(t *testing.T) {
	t.Parallel()
	all := configs(t, 3)
	nodes := startAll(t, all)
	mustPut(t, nodes[0].Store(), "a", "1")
	lost := nodes[2].Health().ID
	if _, err := nodes[0].Invite(t.Context(), "m3", all[2].Listen); !errors.Is(err, ErrAlive) {
		t.Errorf("replacing a member that is alive: %v", err)
	}
	if err := nodes[2].stop(); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(all[2].Dir); err != nil {
		t.Fatal(err)
	}
	if err := start(t, all[2]).wait(); !errors.Is(err, ErrWiped) {
		t.Errorf("a wiped directory went on as the member that it was: %v", err)
	}
	if err := os.RemoveAll(all[2].Dir); err != nil {
		t.Fatal(err)
	}
	c := all[2]
	c.Initial, c.Join = invite(t, nodes[0], "m3", c.Listen), true
	back := start(t, c)
	back.mustBecome(t, Ready)
	mustRead(t, back.Store(), "a", "1")
	if back.Health().ID == lost {
		t.Error("it has the number that it had before")
	}
	mustList(t, back)
}

func TestExpelledMemberEnds(t *testing.T) {
	t.Parallel()
	all := configs(t, 3)
	nodes := startAll(t, all)
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for _, name := range []string{"m2", "m2", "never was"} {
		err := nodes[0].Expel(ctx, name)
		for errors.Is(err, store.ErrUnavailable) { // ErrNotNow: they have just met
			err = nodes[0].Expel(ctx, name)
		}
		if err != nil {
			t.Fatalf("expelling %s: %v", name, err)
		}
	}
	if err := nodes[1].wait(); !errors.Is(err, ErrRemoved) {
		t.Errorf("it ended with %v", err)
	}
	if err := start(t, all[1]).wait(); !errors.Is(err, ErrRemoved) {
		t.Errorf("coming back it ended with %v", err)
	}
	mustPut(t, nodes[2].Store(), "a", "1")
}

func TestInvitingNobody(t *testing.T) {
	t.Parallel()
	n := startAll(t, configs(t, 1))[0]
	for _, at := range []string{"", "127.0.0.1:1", "http://127.0.0.1", "ftp://a:1"} {
		if _, err := n.Invite(t.Context(), "m2", at); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("at %q: %v", at, err)
		}
	}
}
