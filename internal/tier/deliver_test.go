package tier

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier/node"
)

// courier is a worker that only delivers what a test gives it.
type courier struct {
	rig      *rig
	call     rpc.Call[link.Receipt, link.Delivery]
	receipts chan link.Receipt
}

func (r *rig) newCourier(id hyperscale.NodeID, to *station) *courier {
	r.t.Helper()
	conn, err := rpc.Dial(to.address, rpc.Dialing{Self: identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Worker, DC: "dc1", Node: id}})
	if err != nil {
		r.t.Fatal(err)
	}
	call, err := conn.Deliver(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	c := &courier{rig: r, call: call, receipts: make(chan link.Receipt, 100)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			got, err := call.Recv()
			if err != nil {
				return
			}
			c.receipts <- got
		}
	}()
	r.t.Cleanup(func() { _ = conn.Close(); <-ended })
	return c
}

// windowOf is a first window of a hold, with a good request.
func windowOf(h link.Hold) *stats.Window {
	return stats.NewStream(h.Workflow, h.Share).Cut(stats.Interval{To: time.Second}, []*stats.Record{record(h.Workflow, 1)}, stats.Readings{})
}

func (c *courier) deliver(h link.Hold, start uint64) {
	c.rig.t.Helper()
	if err := c.call.Send(link.Delivery{Hold: h, Start: start, Window: windowOf(h).AppendBinary(nil)}); err != nil {
		c.rig.t.Fatal(err)
	}
}

// receipt waits for an answer.
func (c *courier) receipt() link.Receipt {
	c.rig.t.Helper()
	select {
	case got := <-c.receipts:
		return got
	case <-time.After(patience):
		c.rig.t.Fatal("a delivery is not answered")
		return link.Receipt{}
	}
}

// B-05, B-24: a window that comes after the end is acknowledged, so that its worker
// keeps nothing, and changes nothing.
func TestLateWindow(t *testing.T) {
	r := newRig(t, 2)
	w := r.newChild("w1", 1)
	p := planOf("browse")
	c := r.client()
	job := r.submit(c, p).Job
	r.ended(c, job)
	r.until(w.changes, func() bool { return len(w.work) == 0 }, "the worker keeps what has ended")
	before, err := c.Result(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	revision := r.store.Revision()
	hold := link.Hold{Job: job, Workflow: "browse", Share: hyperscale.Share{Lo: 0, Hi: 1, Of: 1, Turn: 1}}
	for _, s := range r.stations {
		one, two := r.newCourier("w1", s), r.newCourier("w2", s)
		one.deliver(hold, 1)
		two.deliver(hold, 1)
		for _, courier := range []*courier{one, two} {
			if got := courier.receipt(); !got.Unknown || got.Hold != hold {
				t.Errorf("at %s it is answered %+v", s.id, got)
			}
		}
	}
	after, err := c.Result(t.Context(), job)
	if err != nil || string(after) != string(before) || r.store.Revision() != revision {
		t.Errorf("a late window changed something: %v", err)
	}
}

// B-25: that a job is not known is said after a read that cannot be stale only; while
// the store does not answer nothing is said, and nothing is written anywhere.
func TestUnknownJob(t *testing.T) {
	r := newRig(t, 1)
	s := r.stations[0]
	c := r.newCourier("w1", s)
	hold := link.Hold{Job: "none", Workflow: "browse", Share: hyperscale.Share{Lo: 0, Hi: 1, Of: 1, Turn: 1}}
	c.deliver(hold, 1)
	if got := c.receipt(); !got.Unknown {
		t.Errorf("it is answered %+v", got)
	}
	s.cable.sever()
	if _, err := s.Jobs().Get(t.Context(), rpc.Caller{}, hold.Job); rpc.KindOf(err) != rpc.Unavailable || !strings.HasSuffix(err.Error(), "; ask again") {
		t.Errorf("whoever asks for it then hears %v", err)
	}
	c.deliver(hold, 1)
	select {
	case got := <-c.receipts:
		t.Errorf("without the store it is answered %+v", got)
	case <-time.After(300 * time.Millisecond):
	}
	s.cable.mend()
	r.wait(func() bool { return s.Ready() == nil }, "the node does not come back")
	c.deliver(hold, 1)
	if got := c.receipt(); !got.Unknown {
		t.Errorf("with the store again it is answered %+v", got)
	}
}

// B-13: a window, the last of a share too, that reaches a node which does not own the job
// is passed on to the owner; the worker hears who that is, and keeps the window, for it is
// not acknowledged.
func TestWindowAtAnother(t *testing.T) {
	passed := make(chan owner.Delivered, 10)
	r := newRig(t, 2, func(c *Config, _ *Deps) {
		c.trap = func(_ hyperscale.JobID, ev owner.Event) {
			if d, is := ev.(owner.Delivered); is && d.Holder.Node == "w9" {
				passed <- d
			}
		}
	})
	w := r.newChild("w1", 1, longRun)
	job := r.submit(r.client(r.stations[0]), planOf("browse")).Job
	w.holds(link.Running, 1)
	hold := link.Hold{Job: job, Workflow: "browse", Share: hyperscale.Share{Lo: 0, Hi: 1, Of: 1, Turn: 1}}
	c := r.newCourier("w9", r.stations[1])
	c.deliver(hold, 1)
	if got := c.receipt(); got.Owner != (link.Parent{Node: "m1", Address: r.stations[0].address}) || got.Seq != 0 || got.Unknown {
		t.Errorf("it is answered %+v", got)
	}
	select {
	case d := <-passed:
		if d.Delivery.Hold != hold || d.Window == nil {
			t.Errorf("the owner is given %+v", d)
		}
	case <-time.After(patience):
		t.Error("the owner is not given it")
	}
	w.finish()
	r.ended(r.client(), job)
}

// B-31: a gap is asked for again, duplicates count once.
func TestGapsAndDuplicates(t *testing.T) {
	r := newRig(t, 1)
	skipped := false
	w := r.newChild("w1", 1, func(c *labourer) {
		c.windows, c.pace, c.twice = 5, 20*time.Millisecond, true
		c.forge = func(_ *link.Delivery, w *stats.Window) *stats.Window {
			if w.ID.Seq == 2 && !skipped {
				skipped = true
				return nil
			}
			return w
		}
	})
	p := planOf("browse")
	c := r.client()
	job := r.submit(c, p).Job
	if status, events := r.ended(c, job); status.Phase != hyperscale.Completed {
		t.Fatalf("it ends %+v%s", status, story(events))
	}
	if got := r.result(c, p, job).Tally.Job(); got.Slots.Started != slots || got.Requests.OK != slots {
		t.Errorf("%d slots and %d requests are counted", got.Slots.Started, got.Requests.OK)
	}
	again := false
	w.do(func() {
		for _, got := range w.receipts {
			again = again || got.Again && got.Seq == 1
		}
	})
	if !again {
		t.Error("the gap was not asked for again")
	}
}

// B-45: words and receipts carry what a worker needs: the owner and where it is, the
// epoch, how far it is acknowledged, and the healthy managers.
func TestReceiptsAndWords(t *testing.T) {
	r := newRig(t, 3)
	w := r.newChild("w1", 1)
	c := r.client(r.stations[0])
	r.stations[0].Ops().Press(link.Batch)
	job := r.submit(c, planOf("browse")).Job
	r.ended(c, job)
	r.until(w.changes, func() bool { return len(w.receipts) > 0 && len(w.words) > 3 }, "nothing is said to the worker")
	w.do(func() {
		for _, got := range w.receipts {
			if got.Owner != (link.Parent{Node: "m1", Address: r.stations[0].address}) || got.Epoch != 1 || got.Hold.Job != job || got.Level != link.Batch {
				t.Errorf("a receipt is %+v", got)
			}
		}
		if last := w.receipts[len(w.receipts)-1]; last.Seq != 2 {
			t.Errorf("the last receipt acknowledges %d", last.Seq)
		}
		word := w.words[len(w.words)-1]
		if len(word.Parents) != 3 || word.Parents[2] != (link.Parent{Node: "m3", Address: r.stations[2].address}) {
			t.Errorf("a word names the managers %+v", word.Parents)
		}
	})
}

// A worker that lies is refused, the result says so, and nothing else suffers.
func TestLyingWorkers(t *testing.T) {
	for _, lie := range []struct {
		name    string
		forge   func(*link.Delivery, *stats.Window) *stats.Window
		invalid bool // the result is INVALID; else the worker's share goes to another
	}{
		{"a number that jumps back", func(_ *link.Delivery, w *stats.Window) *stats.Window {
			if w.ID.Seq == 3 {
				v := *w
				v.ID.First, v.ID.Seq = 2, 3
				return &v
			}
			return w
		}, true},
		{"totals that do not add up", func(_ *link.Delivery, w *stats.Window) *stats.Window {
			if w.Final {
				v := *w
				v.Totals.Slots.Started++
				v.Totals.Slots.Completed++
				return &v
			}
			return w
		}, true},
		{"another workflow", func(_ *link.Delivery, w *stats.Window) *stats.Window {
			v := *w
			v.ID.Workflow = "order"
			return &v
		}, false},
		{"another share", func(_ *link.Delivery, w *stats.Window) *stats.Window {
			v := *w
			v.ID.Share.Turn += 7
			return &v
		}, false},
		{"a delivery for a share that nobody has", func(d *link.Delivery, w *stats.Window) *stats.Window {
			v := *w
			v.ID.Share.Turn += 7
			d.Hold.Share.Turn += 7
			return &v
		}, false},
		{"huge numbers", func(_ *link.Delivery, w *stats.Window) *stats.Window {
			v := *w
			v.Slots.Started, v.Slots.Due, v.Slots.Completed = math.MaxUint64, math.MaxUint64, math.MaxUint64
			return &v
		}, true},
	} {
		t.Run(lie.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1)
			r.newChild("liar", 1, func(c *labourer) { c.windows, c.pace, c.forge = 4, 10*time.Millisecond, lie.forge })
			honest := r.newChild("honest", 1, func(c *labourer) { c.windows, c.pace = 4, 10*time.Millisecond })
			p := planOf("browse")
			c := r.client()
			r.wait(func() bool { return r.stations[0].room.Load().Workers == 2 }, "the workers are not there")
			job := r.submit(c, p, func(s *rpc.Submission) { s.Cores, s.Deadline = 2, 4*time.Second }).Job
			honest.holds(link.Running, 1)
			status, events := r.ended(c, job)
			if status.Phase == hyperscale.Waiting || status.Phase == hyperscale.Running {
				t.Errorf("it ends %+v%s", status, story(events))
			}
			p.Deadline = 4 * time.Second
			got := r.result(c, p, job)
			if lie.invalid && got.Verdict.State != stats.Invalid || got.Verdict.State == stats.Valid {
				t.Errorf("the verdict is %+v, the counts are %+v%s", got.Verdict, got.Tally.Job().Slots, story(events))
			}
			if len(got.Verdict.Causes) == 0 {
				t.Error("the verdict names no cause")
			}
			if strings.Contains(r.log.String(), "panic") {
				t.Error("something panicked")
			}
		})
	}
}

// B-01: a panic over what one child says is contained: the node lives, and other
// children and jobs do not hear of it.
func TestPanicOverOneChild(t *testing.T) {
	var left atomic.Int64
	left.Store(1)
	r := newRig(t, 1, func(c *Config, _ *Deps) {
		c.trapNode = func(ev node.Event) {
			if said, ok := ev.(node.Said); ok && said.Child == "bad" && left.Add(-1) == 0 {
				panic("a fault of ours")
			}
		}
	})
	r.newChild("bad", 1)
	r.newChild("good", 1)
	c := r.client()
	if status, _ := r.ended(c, r.submit(c, planOf("browse")).Job); status.Phase != hyperscale.Completed {
		t.Errorf("it ends %+v", status)
	}
	if text := r.log.String(); !strings.Contains(text, "a panic was contained") || !strings.Contains(text, "node.Said") {
		t.Error("the panic is not logged with what it was about")
	}
	err := contained(slog.New(slog.DiscardHandler), 7, func(int) error { panic("a fault of ours") })
	var f *fault
	if !errors.As(err, &f) || f.stack == "" {
		t.Errorf("a panic in a stream gives %v", err)
	}
}

// A stream of something that is no worker of this datacenter is refused.
func TestWrongChild(t *testing.T) {
	r := newRig(t, 1)
	for _, id := range []identity.ID{
		{Cluster: "hyperscale", Env: "test", Role: identity.Worker, DC: "elsewhere", Node: "w1"},
		{Cluster: "hyperscale", Env: "test", Role: identity.Client, Tenant: "default", Name: "w1"},
		{Cluster: "other", Env: "test", Role: identity.Worker, DC: "dc1", Node: "w1"},
	} {
		conn, err := rpc.Dial(r.stations[0].address, rpc.Dialing{Self: id})
		if err != nil {
			t.Fatal(err)
		}
		call, err := conn.Attach(t.Context())
		if err == nil {
			_, err = call.Recv()
		}
		if err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s attaches: %v", id, err)
		}
		_ = conn.Close()
	}
}
