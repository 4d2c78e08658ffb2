package tier

import (
	"encoding/json"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/spec"
	"hyperscale/internal/stats"
)

// gate is a gate as the node below hears it: what comes of its orders it takes in, and
// acknowledges.
type gate struct {
	r     *rig
	to    *station
	held  map[string]link.Held // by workflow; "": the job itself
	tally *stats.Tally
	ended map[hyperscale.JobID]bool
}

// newGate is the gate that leads what is owned by a station.
func (r *rig) newGate(to *station) *gate {
	return &gate{r: r, to: to, held: map[string]link.Held{}, tally: stats.NewTally(), ended: map[hyperscale.JobID]bool{}}
}

// orders gives an order.
func (g *gate) orders(o link.Order) {
	o.Epoch, o.Owner = 1, "g1"
	g.to.Led().Do(g.r.t.Context(), child.Ordered{By: "g1", Order: o})
}

// until takes in what comes until something holds.
func (g *gate) until(holds func() bool, what string) {
	g.r.t.Helper()
	patience := time.After(patience)
	for !holds() {
		select {
		case <-g.to.Led().News().Bell():
			for _, ev := range g.to.Led().News().Take() {
				g.take(ev)
			}
		case <-patience:
			g.r.t.Fatalf("%s; held is %+v", what, g.held)
		}
	}
}

func (g *gate) take(ev child.Event) {
	switch ev := ev.(type) {
	case child.Holds:
		g.held = map[string]link.Held{}
		for _, h := range ev.Held {
			g.held[h.Workflow] = h
		}
	case child.Deliver:
		w, err := stats.DecodeWindow(ev.Delivery.Window)
		if err != nil {
			g.r.t.Fatal(err)
		}
		if g.tally.Marks().Receive(w) == stats.Merged && !w.Empty() {
			g.tally.AddJoint(w)
		}
		h := ev.Delivery.Hold
		g.to.Led().Do(g.r.t.Context(), child.Receipted{Job: h.Job, Receipt: link.Receipt{
			Hold: h, Seq: g.tally.Marks().Mark(h.Workflow, h.Share), Epoch: 1,
		}})
	case child.Ended:
		g.ended[ev.Job] = true
	}
}

// assign gives a part of a plan.
func (g *gate) assign(job hyperscale.JobID, p *hyperscale.Plan, part hyperscale.Share) link.Hold {
	g.r.t.Helper()
	content, err := spec.Encode(p, nil)
	if err != nil {
		g.r.t.Fatal(err)
	}
	how, _ := json.Marshal(options{Led: true})
	origin, _ := json.Marshal(own.Origin{Name: p.Name, Client: "shop/eve", Priority: "normal", Options: how})
	w := p.Workflows[0]
	a := spec.Assignment{Spec: content, Origin: origin, Part: spec.Part{
		Workflow: w.Name, Run: spec.Run{Share: part, Load: w.Load, Graceful: w.Graceful}, Group: 1, Parts: 1,
	}}
	h := link.Hold{Job: job, Workflow: w.Name, Share: part}
	g.orders(link.Order{Do: link.Prepare, Hold: h, Brief: a.Encode()})
	return h
}

// A job that a gate gives a part of is begun, runs when the gate says so, delivers all
// that it did, and is over when the gate says so, as the gate says.
func TestLedByAGate(t *testing.T) {
	r := newRig(t, 2, func(c *Config, _ *Deps) { c.Node.Above = true })
	r.newChild("w1", 2)
	g := r.newGate(r.stations[0])
	p := planOf("browse")
	h := g.assign("led", p, hyperscale.Share{Lo: 0, Hi: 2, Of: 4, Turn: 3})
	g.until(func() bool { return g.held["browse"].State == link.Prepared }, "it is not made ready")
	g.to.Led().Do(t.Context(), child.Route{Job: "led", Link: 1, Epoch: 1})
	g.to.Led().Do(t.Context(), child.Word{Job: "led"})
	g.orders(link.Order{Do: link.Start, Hold: h, Number: 1, In: 20 * time.Millisecond})
	g.until(func() bool { return g.tally.Marks().Standing("browse", h.Share).Final }, "its last window does not come")
	if got := g.tally.Workflow("browse").Slots.Started; got != slots/2 {
		t.Errorf("%d slots came up of a part of %d", got, slots/2)
	}
	g.until(func() bool { return g.held["browse"].State == link.Ended }, "it is not stated that it ended")
	g.orders(link.Order{Do: link.Drop, Hold: h})
	g.orders(link.Order{Do: link.Drop, Hold: link.Hold{Job: "led"}, Phase: hyperscale.Completed})
	g.until(func() bool { return g.ended["led"] }, "it does not end")
	if status, _ := r.ended(r.client(), "led"); status.Phase != hyperscale.Completed {
		t.Errorf("it ends %+v", status)
	}
}

// Whoever is told first begins it, and it is begun once.
func TestLedIsBegunOnce(t *testing.T) {
	r := newRig(t, 2, func(c *Config, _ *Deps) { c.Node.Above = true })
	p, part := planOf("browse"), hyperscale.Share{Hi: 1, Of: 1, Turn: 1}
	one, other := r.newGate(r.stations[0]), r.newGate(r.stations[1])
	one.assign("led", p, part)
	one.until(func() bool { return len(one.held) == 2 }, "it is not begun")
	other.assign("led", p, part)
	other.assign("led", p, part)
	other.orders(link.Order{Do: link.Drop, Hold: link.Hold{Job: "led"}, Phase: hyperscale.Cancelled}) // which is for its owner
	status, err := r.client().Get(t.Context(), "led")
	if err != nil || status.Owner != one.to.id || status.Epoch != 1 || status.Phase.Terminal() {
		t.Errorf("%+v, %v", status, err)
	}
	one.orders(link.Order{Do: link.Drop, Hold: link.Hold{Job: "led"}, Phase: hyperscale.Cancelled})
	one.until(func() bool { return one.ended["led"] }, "it does not end")
}
