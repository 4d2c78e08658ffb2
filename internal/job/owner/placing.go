package owner

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
	"hyperscale/internal/place"
	"hyperscale/internal/schedule"
)

// Wants are all that the job wants of the cores of its datacenter now. Legs that
// are to begin together want theirs together.
func (o *Owner) Wants() []Want {
	if o.over != nil {
		return nil
	}
	if !o.wanted.known {
		o.wanted = wanted{known: true, list: o.wants()}
	}
	return o.wanted.list
}

// wanted is what the job wants, as long as nothing of that changes: it is asked
// for after every event, and a job may have thousands of shares.
type wanted struct {
	known bool
	list  []Want
}

func (o *Owner) wants() []Want {
	var list []Want
	for _, l := range o.state.Legs {
		switch {
		case l.Stop != nil:
		case l.Stage == wanting:
			list = wantMore(list, l.Want, WantCores{Workflow: l.workflow()}, nil)
		default:
			if n := l.uncovered(); n > 0 {
				list = wantMore(list, l.Want, WantCores{Workflow: l.workflow(), Cores: n, Least: 1}, l)
			}
		}
	}
	return list
}

// Run is a workflow that holds cores.
type Run struct {
	Workflow string
	Left     time.Duration // until the plan gives the cores back; 0: unknown
}

// Runs are the workflows that hold cores now.
func (o *Owner) Runs() []Run {
	var list []Run
	for _, l := range o.state.Legs {
		if l.Stage == wanting || l.Stage == ended {
			continue
		}
		r := Run{Workflow: l.workflow()}
		if l.Stage == running {
			if end := l.over(); end != never {
				r.Left = max(end-o.clock.last, 0)
			}
		}
		list = append(list, r)
	}
	return list
}

// wantMore puts what a workflow wants to the want of that number. Of a cover, l is
// the leg: its lost holders are excluded, the others preferred.
func wantMore(list []Want, number uint64, cores WantCores, l *leg) []Want {
	i := slices.IndexFunc(list, func(w Want) bool { return w.Number == number })
	if i < 0 {
		i = len(list)
		list = append(list, Want{Number: number})
	}
	w := &list[i]
	w.Workflows = append(w.Workflows, cores)
	if l == nil {
		return list
	}
	for _, x := range l.Holes {
		if !x.Again {
			w.Exclude = append(w.Exclude, x.Holder)
		}
	}
	for _, s := range l.Shares {
		if s.placed() {
			w.Prefer = append(w.Prefer, s.Holder.Node)
		}
	}
	return list
}

// uncovered is how many cores the shares without a holder had.
func (l *leg) uncovered() int {
	n := 0
	for _, s := range l.Shares {
		if !s.placed() && !s.over() {
			n += int(s.Width())
		}
	}
	return n
}

// want gives a leg the number of a new want. Before the job has begun all legs that
// want cores want them together: what was asked for before is replaced, for a want
// of one number never changes.
func (o *Owner) want(l *leg) {
	o.change()
	o.state.Wants++
	l.Want = o.state.Wants
	if o.state.Start != 0 || l.Stage != wanting {
		return
	}
	for _, other := range o.state.Legs {
		if other.Stage == wanting {
			other.Want = l.Want
		}
	}
}

// granted divides what wanted cores among those who have them.
func (o *Owner) granted(ev Granted) {
	if o.over != nil || o.dark.until != 0 {
		return // while nobody tells the time no fence can be set; it is granted again
	}
	for _, l := range o.state.Legs {
		cores := ev.Cores[l.workflow()]
		if l.Want != ev.Want || l.Stop != nil || len(cores) == 0 {
			continue
		}
		switch {
		case l.Stage == wanting:
			o.place(l, cores)
		case l.uncovered() > 0:
			o.cover(l, cores)
		}
	}
}

// place gives all of a leg's slots to the holders of the cores.
func (o *Owner) place(l *leg, cores []link.Cores) {
	whole := &share{Share: hyperscale.Share{Lo: 0, Hi: int64(total(cores)), Of: int64(total(cores))}}
	l.Stage, l.Shares = preparing, o.cut(l, whole, cores)
	o.change()
	for _, s := range l.Shares {
		o.hand(l, s)
	}
}

func total(cores []link.Cores) int {
	n := 0
	for _, c := range cores {
		n += c.N
	}
	return n
}

// cut cuts a share into one for each holder of cores, under a new turn. Of a share
// narrower than there are cores some are left out.
func (o *Owner) cut(l *leg, s *share, cores []link.Cores) []*share {
	o.state.Turns[l.workflow()]++
	var list []*share
	for i, cut := range place.Cut(s.Share, cores) {
		if !cut.Valid() {
			continue
		}
		cut.Turn = o.state.Turns[l.workflow()]
		part := &share{Share: cut, Holder: cores[i].Holder, Cores: cores[i].N, rose: o.now}
		part.First = s.First.within(l, s.Share, cut)
		part.Reserve = part.First
		list = append(list, part)
		o.state.Given = append(o.state.Given, given{l.workflow(), cut, part.Holder.Node})
		o.marks().Expect(l.workflow(), cut)
	}
	return list
}

// within is the reserve of a share as a part of it has it: the first of its own
// places that is not before.
func (r reserve) within(l *leg, whole, part hyperscale.Share) reserve {
	if l.Leg.Load.Kind == hyperscale.LoadIterations && r.Place > 0 {
		r.Place = schedule.NewIterations(l.Leg.Load).Resume(whole, r.Place, part)
	}
	return r
}

// prepare is what the holder of a share is to make ready.
func (o *Owner) prepare(l *leg, s *share) *Prepare {
	p := l.prepare(s)
	p.Adjustments = o.state.adjustments()
	return p
}

// hand tells the holder of a share to make ready.
func (o *Owner) hand(l *leg, s *share) {
	s.told = o.now
	o.order(s.Holder, link.Order{Do: link.Prepare, Hold: o.hold(l, s.Share), Cores: s.Cores}, o.prepare(l, s))
}

// denied ends what wanted cores that it will never have.
func (o *Owner) denied(ev Denied) {
	for _, l := range slices.Clone(o.state.Legs) {
		if l.Want != ev.Want || o.over != nil {
			continue
		}
		switch {
		case l.Stage == wanting:
			l.Stage = ended
			o.job(job.LegBroken{Workflow: l.workflow(), Leg: l.Leg.Leg, Reason: ev.Reason})
		case l.uncovered() > 0:
			o.want(l) // the load goes on without these slots, which are missed; perhaps somebody comes
		}
	}
}

// hold is the name of a share of a leg.
func (o *Owner) hold(l *leg, s hyperscale.Share) link.Hold {
	return link.Hold{Job: o.cfg.Job, Workflow: l.workflow(), Share: s}
}

// unbriefed ends a leg that can't be put into words for its engines.
func (o *Owner) unbriefed(ev Unbriefed) {
	l, _ := o.state.share(ev.Hold)
	if l == nil || o.over != nil {
		return
	}
	o.job(job.LegBroken{Workflow: l.workflow(), Leg: l.Leg.Leg, Reason: ev.Reason})
}
