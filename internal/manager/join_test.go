package manager

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"hyperscale/internal/rpc"
	"hyperscale/internal/store/etcdstore"
)

// three are managers that begin together.
func three(t *testing.T) (cfgs []Config, managers []*running) {
	t.Helper()
	for i := range 3 {
		cfgs = append(cfgs, config(t, fmt.Sprintf("m%d", i+1)))
		cfgs[i].Expect = 3
	}
	for i := range cfgs {
		for k := range cfgs {
			if k != i {
				cfgs[i].Join = append(cfgs[i].Join, cfgs[k].At.Gossip)
			}
		}
	}
	for i := range cfgs {
		managers = append(managers, start(t, cfgs[i]))
	}
	for _, m := range managers {
		m.mustServe(t)
	}
	return cfgs, managers
}

// voters are the names of those that have a vote in the store.
func (r *running) voters(t *testing.T) []string {
	t.Helper()
	l := r.now()
	if l == nil {
		return nil
	}
	members, err := l.store.(embedded).Members(soon(t))
	if err != nil {
		return []string{err.Error()}
	}
	var names []string
	for _, m := range members {
		if m.Learner {
			m.Name += "?"
		}
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return names
}

func (r *running) mustHave(t *testing.T, voters ...string) {
	t.Helper()
	until(t, "members of the store", func() error {
		if got := r.voters(t); !slices.Equal(got, voters) {
			return fmt.Errorf("%v, want %v", got, voters)
		}
		return nil
	})
}

// A manager whose directory was wiped, or that is on another machine, comes back
// under its name as a new member; and one that was not there before is let in.
func TestManagersJoinAClusterThatRuns(t *testing.T) {
	t.Parallel()
	cfgs, managers := three(t)
	managers[0].mustHave(t, "m1", "m2", "m3")

	if err := managers[2].stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(cfgs[2].Data); err != nil {
		t.Fatal(err)
	}
	back := cfgs[2] // with the flags of its first start
	again := start(t, back)
	again.mustServe(t)
	managers[0].mustHave(t, "m1", "m2", "m3")

	if err := again.stop(); err != nil {
		t.Fatal(err)
	}
	moved := config(t, "m3") // another machine: other addresses
	moved.Join = back.Join
	other := start(t, moved)
	other.mustServe(t)
	managers[1].mustHave(t, "m1", "m2", "m3")

	fourth := config(t, "m4")
	fourth.Join = []string{cfgs[0].At.Gossip}
	last := start(t, fourth)
	last.mustServe(t)
	managers[0].mustHave(t, "m1", "m2", "m3", "m4")
	if members, err := ask(t, fourth.At.Listen).Members(soon(t)); err != nil || len(members) != 4 {
		t.Errorf("members: %+v, %v", members, err)
	}

	// Nobody takes the name of one that is there.
	thief := config(t, "m1")
	_, err := dial(t, cfgs[1].At.Listen, rpc.Dialing{Self: thief.self()}).Invite(soon(t), rpc.Invitation{Name: "m1", URL: "http://" + thief.At.Store})
	if rpc.KindOf(err) != rpc.Conflict {
		t.Errorf("another m1 asks to be let in: %v", err)
	}

	// What it was before its place was taken is of no use.
	if err := start(t, cfgs[2]).ended(); !errors.Is(err, etcdstore.ErrRemoved) || !strings.Contains(err.Error(), cfgs[2].Data) {
		t.Errorf("the m3 of before: %v", err)
	}
}

// With the members named by hand a wiped manager is known by the others all the
// same, and does not vote in its old place.
func TestAWipedManagerOfNamedPeersJoinsAnew(t *testing.T) {
	t.Parallel()
	var cfgs []Config
	peers := map[string]string{}
	for i := range 3 {
		cfgs = append(cfgs, config(t, fmt.Sprintf("m%d", i+1)))
		peers[string(cfgs[i].Name)] = "http://" + cfgs[i].At.Store
	}
	var managers []*running
	for i := range cfgs {
		cfgs[i].Store.Peers, cfgs[i].Join = peers, []string{cfgs[(i+1)%3].At.Gossip}
		managers = append(managers, start(t, cfgs[i]))
	}
	for _, m := range managers {
		m.mustServe(t)
	}
	id := func(name string) string {
		members, err := managers[0].now().store.(embedded).Members(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			if m.Name == name {
				return m.ID
			}
		}
		return ""
	}
	before := id("m2")
	if err := managers[1].stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(cfgs[1].Data); err != nil {
		t.Fatal(err)
	}
	start(t, cfgs[1]).mustServe(t)
	managers[0].mustHave(t, "m1", "m2", "m3")
	if id("m2") == before {
		t.Error("it has its old number")
	}
}
