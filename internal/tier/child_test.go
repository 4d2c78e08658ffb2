package tier

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/stats"
)

// labourer is a worker that does as a test says: it states, obeys and delivers as a
// real one does, but runs no load: it makes its windows up.
type labourer struct {
	rig   *rig
	id    hyperscale.NodeID
	boot  hyperscale.Boot
	cores int
	stop  func() // ends it as a death does, and waits

	// How it acts; changed under mu.
	windows int           // windows of a share before it ends; 0: it goes on until it is stopped
	slots   int64         // of the load that it is given shares of; 0: as usual
	pace    time.Duration // between windows; 0: all at once
	kept    bool          // it delivers nothing
	twice   bool          // it delivers everything twice
	forgets bool          // it keeps no record of what was said to it
	slow    bool          // it obeys no Stop and no Cut
	refuses string        // why it refuses every share, for good
	silence time.Duration // what it states of how long it heard no owner
	forge   func(*link.Delivery, *stats.Window) *stats.Window

	mu       sync.Mutex
	seq      uint64
	work     map[link.Hold]*work
	owners   map[hyperscale.JobID]owned
	changed  chan struct{} // closed and made anew at each change
	receipts []link.Receipt
	words    []link.Word
	orders   []link.Order
	fenced   int
	ran      int64 // slots
}

// owned is who a child takes for the owner of a job.
type owned struct {
	node  hyperscale.NodeID
	epoch hyperscale.Epoch
}

// work is a share that a child holds.
type work struct {
	link.Hold
	total  int64 // slots of the whole load
	state  link.State
	start  uint64
	zero   time.Time // job time 0
	stream *stats.Stream
	made   []made
	slots  int64
	acked  uint64
	last   hyperscale.JobTime
	over   bool
	by     link.Cancelled
}

// made is a window that was cut.
type made struct {
	window *stats.Window
	ending *link.Ending
}

// newChild begins a worker that is attached to all nodes of the rig.
func (r *rig) newChild(id string, cores int, change ...func(*labourer)) *labourer {
	r.t.Helper()
	r.boots++
	c := &labourer{
		rig: r, id: hyperscale.NodeID(id), boot: hyperscale.Boot(r.boots), cores: cores, windows: 2,
		work: map[link.Hold]*work{}, owners: map[hyperscale.JobID]owned{}, changed: make(chan struct{}),
	}
	for _, f := range change {
		f(c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, s := range r.stations {
		running.Go(func() { c.link(ctx, s) })
	}
	running.Go(func() { c.produce(ctx) })
	c.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	r.t.Cleanup(c.stop)
	return c
}

// do changes how it acts.
func (c *labourer) do(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	c.touch()
}

func (c *labourer) touch() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// link keeps the child attached to one node.
func (c *labourer) link(ctx context.Context, s *station) {
	self := identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Worker, DC: s.cfg.Datacenter, Node: c.id}
	for ctx.Err() == nil {
		conn, err := rpc.Dial(s.address, rpc.Dialing{Self: self})
		if err != nil {
			c.rig.t.Error(err)
			return
		}
		c.talk(ctx, s, conn)
		_ = conn.Close()
		pause(ctx, 20*time.Millisecond)
	}
}

// way is one connection of a child: how far it sent each share's windows on it.
type way struct {
	to    hyperscale.NodeID
	heard uint64 // number of the last word
	sent  map[link.Hold]uint64
	under map[hyperscale.JobID]hyperscale.Epoch // of the job's owner, when they were
}

// talk is one connection, until it breaks.
func (c *labourer) talk(ctx context.Context, s *station, conn *rpc.Conn) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	beats, err := conn.Attach(ctx)
	if err != nil {
		return
	}
	windows, err := conn.Deliver(ctx)
	if err != nil {
		return
	}
	w := &way{to: s.id, sent: map[link.Hold]uint64{}, under: map[hyperscale.JobID]hyperscale.Epoch{}}
	var reading sync.WaitGroup
	defer reading.Wait()
	defer stop()
	reading.Go(func() {
		defer stop()
		for {
			down, err := beats.Recv()
			if err != nil {
				return
			}
			c.hear(w, down, func(up link.Up) { _ = beats.Send(up) })
		}
	})
	reading.Go(func() {
		defer stop()
		for {
			r, err := windows.Recv()
			if err != nil {
				return
			}
			c.receipt(w, r)
		}
	})
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		c.mu.Lock()
		statement, deliveries, changed := c.statement(w), c.due(w), c.changed
		c.mu.Unlock()
		err := beats.Send(statement)
		for _, d := range deliveries {
			err = errors.Join(err, windows.Send(d))
		}
		if err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-changed:
		}
	}
}

// statement is what it has and holds.
func (c *labourer) statement(w *way) link.Statement {
	c.seq++
	s := link.Statement{Node: c.id, Boot: c.boot, Seq: c.seq, Cores: c.cores, Free: c.cores, Heard: w.heard}
	for _, k := range c.work {
		held := link.Held{
			Hold: k.Hold, State: k.state, Start: k.start, Cut: uint64(len(k.made)), Acked: k.acked,
			Epoch: c.owners[k.Job].epoch, Silence: c.silence, Cancelled: k.by,
		}
		if k.state == link.Refused {
			held.Reason, held.ForGood = c.refuses, true
		}
		if k.start != 0 {
			held.JobTime = time.Since(k.zero)
		}
		s.Holds = append(s.Holds, held)
		s.Free = max(s.Free-1, 0)
	}
	return s
}

// due are the windows that the node is to have, if it owns their job.
func (c *labourer) due(w *way) []link.Delivery {
	var list []link.Delivery
	for hold, k := range c.work {
		if c.kept || c.owners[k.Job].node != w.to {
			delete(w.sent, hold)
			continue
		}
		if epoch := c.owners[k.Job].epoch; w.under[hold.Job] != epoch {
			clear(w.sent)
			w.under[hold.Job] = epoch
		}
		from := max(w.sent[hold], k.acked)
		for _, m := range k.made[min(from, uint64(len(k.made))):] {
			d := link.Delivery{Hold: hold, Start: k.start, Ending: m.ending}
			window := m.window
			if c.forge != nil {
				window = c.forge(&d, window)
			}
			if window == nil {
				continue
			}
			d.Window = window.AppendBinary(nil)
			list = append(list, d)
			if c.twice {
				list = append(list, d)
			}
		}
		w.sent[hold] = uint64(len(k.made))
	}
	return list
}

// hear obeys.
func (c *labourer) hear(w *way, down link.Down, say func(link.Up)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgets {
		c.words, c.orders, c.receipts = nil, nil, nil
	}
	switch down := down.(type) {
	case link.Word:
		w.heard = down.Seq
		c.words = append(c.words, down)
		for _, o := range down.Owns {
			c.claimed(o.Job, down.Node, o.Epoch)
		}
	case link.Order:
		if k := c.work[down.Hold]; down.Proof != nil {
			if k != nil {
				k.by = link.Cancelled{By: "default/tester", Whole: down.Proof.Workflow == ""}
				c.obey(down)
				c.touch()
			}
			return
		}
		if o := c.owners[down.Hold.Job]; down.Epoch < o.epoch {
			c.fenced++
			say(link.Fenced{Node: c.id, Job: down.Hold.Job, Epoch: down.Epoch, Highest: o.epoch})
			return
		}
		c.claimed(down.Hold.Job, down.Owner, down.Epoch)
		c.orders = append(c.orders, down)
		c.obey(down)
	}
	c.touch()
}

func (c *labourer) claimed(job hyperscale.JobID, by hyperscale.NodeID, epoch hyperscale.Epoch) {
	if o := c.owners[job]; epoch >= o.epoch && by != "" {
		c.owners[job] = owned{by, epoch}
	}
}

func (c *labourer) obey(o link.Order) {
	k := c.work[o.Hold]
	switch {
	case o.Do == link.Prepare && k == nil:
		k = &work{Hold: o.Hold, total: cmp.Or(c.slots, slots), state: link.Prepared, stream: stats.NewStream(o.Hold.Workflow, o.Hold.Share)}
		if c.refuses != "" {
			k.state = link.Refused
		}
		c.work[o.Hold] = k
	case k == nil:
	case o.Do == link.Drop:
		delete(c.work, o.Hold)
	case o.Do == link.Start && k.state == link.Prepared:
		k.state, k.start = link.Running, o.Number
		k.zero = time.Now().Add(o.In - o.At)
		k.last = max(o.Begin, o.Hold.Share.From)
	case (o.Do == link.Stop || o.Do == link.Cut) && !c.slow:
		k.over = true
	}
}

// receipt takes what is acknowledged.
func (c *labourer) receipt(w *way, r link.Receipt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.receipts = append(c.receipts, r)
	c.claimed(r.Hold.Job, r.Owner.Node, r.Epoch)
	k := c.work[r.Hold]
	switch {
	case k == nil:
	case r.Unknown || r.Broken:
		delete(c.work, r.Hold)
	default:
		k.acked = max(k.acked, r.Seq)
		if r.Again {
			w.sent[r.Hold] = r.Seq
		}
		if k.state == link.Ended && k.acked == uint64(len(k.made)) {
			delete(c.work, r.Hold)
		}
	}
	c.touch()
}

// produce cuts windows.
func (c *labourer) produce(ctx context.Context) {
	for {
		c.mu.Lock()
		wait, changed := max(c.pace, 2*time.Millisecond), c.changed
		if c.pace == 0 {
			wait = time.Hour
		}
		for _, k := range c.work {
			if k.state == link.Running && !time.Now().Before(k.zero) {
				c.cut(k)
			} else if k.state == link.Running {
				wait = min(wait, 2*time.Millisecond)
			}
		}
		c.mu.Unlock()
		pauseOr(ctx, wait, changed, c.pace == 0)
		if ctx.Err() != nil {
			return
		}
	}
}

func pauseOr(ctx context.Context, wait time.Duration, changed <-chan struct{}, hear bool) {
	if !hear {
		changed = nil
	}
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	case <-changed:
	}
}

// cut cuts the next window of a share, or all of them.
func (c *labourer) cut(k *work) {
	mine := k.Share.Count(k.total)
	for {
		n := len(k.made) + 1
		last := k.over || c.windows > 0 && n >= c.windows
		slots := mine / 1000
		if c.windows > 0 {
			slots = mine / int64(c.windows)
		}
		if last && !k.over {
			slots = mine - k.slots
		}
		slots = min(slots, mine-k.slots)
		k.slots += slots
		c.ran += slots
		to := max(time.Since(k.zero), k.last+time.Millisecond)
		rec := record(k.Workflow, int(slots))
		iv := stats.Interval{From: k.last, To: to}
		m := made{}
		if last {
			m.window = k.stream.Last(iv, []*stats.Record{rec}, stats.Readings{})
			m.ending = &link.Ending{Stopped: to, Cancelled: k.by}
			k.state = link.Ended
		} else {
			m.window = k.stream.Cut(iv, []*stats.Record{rec}, stats.Readings{})
		}
		k.last = to
		k.made = append(k.made, m)
		if last || c.pace > 0 {
			break
		}
		if c.windows == 0 && n > 3 {
			break
		}
	}
	c.touch()
}

// record is a record of so many slots with a good request each.
func record(workflow string, slots int) *stats.Record {
	rec := stats.NewRecord(&stats.Layout{
		Workflow: workflow, Steps: []stats.StepLayout{{Name: "get"}}, FaultName: func(uint32) string { return "timeout" },
	})
	n := uint64(slots)
	rec.Due, rec.Slots.Started, rec.Completed = n, n, n
	step := &rec.Steps[0]
	step.Requests.Started, step.OK = n, n
	for range slots {
		rec.Lateness.Record(time.Microsecond)
		step.Status(200)
		step.Answered(true, time.Millisecond, time.Millisecond)
	}
	return rec
}

// holds waits until the child holds so many shares of a state.
func (c *labourer) holds(state link.State, n int) {
	c.rig.t.Helper()
	c.rig.until(c.changes, func() bool {
		got := 0
		for _, k := range c.work {
			if k.state == state {
				got++
			}
		}
		return got >= n
	}, "%s does not hold %d shares of state %d", c.id, n, state)
}

func (c *labourer) changes() (<-chan struct{}, func()) {
	c.mu.Lock()
	return c.changed, c.mu.Unlock
}
