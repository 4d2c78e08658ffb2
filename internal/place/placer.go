package place

import (
	"cmp"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// Config is the times of a placer. The zero value is the documented default.
type Config struct {
	Queue    time.Duration // what has waited longer is refused; 0: 1 h
	Void     time.Duration // a grant that no statement shows is void, a manager that says nothing wants nothing; 0: 5 s
	Settle   time.Duration // a new placer gives nothing to new jobs before; 0: 2 s
	Patience time.Duration // what has waited longer is passed no more; 0: 30 s
	Rise     time.Duration // waiting raises a want by one class; 0: 10 min
	Silent   time.Duration // a worker that says nothing gets nothing; 0: 3 s
	Gone     time.Duration // and is removed; 0: 120 s
	Orders   int           // of so many grants a worker may have something to take up at once; 0: 3
}

func (c Config) withDefaults() Config {
	c.Queue = cmp.Or(c.Queue, time.Hour)
	c.Void = cmp.Or(c.Void, 5*time.Second)
	c.Settle = cmp.Or(c.Settle, 2*time.Second)
	c.Patience = cmp.Or(c.Patience, 30*time.Second)
	c.Rise = cmp.Or(c.Rise, 10*time.Minute)
	c.Silent = cmp.Or(c.Silent, 3*time.Second)
	c.Gone = cmp.Or(c.Gone, 2*time.Minute)
	c.Orders = cmp.Or(c.Orders, 3)
	return c
}

// Placer gives out the cores of a datacenter. It is used by one goroutine.
type Placer struct {
	config  Config
	born    time.Duration // time of the first step
	begun   bool
	workers map[hyperscale.NodeID]*worker
	jobs    map[hyperscale.JobID]*job
	queue   []*want       // what waits, in order, when it was last looked
	round   uint64        // counts what managers said
	changed bool          // since it was last looked who can be placed
	swept   time.Duration // when it was last looked who is gone
}

// worker is all that is known of one start of a worker.
type worker struct {
	link.Holder
	seq         uint64
	heard       time.Duration
	cores, free int
	draining    bool
	health      Health
	uses        []Use
	pledges     []pledge // what was granted of it, and no statement shows
}

// job is what is known of a job that wants or holds cores.
type job struct {
	id        hyperscale.JobID
	epoch     hyperscale.Epoch
	wants     []*want
	exclusive bool
	claimed   bool                     // an owner of it was heard of
	seen      time.Duration            // when it first held cores
	granted   map[string]uint64        // workflow → number of the last want granted, under epoch
	held      map[string]int           // workflow → cores, as stated
	ends      map[string]time.Duration // workflow → when its cores come back by the plan; 0: unknown
	owner     hyperscale.NodeID        // the manager that last said that it runs
	told      time.Duration            // when it did
	round     uint64                   // likewise
}

// want is a request with what came of it.
type want struct {
	link.Want
	from      hyperscale.NodeID
	since     time.Duration // it waits since then
	listed    time.Duration // when its manager last named it
	round     uint64        // likewise
	withdrawn bool          // its manager names it no more
	told      time.Duration // when it was last told that it is granted
	given     []Given       // nil: it waits
	open      int           // pledges of what was given
	rank      int           // while it waits: its class, see rank
	waits     Waiting       // while it waits: for what
}

// pledge is cores of a worker that were granted and that no statement shows.
type pledge struct {
	want     *want
	workflow string
	cores    int
	before   []hyperscale.Share // what the worker held of the workflow when they were granted
}

// New makes a placer that knows nobody.
func New(config Config) *Placer {
	return &Placer{
		config:  config.withDefaults(),
		workers: make(map[hyperscale.NodeID]*worker),
		jobs:    make(map[hyperscale.JobID]*job),
	}
}

// Step takes an event in. Times never fall.
func (p *Placer) Step(now time.Duration, ev Event) []Effect {
	if !p.begun {
		p.begun, p.born = true, now
	}
	switch ev := ev.(type) {
	case Stated:
		p.stated(now, ev)
	case Judged:
		if w := p.workers[ev.Node]; w != nil && w.Boot == ev.Boot && w.health != ev.Health {
			w.health, p.changed = ev.Health, true
		}
	case Left:
		if w := p.workers[ev.Node]; w != nil && w.Boot <= ev.Boot {
			p.remove(w)
		}
	case Wanted:
		effects := p.wanted(now, ev)
		effects = append(effects, p.place(now)...)
		return append(effects, p.waiting(ev.From)...)
	case Tick:
		// Time alone voids grants, silences workers and refuses what waited too long.
		if now-p.swept >= time.Second {
			p.swept, p.changed = now, true
			p.sweep(now)
		}
		if p.changed {
			return p.place(now)
		}
	}
	return nil
}

// stated takes a worker's statement in.
func (p *Placer) stated(now time.Duration, s Stated) {
	w := p.workers[s.Node]
	if w != nil && (s.Boot < w.Boot || s.Boot == w.Boot && s.Seq <= w.seq) {
		return
	}
	if w != nil && s.Boot > w.Boot {
		p.remove(w)
		w = nil
	}
	if w == nil {
		w = &worker{Holder: s.Holder}
		p.workers[s.Node] = w
		p.changed = true
	}
	room := p.room(now, w)
	w.seq, w.heard, w.cores, w.free = s.Seq, now, s.Cores, min(s.Free, s.Cores)
	w.draining, w.health = s.Draining, s.Health
	p.account(now, w, s.Uses)
	p.redeem(w)
	p.changed = p.changed || room != p.room(now, w)
}

// room is how many cores of a worker can be given now.
func (p *Placer) room(now time.Duration, w *worker) int {
	if !w.usable(now, p.config.Silent) || w.orders() >= p.config.Orders {
		return 0
	}
	return w.unpledged()
}

// unpledged is how many cores are free and were promised to nobody.
func (w *worker) unpledged() int {
	free := w.free
	for _, g := range w.pledges {
		free -= g.cores
	}
	return max(free, 0)
}

// orders is of how many grants the worker has something to take up.
func (w *worker) orders() int {
	n := 0
	for i, g := range w.pledges { // those of one grant stand together
		if i == 0 || w.pledges[i-1].want != g.want {
			n++
		}
	}
	return n
}

// usable reports whether a worker may be given anything.
func (w *worker) usable(now, silent time.Duration) bool {
	return !w.draining && w.health != Unhealthy && now-w.heard <= silent
}

// account replaces what a worker was known to use.
func (p *Placer) account(now time.Duration, w *worker, uses []Use) {
	before := w.uses
	w.uses = uses
	for _, u := range uses {
		if u.Cores == 0 {
			continue
		}
		j := p.job(u.Job)
		if len(j.held) == 0 {
			j.seen = now
		}
		j.held[u.Workflow] += u.Cores
	}
	for _, u := range before {
		if j := p.jobs[u.Job]; u.Cores > 0 && j != nil {
			if j.held[u.Workflow] -= u.Cores; j.held[u.Workflow] <= 0 {
				delete(j.held, u.Workflow)
			}
			p.forget(j)
		}
	}
}

// redeem strikes the pledges that a worker's statement shows.
func (p *Placer) redeem(w *worker) {
	p.strike(w, func(g pledge) bool {
		return slices.ContainsFunc(w.uses, func(u Use) bool {
			return u.Job == g.want.Job && u.Workflow == g.workflow && !slices.Contains(g.before, u.Share)
		})
	})
}

// strike takes back the pledges of a worker that is names, and forgets the jobs of
// which nothing is left.
func (p *Placer) strike(w *worker, is func(pledge) bool) {
	before := slices.Clone(w.pledges)
	w.takeBack(is)
	for _, g := range before {
		if j := p.jobs[g.want.Job]; j != nil {
			p.forget(j)
		}
	}
}

// takeBack strikes the pledges of a worker that is names.
func (w *worker) takeBack(is func(pledge) bool) {
	w.pledges = slices.DeleteFunc(w.pledges, func(g pledge) bool {
		if is(g) {
			g.want.open--
			return true
		}
		return false
	})
}

// recall takes back what was pledged for a workflow of a want; "": for all of
// them.
func (p *Placer) recall(of *want, workflow string) {
	for _, given := range of.given {
		for _, c := range given.Cores {
			if w := p.workers[c.Node]; of.open > 0 && w != nil {
				w.takeBack(func(g pledge) bool { return g.want == of && (workflow == "" || g.workflow == workflow) })
			}
		}
	}
}

// remove forgets a worker, and with it all that it held or was to hold.
func (p *Placer) remove(w *worker) {
	p.account(0, w, nil)
	p.strike(w, func(pledge) bool { return true })
	delete(p.workers, w.Node)
	p.changed = true
}

// job is the record of a job, made if there is none.
func (p *Placer) job(id hyperscale.JobID) *job {
	j := p.jobs[id]
	if j == nil {
		j = &job{
			id: id, granted: make(map[string]uint64),
			held: make(map[string]int), ends: make(map[string]time.Duration),
		}
		p.jobs[id] = j
	}
	return j
}

// forget drops the wants of a job that nothing depends on any more, and the job
// with the last.
func (p *Placer) forget(j *job) {
	j.wants = slices.DeleteFunc(j.wants, func(w *want) bool {
		return w.withdrawn && w.open == 0
	})
	if len(j.wants) == 0 && len(j.held) == 0 && len(j.ends) == 0 {
		delete(p.jobs, j.id)
	}
}
