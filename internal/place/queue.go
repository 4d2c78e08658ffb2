package place

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// pass is one look at all that waits, in order.
type pass struct {
	*Placer
	now       time.Duration
	floor     floor
	capacity  int        // cores of all workers that may be given anything
	held      int        // those that are free of workers that have enough to take up
	running   int        // jobs that hold cores or were promised some
	one       *job       // the first of them by name
	alone     *job       // an exclusive one among them; nil: none
	unclaimed *job       // one whose owner has yet to say whether it is exclusive
	reserved  *want      // what is not to be passed; nil: nothing yet
	ahead     int        // cores that those ahead wait for
	back      []comeback // cores that are known to come back, in order of time
	forever   bool       // of some cores it is not known when they do
}

// comeback is a time and the cores that will have come back by then.
type comeback struct {
	at    time.Duration
	cores int
}

// place grants what can be granted, and notes for what the rest waits.
func (p *Placer) place(now time.Duration) []Effect {
	p.changed = false
	p.queue = p.queue[:0]
	for _, j := range p.jobs {
		for _, w := range j.wants {
			if w.given == nil && !w.withdrawn {
				w.rank = p.rank(now, j, w)
				p.queue = append(p.queue, w)
			}
		}
	}
	if len(p.queue) == 0 {
		return nil
	}
	slices.SortFunc(p.queue, func(a, b *want) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.since, b.since),
			cmp.Compare(a.Job, b.Job), cmp.Compare(a.Number, b.Number))
	})
	look := p.look(now)
	var effects []Effect
	for _, w := range p.queue {
		if why := look.never(w); why != "" {
			effects = append(effects, p.refuse(w, why))
			continue
		}
		if reason := look.bar(w); reason != "" {
			w.waits = Waiting{Reason: reason, Expected: look.expected(w)}
			look.reserve(w)
			look.ahead += least(w.Want)
			continue
		}
		effects = append(effects, look.grant(w))
	}
	p.queue = slices.DeleteFunc(p.queue, func(w *want) bool { return w.given != nil || w.withdrawn })
	for i, w := range p.queue {
		w.waits.Position = i + 1
	}
	return effects
}

// refuse ends a want that is not to be granted any more.
func (p *Placer) refuse(w *want, reason string) Effect {
	w.withdrawn = true
	p.forget(p.jobs[w.Job])
	return Refuse{To: w.from, Want: w.Want, Reason: reason}
}

// never says why a want is not waited with any longer; "": it is. A placer that is new
// has yet to hear of workers.
func (l *pass) never(w *want) string {
	if l.now-w.since >= l.config.Queue {
		reason := fmt.Sprintf("it waited for %s", hyperscale.FormatDuration(l.config.Queue))
		if w.waits.Reason != "" {
			reason += ", at last because: " + w.waits.Reason
		}
		return reason
	}
	if !w.OrNever || l.now-l.born < l.config.Settle {
		return ""
	}
	need := least(w.Want)
	there, _ := l.offer(w)
	if there -= l.own(w); need > there {
		return fmt.Sprintf("it asks for %s, and the workers that did not refuse it have %s", hyperscale.Plural(need, "core"), hyperscale.Plural(there, "core"))
	}
	return ""
}

// waiting tells a manager for what the wants wait that it has just listed.
func (p *Placer) waiting(from hyperscale.NodeID) []Effect {
	var effects []Effect
	for _, w := range p.queue {
		if w.from == from && w.round == p.round {
			told := w.waits
			told.To, told.Want = from, w.Want
			effects = append(effects, told)
		}
	}
	return effects
}

// rank is the class of a want: -1 of a job that runs, then from 0 on.
func (p *Placer) rank(now time.Duration, j *job, w *want) int {
	if j.running() {
		return -1
	}
	if w.Exclusive {
		return 0
	}
	class := 4
	switch w.Priority {
	case link.PriorityHigh:
		class = 1
	case link.PriorityNormal:
		class = 2
	case link.PriorityLow:
		class = 3
	}
	return max(class-int((now-w.since)/p.config.Rise), 0)
}

// running reports whether the job holds cores, was promised some, or has begun
// and is not over.
func (j *job) running() bool {
	return len(j.held) > 0 || len(j.ends) > 0 || slices.ContainsFunc(j.wants, func(w *want) bool { return w.open > 0 })
}

// look surveys the datacenter.
func (p *Placer) look(now time.Duration) *pass {
	l := &pass{Placer: p, now: now}
	for _, w := range p.workers {
		if w.usable(now, p.config.Silent) {
			l.capacity += w.cores
			l.floor.add(w, p.room(now, w))
			l.held += w.unpledged() - p.room(now, w)
		}
	}
	l.floor.sort()
	for _, j := range p.jobs {
		if !j.running() {
			continue
		}
		l.running++
		l.one = first(l.one, j)
		if j.exclusive {
			l.alone = first(l.alone, j)
		}
		if !j.claimed && now-j.seen < p.config.Void {
			l.unclaimed = first(l.unclaimed, j)
		}
		l.forever = l.forever || len(j.held) == 0 // between two workflows, or only promised
		for workflow, cores := range j.held {
			at := j.ends[workflow]
			if at > 0 {
				l.back = append(l.back, comeback{at, cores})
			}
			l.forever = l.forever || at == 0
		}
	}
	slices.SortFunc(l.back, func(a, b comeback) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.cores, b.cores))
	})
	for i := 1; i < len(l.back); i++ {
		l.back[i].cores += l.back[i-1].cores
	}
	return l
}

// first is the job whose name comes first; a may be nil.
func first(a, b *job) *job {
	if a == nil || b.id < a.id {
		return b
	}
	return a
}

// bar says why a want can't be granted now; "": it can.
func (l *pass) bar(w *want) string {
	if !l.jobs[w.Job].running() {
		switch {
		case l.now-l.born < l.config.Settle:
			return "a manager has just taken over placing, and hears from all workers first"
		case l.alone != nil:
			return fmt.Sprintf("job %s runs alone", l.alone.id)
		case w.Exclusive && l.running == 1:
			return fmt.Sprintf("it runs alone, and job %s still runs", l.one.id)
		case w.Exclusive && l.running > 1:
			return fmt.Sprintf("it runs alone, and job %s and %d more still run", l.one.id, l.running-1)
		case l.unclaimed != nil:
			return fmt.Sprintf("the owner of job %s, which runs, was not heard yet", l.unclaimed.id)
		case l.reserved != nil:
			return fmt.Sprintf("cores are set aside for job %s, which waits for longer", l.reserved.Job)
		}
	}
	need := least(w.Want)
	there, free := l.offer(w)
	switch {
	case need > there:
		return fmt.Sprintf("it asks for %s, and the workers that are there have %s", hyperscale.Plural(need, "core"), hyperscale.Plural(there, "core"))
	case need > free && need <= free+l.held:
		return fmt.Sprintf("it asks for %s, and workers with free ones have yet to take up what they were given", hyperscale.Plural(need, "core"))
	case need > free:
		return fmt.Sprintf("it asks for %s, and %s free", hyperscale.Plural(need, "core"), are(free))
	}
	return ""
}

// offer is the number of cores, of those that a want does not exclude, that are
// there and that are free.
func (l *pass) offer(w *want) (there, free int) {
	there, free = l.capacity, l.floor.total
	for _, h := range w.Exclude {
		if x := l.workers[h.Node]; x != nil && x.Boot == h.Boot && x.usable(l.now, l.config.Silent) {
			there -= x.cores
			free -= l.room(l.now, x)
		}
	}
	return there, free
}

// own is how many of the cores that a want does not exclude its own job holds, for no
// time that is known: perhaps until it is granted.
func (l *pass) own(w *want) int {
	n, j := 0, l.jobs[w.Job]
	for _, x := range l.workers {
		if slices.Contains(w.Exclude, x.Holder) || !x.usable(l.now, l.config.Silent) {
			continue
		}
		for _, u := range x.uses {
			if u.Job == w.Job && j.ends[u.Workflow] == 0 {
				n += u.Cores
			}
		}
	}
	return n
}

// reserve sets cores aside for a want that has waited long enough, if there is
// hope.
func (l *pass) reserve(w *want) {
	waited := l.now - w.since
	running := l.jobs[w.Job].running()
	if l.reserved != nil || waited < l.config.Patience && !running {
		return
	}
	there, _ := l.offer(w)
	if least(w.Want) <= there && waited+w.waits.Expected < l.config.Queue {
		l.reserved = w
	}
}

// expected is how long it takes, as far as is known, until a want and all ahead
// of it could be granted; 0: unknown.
func (l *pass) expected(w *want) time.Duration {
	return l.wait(least(w.Want), w.Exclusive, l.jobs[w.Job].running())
}

// wait is how long it takes, as far as is known, until so many cores are there for one
// after all those ahead; 0: unknown, or no time.
func (l *pass) wait(cores int, exclusive, running bool) time.Duration {
	missing := cores + l.ahead - l.floor.total - l.held
	i := sort.Search(len(l.back), func(i int) bool { return l.back[i].cores >= missing })
	all := l.alone != nil || exclusive // it waits until nothing runs
	if all && !running {
		missing, i = l.capacity, len(l.back)-1
	}
	if missing <= 0 || i < 0 || i == len(l.back) || all && l.forever {
		return 0
	}
	return max(l.back[i].at-l.now, time.Second)
}

// least is the number of cores without which a want is not granted.
func least(w link.Want) int {
	sum := 0
	for _, f := range w.Workflows {
		sum += f.Least
	}
	return sum
}

// grant gives a want its cores: each workflow its least, and what is free beyond
// that by turns, to each up to its most.
func (l *pass) grant(w *want) Effect {
	j := l.jobs[w.Job]
	if !j.running() {
		l.running++
		l.one = first(l.one, j)
		if w.Exclusive {
			l.alone = j
		}
	}
	_, extra := l.offer(w)
	extra -= least(w.Want)
	more := make([]int, len(w.Workflows))
	for given := true; given && extra > 0; {
		given = false
		for i, f := range w.Workflows {
			if extra > 0 && f.Least+more[i] < f.Most {
				more[i]++
				extra--
				given = true
			}
		}
	}
	w.told = l.now
	for _, f := range w.Workflows {
		j.granted[f.Workflow] = w.Number
	}
	for i, f := range w.Workflows {
		cores := l.floor.take(f.Least+more[i], w.Want)
		for _, c := range cores {
			w.pledge(l.workers[c.Node], f.Workflow, c.N)
		}
		w.given = append(w.given, Given{Workflow: f.Workflow, Cores: cores})
	}
	l.held += l.floor.shut(func(w *worker) bool { return w.orders() >= l.config.Orders })
	return Grant{To: w.from, Want: w.Want, Given: w.given}
}

// pledge notes that cores of a worker were promised.
func (w *want) pledge(to *worker, workflow string, cores int) {
	g := pledge{want: w, workflow: workflow, cores: cores}
	for _, u := range to.uses {
		if u.Job == w.Job && u.Workflow == workflow {
			g.before = append(g.before, u.Share)
		}
	}
	to.pledges = append(to.pledges, g)
	w.open++
}

func are(n int) string {
	switch n {
	case 0:
		return "none is"
	case 1:
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}
