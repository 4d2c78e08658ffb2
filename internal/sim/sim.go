package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/own"
	"hyperscale/internal/store"
	"hyperscale/internal/store/memstore"
)

// Config is what is to be run.
type Config struct {
	Seed     uint64
	Whole    bool // keep the whole trace
	Sabotage Sabotage
	Alone    bool // no job has a parent
	// SaveBudget is how many bytes a second the checkpoints of a manager may come to;
	// 0: as many as by default, which are enough here for one each second.
	SaveBudget int
}

// Outcome is what came of a run.
type Outcome struct {
	Wrong  []string       // what was found wrong; none is how it should be
	Digest uint64         // of all that happened
	Trace  string         // the last of it, or all
	Sites  map[string]int // how often what happened
	Jobs   map[hyperscale.Phase]int
	Length time.Duration // of virtual time
}

// longest is the virtual time in which everything has to be over.
const longest = 6 * time.Minute

// settled is how long after the end of all jobs nothing may be left of them.
const settled = 40 * time.Second

// Run runs a seed.
func Run(cfg Config) (out Outcome) {
	w := &world{
		cfg: cfg, rand: rand.New(rand.NewPCG(cfg.Seed, 0x5eed)), net: newNetwork(),
		people: people{jobs: map[hyperscale.JobID]*truth{}}, sites: sites{},
	}
	w.trace.whole = cfg.Whole
	defer func() {
		if p := recover(); p != nil {
			out = w.outcome()
			out.Wrong = append(out.Wrong, fmt.Sprintf("panic: %v", p))
			out.Trace += "\n" + stack()
		}
	}()
	w.store = memstore.New(func() time.Time { return epoch.Add(w.now) })
	w.noteEnds()
	w.plan = fate{w}.draw()
	w.above = newAbove(w)
	w.build()
	over := func() bool { return len(w.wrong) > 0 || w.ended() }
	w.run(longest, over)
	if len(w.wrong) == 0 && !w.ended() {
		judge{w}.unfinished()
	}
	if len(w.wrong) == 0 {
		w.run(max(w.now, horizon+20*time.Second)+settled, func() bool { return len(w.wrong) > 0 })
		judge{w}.check()
	}
	w.close()
	return w.outcome()
}

// noteEnds notes when results are written.
func (w *world) noteEnds() {
	ended := func(ev store.Event) {
		var head struct{ Phase hyperscale.Phase }
		path := strings.Split(ev.Key, "/")
		if path[len(path)-1] != "head" || json.Unmarshal(ev.Value, &head) != nil || !head.Phase.Terminal() {
			return
		}
		t := w.jobs[hyperscale.JobID(path[len(path)-2])]
		switch {
		case t.over == 0:
			t.over, t.phase = w.now, head.Phase
		case t.phase != head.Phase:
			w.fail("%s is %s and was %s", t.id, head.Phase, t.phase)
		}
	}
	_, err := w.store.Subscribe(own.JobsFrom, own.JobsUntil, 0, func(_ store.Revision, events []store.Event) {
		for _, ev := range events {
			ended(ev)
		}
	})
	if err != nil {
		panic("sim: " + err.Error())
	}
}

func (w *world) outcome() Outcome {
	out := Outcome{Wrong: w.wrong, Digest: w.trace.sum, Trace: w.trace.text(), Sites: w.sites, Jobs: map[hyperscale.Phase]int{}, Length: w.now}
	for _, c := range w.clients {
		out.Jobs[w.phase(c.job)]++
	}
	return out
}

// build makes everybody, and what is to happen.
func (w *world) build() {
	for i := range w.plan.managers {
		w.newManager(hyperscale.NodeID(fmt.Sprintf("m%d", i)))
	}
	for i := range w.plan.workers {
		w.newWorker(hyperscale.NodeID(fmt.Sprintf("w%d", i)), w.plan.cores)
	}
	for i, m := range w.managers {
		m.draw()
		w.after(w.between(0, 300*time.Millisecond), m.start)
		for _, other := range w.managers[:i] {
			gossip{w}.meet(other, m)
		}
	}
	for _, k := range w.workers {
		k.draw()
		w.after(w.between(0, time.Second), k.start)
	}
	for i, sub := range w.plan.jobs {
		w.newClient(i, sub)
	}
	for _, f := range w.plan.faults {
		w.say("to come: %s", f)
		w.at(f.at, func() { mishaps{w}.strike(f) })
	}
	w.expire()
}

// draw draws a process's clock.
func (p *proc) draw() {
	p.offset = p.w.between(0, time.Hour)
	p.pace = int64(p.w.between(0, 2001)) - 1000
}

// expire ends the leases of the store whose time has come.
func (w *world) expire() {
	w.store.Tick()
	w.after(50*time.Millisecond, w.expire)
}

// close ends all processes.
func (w *world) close() {
	for _, m := range w.managers {
		m.kill(true)
	}
}
