package owner

import (
	"slices"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
)

// Of a job that several datacenters run each, every leg is one copy's: all its slots are
// in the datacenter that has the copy, and nobody else goes on with them.

// copies is how many datacenters run the whole load each; 0 or 1: they divide it.
func (c Config) copies() int {
	if !c.Datacenters {
		return 0
	}
	return c.Across.Copies()
}

// placeOfCopy is the datacenter that has the copy of a leg; "": none yet, or there are no
// copies.
func (o *placing) placeOfCopy(l *leg) hyperscale.NodeID {
	if l.Leg.Copy == 0 {
		return ""
	}
	return o.story.place(l.Leg.Copy)
}

// ofCopy is what of granted cores is for a leg. A copy that is nowhere yet is from now on
// in the first datacenter that has none.
func (o *placing) ofCopy(l *leg, cores []link.Cores) []link.Cores {
	if l.Leg.Copy == 0 {
		return cores
	}
	place := o.placeOfCopy(l)
	for i := 0; place == "" && i < len(cores); i++ {
		if node := cores[i].Node; !o.hasCopy(node) {
			place = node
			o.story.step(o.at(), job.Placed{Copy: l.Leg.Copy, Place: string(node)})
			o.change()
		}
	}
	return slices.DeleteFunc(slices.Clone(cores), func(c link.Cores) bool { return c.Node != place })
}

// hasCopy reports whether a datacenter has a copy.
func (o *placing) hasCopy(node hyperscale.NodeID) bool {
	for number := 1; number <= o.cfg.copies(); number++ {
		if o.story.place(number) == node {
			return true
		}
	}
	return false
}

// nextTurn is the number of a turn that is given out now. Those of copies are apart; see
// [stats.InCopies].
func (o *placing) nextTurn(l *leg) hyperscale.Turn {
	next := o.state.Turns[l.workflow()] + 1
	for n := hyperscale.Turn(o.cfg.copies()); n > 1 && next%n != hyperscale.Turn(l.Leg.Copy)%n; {
		next++
	}
	return next
}
