package owner

import (
	"slices"
	"time"

	"hyperscale"
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
	if p := o.placing; p.wanted.changes != o.desk.changes {
		p.wanted = wanted{o.desk.changes, p.wants()}
		p.forget()
	}
	return o.placing.wanted.list
}

// placing says what cores the job wants, and gives shares to those who have them.
type placing struct {
	*holes
	wanted wanted
	queue  map[uint64]queued // wants that wait, by number; heard anew after a takeover
}

// wanted is what the job wants, as long as nothing of that changes: it is asked
// for after every event, and a job may have thousands of shares.
type wanted struct {
	changes uint64 // of the desk, when it was made
	list    []Want
}

// wants are all that is wanted now.
func (o *placing) wants() []Want {
	var list []Want
	for _, l := range o.state.Legs {
		switch {
		case l.Stop != nil:
		case l.Stage == wanting && l.Leg.Group != 0 && !l.Whole: // others are to come
		case l.Stage == wanting:
			list = wantMore(list, l, WantCores{Workflow: l.workflow(), Part: l.Leg.Part, Copy: l.Leg.Copy, At: o.placeOfCopy(l)})
		default:
			if n := l.uncovered(); n > 0 {
				list = wantMore(list, l, WantCores{Workflow: l.workflow(), Cores: n, Least: 1, Copy: l.Leg.Copy, At: o.placeOfCopy(l)})
			}
		}
	}
	if o.cfg.Datacenters {
		for i := range list {
			list[i].Prefer = o.state.places()
		}
	}
	return list
}

// places are all that were ever given a part of the job: where datacenters are its
// children, those that were chosen for it.
func (st *state) places() []hyperscale.NodeID {
	var list []hyperscale.NodeID
	for _, g := range st.Given {
		if !slices.Contains(list, g.Node) {
			list = append(list, g.Node)
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

// wantMore puts what a leg wants to the want of its number. Those that refused it for
// good and its lost holders are excluded, those that hold it preferred.
func wantMore(list []Want, l *leg, cores WantCores) []Want {
	i := slices.IndexFunc(list, func(w Want) bool { return w.Number == l.Want })
	if i < 0 {
		i = len(list)
		list = append(list, Want{Number: l.Want})
	}
	w := &list[i]
	w.Workflows = append(w.Workflows, cores)
	w.Exclude = append(w.Exclude, l.Unfit...)
	w.OrNever = w.OrNever || l.Stage == wanting && len(l.Unfit) > 0
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

// short reports whether a share waits for another holder.
func (l *leg) short() bool { return slices.ContainsFunc(l.Shares, l.open) }

// uncovered is how many cores the shares had that wait for another holder.
func (l *leg) uncovered() int {
	n := 0
	for _, s := range l.Shares {
		if l.open(s) {
			n += int(s.Width())
		}
	}
	return n
}

// want gives a leg the number of a new want. Before the job has begun all legs that
// want cores want them together: what was asked for before is replaced, for such a
// want never changes. That of a cover may grow as long as it waits: if it had a new
// number with each share that is lost, no grant would be for the newest while
// hundreds are lost one after the other.
func (o *placing) want(l *leg) {
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
func (o *placing) granted(ev Granted) {
	if o.over != nil || o.dark.until != 0 {
		return // while nobody tells the time no fence can be set; it is granted again
	}
	var begun []*leg
	taken := false
	for _, l := range o.state.Legs {
		if l.Want != ev.Want || l.Stop != nil {
			continue
		}
		cores := o.ofCopy(l, ev.Cores[l.workflow()])
		if len(cores) == 0 {
			continue
		}
		switch {
		case l.Stage == wanting:
			o.place(l, cores)
			begun, taken = append(begun, l), true
		case l.short():
			o.cover(l, cores)
			taken = true
		}
	}
	if taken {
		for _, said := range ev.Said {
			o.tell(said)
		}
	}
	for _, l := range begun {
		for _, s := range l.Shares {
			o.hand(l, s)
		}
	}
}

// place gives all of a leg's slots to the holders of the cores.
func (o *placing) place(l *leg, cores []link.Cores) {
	whole := &kept{Share: hyperscale.Share{Lo: 0, Hi: int64(total(cores)), Of: int64(total(cores))}}
	if part := l.whole(); part.Of > 1 || part.From > 0 {
		whole.Share = part
		whole.First = reserve{link.Reserve{Place: l.Leg.Place, Pass: l.Leg.Pass}}
	}
	l.Stage = preparing
	l.divide(o.cut(l, whole, cores))
	o.change()
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
func (o *placing) cut(l *leg, s *kept, cores []link.Cores) []*share {
	o.state.Turns[l.workflow()] = o.nextTurn(l)
	var list []*share
	for i, cut := range place.Cut(s.Share, cores) {
		if !cut.Valid() {
			continue
		}
		cut.Turn = o.state.Turns[l.workflow()]
		part := &share{kept: kept{Share: cut, Holder: cores[i].Holder, Cores: cores[i].N, Known: uint64(len(o.state.Adjustments))}, rose: o.now}
		part.First = s.First.within(l, s.Share, cut)
		if l.Leg.Load.Kind != hyperscale.LoadOpen {
			part.Reserve = part.First
		}
		list = append(list, part)
		o.state.Given = append(o.state.Given, given{turn{l.workflow(), cut}, part.Holder.Node, l.Leg.Part})
		if l.begun() {
			o.marks().Expect(l.workflow(), cut)
		}
	}
	return list
}

// within is the reserve of a share as a part of it has it: the first of its own
// places that is not before.
func (r reserve) within(l *leg, whole, part hyperscale.Share) reserve {
	switch kind := l.Leg.Load.Kind; {
	case r.Place == 0:
	case kind == hyperscale.LoadIterations:
		r.Place = schedule.NewIterations(l.Leg.Load).Resume(whole, r.Place, part)
	case kind == hyperscale.LoadOpen:
		r.Place = part.Count(int64(whole.At(r.Place)))
	}
	return r
}
