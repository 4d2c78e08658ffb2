package tier

import (
	"strings"
	"testing"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// A job goes through: submitted to one node, run by a worker, watched at another.
func TestJobGoesThrough(t *testing.T) {
	r := newRig(t, 3)
	r.newChild("w1", 2)
	r.newChild("w2", 2)
	p := planOf("browse")
	a := r.submit(r.client(r.stations[0]), p)
	status, events := r.ended(r.client(r.stations[1]), a.Job)
	if status.Phase != hyperscale.Completed || status.Percent != 100 {
		t.Errorf("it ends %+v", status)
	}
	result := r.result(r.client(), p, a.Job)
	if got := result.Tally.Job().Slots.Started; got != slots {
		t.Errorf("%d slots were started, want %d; %s", got, slots, story(events))
	}
	if result.Verdict.State != stats.Valid {
		t.Errorf("the verdict is %+v", result.Verdict)
	}
}

// TestReadersGiveTheirRoomBack: windows that can't be read take no room from others.
func TestReadersGiveTheirRoomBack(t *testing.T) {
	r := newReaders()
	for range 2*cap(r) + 1 {
		if _, err := r.read(link.Delivery{Window: []byte("no window")}); err == nil {
			t.Fatal("it is taken for a window")
		}
	}
	if len(r) != 0 {
		t.Errorf("%d of %d are taken", len(r), cap(r))
	}
}

// A job whose target no worker allows fails at once, with the reason: each is asked once.
func TestTargetThatNobodyAllows(t *testing.T) {
	r := newRig(t, 1)
	refuses := func(c *labourer) { c.refuses = "shop is no target" }
	children := []*labourer{r.newChild("w1", 2, refuses), r.newChild("w2", 2, refuses)}
	p := planOf("browse")
	a := r.submit(r.client(), p)
	status, events := r.ended(r.client(), a.Job)
	if status.Phase != hyperscale.Failed || !strings.Contains(status.Reason, "refuses it: shop is no target") {
		t.Errorf("it ends %+v; %s", status, story(events))
	}
	asked := 0
	for _, c := range children {
		n := 0
		c.do(func() {
			for _, o := range c.orders {
				if o.Do == link.Prepare {
					n++
				}
			}
		})
		if n > 1 {
			t.Errorf("%s is asked %d times", c.id, n)
		}
		asked += n
	}
	if asked != 2 {
		t.Errorf("%d are asked; %s", asked, story(events))
	}
	if v := r.result(r.client(), p, a.Job).Verdict; v.State != stats.Valid || len(v.Causes) > 0 {
		t.Errorf("nothing began, and the verdict is %+v", v)
	}
}
