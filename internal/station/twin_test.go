package station_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
)

// Somebody starts another node under the name of one that runs, with an empty
// directory, and ends it again. It is not let in; and nobody takes its coming and
// going for that of the one who runs, who keeps what it owns.
func TestATwinIsNotBelieved(t *testing.T) { forBoth(t, testATwinIsNotBelieved) }

func testATwinIsNotBelieved(t *testing.T, of identity.Role) {
	cfgs, _ := three(t, of)
	job := submit(t, cfgs[1].At.Listen, "k")
	status, err := ask(t, cfgs[1].At.Listen).Get(soon(t), job)
	if err != nil || status.Owner != "m2" {
		t.Fatalf("the job is %+v, %v", status, err)
	}
	real2 := func() (rpc.Member, error) {
		members, err := ask(t, cfgs[0].At.Listen).Members(soon(t))
		for _, m := range members {
			if m.Node == "m2" {
				return m, err
			}
		}
		return rpc.Member{}, err
	}
	twin := config(t, of, "m2")
	twin.Join = []string{cfgs[0].At.Gossip, cfgs[2].At.Gossip}
	other := start(t, twin)
	until(t, "the twin is let in", func() error {
		if !strings.Contains(other.log.String(), "nobody lets this node into the store yet") {
			return errors.New("it was not refused yet")
		}
		return nil
	})
	if m, err := real2(); err != nil || m.State != "alive" {
		t.Errorf("while there is a twin of it m2 is %+v, %v", m, err)
	}
	if err := other.stop(); err != nil {
		t.Error(err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 20 { // what the twin said last comes within that
		<-tick.C
		if m, err := real2(); err != nil || m.State != "alive" {
			t.Fatalf("after its twin went m2 is %+v, %v", m, err)
		}
	}
	if after, err := ask(t, cfgs[1].At.Listen).Get(soon(t), job); err != nil || after.Owner != "m2" || after.Epoch != status.Epoch {
		t.Errorf("the job is %+v, %v", after, err)
	}
}
