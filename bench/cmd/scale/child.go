//go:build unix

package main

import (
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// child is a simulated worker: it states, obeys and delivers as a real one does,
// and makes its windows up.
type child struct {
	id     hyperscale.NodeID
	cores  int
	score  *score
	sample *sample
	ups    chan link.Up       // what it says; what does not fit is not said, and the next statement makes it good
	wins   chan link.Delivery // its windows; what does not fit goes later

	mu    sync.Mutex
	dead  bool
	seq   uint64
	heard uint64
	level link.Level
	holds map[link.Hold]*hold
}

// hold is one share.
type hold struct {
	state  link.State
	epoch  hyperscale.Epoch
	start  uint64
	zero   time.Time // job time 0
	reach  hyperscale.JobTime
	stream *stats.Stream
	acked  uint64
	kept   []link.Delivery // windows that are not acknowledged
	sent   int             // so many of them were sent on this link
}

func newChild(id hyperscale.NodeID, cores int, score *score, sample *sample) *child {
	return &child{
		id: id, cores: cores, score: score, sample: sample, holds: map[link.Hold]*hold{},
		ups: make(chan link.Up, 16), wins: make(chan link.Delivery, 64),
	}
}

// linked begins a new link: all that is not acknowledged goes again.
func (c *child) linked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.holds {
		h.sent = 0
	}
}

// die is the child's end: it says nothing more and holds nothing.
func (c *child) die() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	for name, h := range c.holds {
		if h.state >= link.Running {
			c.score.unnote(kindOf(name), 1)
		}
	}
	clear(c.holds)
}

// beat states what the child has.
func (c *child) beat() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dead && c.heard > 0 {
		c.state()
	}
}

// deliver makes the windows that are due and sends what was not sent on this link.
func (c *child) deliver() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, h := range c.holds {
		c.cut(name, h)
		c.send(h)
	}
}

// state says what it holds.
func (c *child) state() {
	c.seq++
	s := link.Statement{Node: c.id, Boot: 1, Seq: c.seq, Cores: c.cores, Free: c.cores, Heard: c.heard}
	for name, h := range c.holds {
		held := link.Held{Hold: name, State: h.state, Start: h.start, Cut: h.stream.Seq(), Acked: h.acked, Epoch: h.epoch}
		if h.state >= link.Running {
			held.JobTime = max(time.Since(h.zero), 0)
		}
		s.Holds = append(s.Holds, held)
		s.Free--
	}
	select {
	case c.ups <- s:
	default:
	}
}

// lengths are how long windows are at each level.
var lengths = [...]hyperscale.JobTime{link.Normal: time.Second, link.Throttle: 2 * time.Second, link.Batch: 5 * time.Second}

// cut makes the windows that are due, as long as the manager wants them.
func (c *child) cut(name link.Hold, h *hold) {
	for h.state == link.Running {
		length := lengths[min(c.level, link.Batch)]
		end := min((h.reach/length+1)*length, c.sample.load)
		if time.Since(h.zero) < end {
			return
		}
		iv := stats.Interval{From: h.reach, To: end}
		rec := []*stats.Record{c.sample.seconds[(end-h.reach)/time.Second]}
		d := link.Delivery{Hold: name, Start: h.start}
		if h.reach = end; end == c.sample.load {
			h.state = link.Ended
			d.Window = h.stream.Last(iv, rec, stats.Readings{}).AppendBinary(nil)
			d.Ending = &link.Ending{Stopped: end}
		} else {
			d.Window = h.stream.Cut(iv, rec, stats.Readings{}).AppendBinary(nil)
		}
		h.kept = append(h.kept, d)
	}
}

// send sends what was not sent on this link.
func (c *child) send(h *hold) {
	for h.sent < len(h.kept) {
		select {
		case c.wins <- h.kept[h.sent]:
			h.sent++
		default:
			return
		}
	}
}

// hear obeys. What is to end before its time is dropped at once: this is no test of
// endings.
func (c *child) hear(down link.Down) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return
	}
	switch down := down.(type) {
	case link.Word:
		if c.heard == 0 {
			c.score.note(attached)
		}
		c.heard, c.level = down.Seq, down.Level
	case link.Order:
		if c.obey(down) {
			c.state()
		}
	}
}

func (c *child) obey(o link.Order) (changed bool) {
	h := c.holds[o.Hold]
	switch {
	case o.Do == link.Prepare && h == nil:
		c.holds[o.Hold] = &hold{state: link.Prepared, epoch: o.Epoch, stream: stats.NewStream(o.Hold.Workflow, o.Hold.Share)}
		c.score.note(prepared)
	case o.Do == link.Start && h != nil && h.state == link.Prepared:
		h.state, h.start, h.zero = link.Running, o.Number, time.Now().Add(o.In-o.At)
		h.reach = max(o.Begin, o.Hold.Share.From).Truncate(time.Second)
		c.score.note(kindOf(o.Hold))
	case h != nil && (o.Do == link.Drop || o.Do == link.Stop || o.Do == link.Cut):
		if h.state >= link.Running {
			c.score.unnote(kindOf(o.Hold), 1)
		}
		delete(c.holds, o.Hold)
	default:
		return false
	}
	return true
}

// kindOf is what a share that runs counts as.
func kindOf(h link.Hold) what {
	if h.Share.Turn > 1 {
		return covering
	}
	return running
}

// receipt forgets what is acknowledged.
func (c *child) receipt(r link.Receipt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.holds[r.Hold]
	if h == nil {
		return
	}
	first := h.acked + 1
	h.acked = max(h.acked, min(r.Seq, h.stream.Seq()))
	n := int(h.acked + 1 - first)
	h.kept, h.sent = h.kept[n:], max(h.sent-n, 0)
	if r.Again {
		h.sent = 0
	}
	if h.state == link.Ended && len(h.kept) == 0 {
		delete(c.holds, r.Hold)
		c.score.note(over)
		c.state()
	}
}

// unacknowledged is how many windows of the child wait for their receipt.
func (c *child) unacknowledged() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, h := range c.holds {
		n += len(h.kept)
	}
	return n
}

// sample is what every share does in each second, and how long.
type sample struct {
	load    hyperscale.JobTime
	seconds [6]*stats.Record // by how many of them a window tells of
}

// Of what every share does in a second.
const (
	steps      = 5
	iterations = 100
)

// newSample is what every share of a load of that length does.
func newSample(load hyperscale.JobTime) *sample {
	s := &sample{load: load}
	for n := range s.seconds {
		s.seconds[n] = record(n)
	}
	return s
}

// record is what one share does in so many seconds.
func record(seconds int) *stats.Record {
	layout := &stats.Layout{Workflow: "load", FaultName: func(uint32) string { return "timeout" }}
	for i := range steps {
		layout.Steps = append(layout.Steps, stats.StepLayout{Name: stepName(i)})
	}
	rec := stats.NewRecord(layout)
	n := uint64(iterations * seconds)
	rec.Due, rec.Slots.Started, rec.Completed = n, n, n
	for i := range n {
		d := time.Duration(i%iterations) * time.Millisecond / 10
		rec.Lateness.Record(time.Duration(i%iterations) * time.Microsecond)
		rec.FirstByte.Record(d)
		rec.Transfer.Record(d / 3)
		for s := range rec.Steps {
			rec.Steps[s].Requests.Started++
			rec.Steps[s].OK++
			rec.Steps[s].Status(200)
			rec.Steps[s].Answered(true, time.Millisecond+d, time.Millisecond+d)
		}
	}
	return rec
}
