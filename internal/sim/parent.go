package sim

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// above is the parent of jobs: whoever owns one sends it there what its windows
// came to. All that it does it draws from a source of its own, so that a world
// without a parent is as if there were no such thing.
type above struct {
	w     *world
	rand  *rand.Rand
	there bool
	epoch hyperscale.Epoch // of the parent: rises when it is started anew
	links uint64           // number of the last link
	cords []*cord
	jobs  map[hyperscale.JobID]*upper
}

// upper is what the parent has of one job.
type upper struct {
	tally  *stats.Tally
	saved  []byte              // of the tally: what the parent has when it is started anew
	seen   map[numbered]string // what was sent under a number
	owed   map[string]reply    // to be said once it is saved
	merged bool                // some windows were joined on their way
	kept   int                 // bytes that the owner keeps
}

// numbered names a window.
type numbered struct {
	workflow string
	seq      uint64
}

// reply is a receipt that is due.
type reply struct {
	to    *cord
	again bool
}

// partOf is what the parent gave of every workflow: all of it.
var partOf = hyperscale.Share{Hi: 1, Of: 1, Turn: 4}

// newAbove draws whether the jobs of a world have a parent, and when it falls.
func newAbove(w *world) *above {
	a := &above{w: w, rand: rand.New(rand.NewPCG(w.cfg.Seed, 0xab07e)), epoch: 1, jobs: map[hyperscale.JobID]*upper{}}
	a.there = !w.cfg.Alone && (a.chance(0.4) || w.cfg.Sabotage == SentBeforeSaved)
	if !a.there {
		return a
	}
	for range a.rand.IntN(4) {
		w.at(3*time.Second+a.between(0, horizon), a.fall)
	}
	w.at(0, a.save)
	return a
}

func (a *above) chance(p float64) bool { return a.rand.Float64() < p }

// trouble is true so often, until things are to settle.
func (a *above) trouble(p float64) bool { return a.w.now < horizon && a.chance(p) }

func (a *above) between(from, to time.Duration) time.Duration {
	return from + time.Duration(a.rand.Int64N(int64(to-from)))
}

// parentOf is what the owner of a job is told of its parent; nil: there is none.
func (a *above) parentOf(t *truth) *owner.Parent {
	if !a.there {
		return nil
	}
	u := a.jobs[t.id]
	if u == nil {
		u = &upper{
			tally: stats.NewTally(), seen: map[numbered]string{}, owed: map[string]reply{}, kept: []int{0, 0, 2500}[a.rand.IntN(3)],
		}
		a.jobs[t.id] = u
	}
	p := &owner.Parent{Shares: map[string]hyperscale.Share{}, MaxKept: u.kept}
	for _, f := range t.plan.Workflows {
		p.Shares[f.Name] = partOf
	}
	return p
}

// save makes durable what the parent has, and then answers.
func (a *above) save() {
	for _, job := range slices.Sorted(maps.Keys(a.jobs)) {
		u := a.jobs[job]
		if len(u.owed) == 0 {
			continue
		}
		u.saved = u.tally.AppendBinary(nil)
		for _, name := range slices.Sorted(maps.Keys(u.owed)) {
			r := link.Receipt{
				Hold: link.Hold{Job: job, Workflow: name, Share: partOf}, Seq: u.tally.Marks().Mark(name, partOf),
				Again: u.owed[name].again, Epoch: a.epoch,
			}
			if a.trouble(0.2) {
				r.Level = link.Throttle
			}
			u.owed[name].to.down(r)
		}
		clear(u.owed)
	}
	if n := len(a.cords); n > 0 && a.trouble(0.03) {
		a.cords[a.rand.IntN(n)].cut()
	}
	a.w.after(a.between(50*time.Millisecond, 500*time.Millisecond), a.save)
}

// fall starts the parent anew: it has what it had saved, and no link.
func (a *above) fall() {
	a.w.say("the parent of jobs falls")
	a.w.saw("parent falls")
	a.epoch++
	for _, u := range a.jobs {
		u.tally = stats.NewTally()
		if u.saved != nil {
			tally, err := stats.DecodeTally(u.saved)
			if err != nil {
				panic(err)
			}
			u.tally = tally
		}
		clear(u.owed)
	}
	for _, c := range slices.Clone(a.cords) {
		c.cut()
	}
}

// receive takes a window.
func (a *above) receive(from *cord, d link.Delivery) {
	u := a.jobs[d.Hold.Job]
	w, err := stats.DecodeWindow(d.Window)
	if err != nil {
		a.w.fail("the parent of %s gets a window that it can't read: %v", d.Hold.Job, err)
		return
	}
	for seq := w.ID.First; seq <= w.ID.Seq; seq++ {
		name := numbered{w.ID.Workflow, seq}
		if before, known := u.seen[name]; known && before != string(d.Window) {
			a.w.fail("%s: %s sends window %d of %s up with other content than was sent before", d.Hold.Job, from.c.m.id, seq, w.ID.Workflow)
		}
		u.seen[name] = string(d.Window)
	}
	u.merged = u.merged || w.ID.First < w.ID.Seq
	receipt := u.tally.Marks().Receive(w)
	a.w.saw([]string{"up", "up again", "up with a gap", "up stray", "up broken"}[receipt])
	switch receipt {
	case stats.Merged:
		if !w.Empty() {
			u.tally.AddJoint(w)
		}
	case stats.Stray, stats.Broken:
		a.w.fail("%s: the parent takes window %d…%d of %s for stray or broken", d.Hold.Job, w.ID.First, w.ID.Seq, w.ID.Workflow)
	}
	u.owed[d.Hold.Workflow] = reply{to: from, again: receipt == stats.Gap}
}

// check holds what the parent has against the result of the job.
func (u *upper) check(w *world, t *truth, r *stats.Result) {
	if u == nil {
		return
	}
	for _, f := range t.plan.Workflows {
		if !u.tally.Marks().Standing(f.Name, partOf).Final {
			w.fail("%s: its parent never got the last window of %s", t.id, f.Name)
		}
		if above, here := owner.CountsOf(u.tally, f.Name), owner.CountsOf(r.Tally, f.Name); above != here {
			w.fail("%s: its parent has %+v of %s, the result says %+v", t.id, above, f.Name, here)
		}
	}
	for _, text := range stats.Identities(u.tally) {
		w.fail("%s, at its parent: %s", t.id, text)
	}
	if !u.merged && !stats.Same(u.tally, r.Tally) {
		w.fail("%s: its parent tells another course of it than the result", t.id)
	}
	if u.merged {
		w.saw("windows merged for the parent")
	}
}

// cord is what links the owner of a job to the parent.
type cord struct {
	a     *above
	c     *chair
	link  uint64        // 0: it does not stand
	there time.Duration // when what was said last arrives there …
	here  time.Duration // … and here
}

// attach links an owner to the parent, if there is one.
func (a *above) attach(c *chair) {
	if !a.there || c.m.seats[c.job] != c {
		return
	}
	c.cord = &cord{a: a, c: c}
	a.cords = append(a.cords, c.cord)
	c.cord.dial()
}

// dial makes the link stand, sooner or later.
func (k *cord) dial() {
	m := k.c.m
	m.at(m.w.now+k.a.between(time.Millisecond, 500*time.Millisecond), func() {
		switch {
		case m.seats[k.c.job] != k.c || k.link != 0:
		case k.a.trouble(0.3):
			k.dial()
		default:
			k.a.links++
			k.link = k.a.links
			k.c.step(owner.ParentAt{Link: k.link, Epoch: k.a.epoch})
		}
	})
}

// cut ends the link; what is under way is gone.
func (k *cord) cut() {
	m := k.c.m
	if m.seats[k.c.job] != k.c {
		k.a.cords = slices.DeleteFunc(k.a.cords, func(o *cord) bool { return o == k })
		return
	}
	if k.link == 0 {
		return
	}
	k.link = 0
	m.at(m.w.now, func() {
		if k.link == 0 {
			k.c.step(owner.ParentAt{})
		}
	})
	k.dial()
}

// up carries a window to the parent: in order, but some are lost, or come twice.
func (k *cord) up(d link.Delivery) {
	n := k.link
	if n == 0 || k.a.trouble(0.03) {
		return
	}
	k.there = max(k.there, k.a.w.now+k.a.between(time.Millisecond, 80*time.Millisecond))
	arrive := func() {
		if k.link == n {
			k.a.receive(k, d)
		}
	}
	k.a.w.at(k.there, arrive)
	if k.a.trouble(0.03) {
		k.a.w.at(k.there, arrive)
	}
}

// down carries a receipt to the owner.
func (k *cord) down(r link.Receipt) {
	n, m := k.link, k.c.m
	if n == 0 || k.a.trouble(0.05) {
		return
	}
	k.here = max(k.here, k.a.w.now+k.a.between(time.Millisecond, 80*time.Millisecond))
	m.at(k.here, func() {
		if k.link == n && m.seats[k.c.job] == k.c {
			k.c.step(owner.ParentTells{Receipt: r})
		}
	})
}
