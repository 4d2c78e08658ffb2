package owner

import (
	"fmt"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// coverLead is how long before the fence a cover is decided at least.
const coverLead = 50 * time.Millisecond

// coverFarLead is the same where datacenters cover for each other.
const coverFarLead = 500 * time.Millisecond

// cover gives shares without a holder to those who have cores. If there are fewer
// cores than shares some go on waiting.
func (o *placing) cover(l *leg, cores []link.Cores) {
	var open []*share
	width := 0
	for _, s := range l.Shares {
		if l.open(s) {
			open, width = append(open, s), width+int(s.Width())
		}
	}
	fence := o.fence()
	for _, s := range open {
		mine := takeCores(&cores, max(int(s.Width())*(total(cores))/max(width, 1), 1))
		width -= int(s.Width())
		if len(mine) == 0 {
			o.want(l)
			return
		}
		o.coverOne(l, s, mine, fence)
	}
	o.change()
}

// fence is from when on others go on with slots at the earliest.
func (o *placing) fence() hyperscale.JobTime {
	if o.cfg.Datacenters {
		return ceilSecond(o.at() + coverFarLead)
	}
	return ceilSecond(o.at() + coverLead)
}

// coverOne cuts a share without a holder into shares of a higher turn, from the
// fence on.
func (o *placing) coverOne(l *leg, s *share, cores []link.Cores, fence hyperscale.JobTime) {
	// What a holder with a faster clock told is its own.
	fence = max(fence, ceilSecond(o.marks().Standing(l.workflow(), s.Share).Reach))
	for _, x := range l.Holes {
		if x.Share == s.Share {
			x.Fence = fence
			o.passed(l, x)
			s.First = x.next(l)
			o.marks().Cover(l.workflow(), s.Share, fence)
			if x.Idle {
				o.closeHole(l, x)
			}
		}
	}
	s.Share.From = fence
	parts := o.cut(l, &s.kept, cores)
	i := slices.Index(l.Shares, s)
	l.divide(slices.Replace(l.Shares, i, i+1, parts...))
	for _, p := range parts {
		o.hand(l, p)
		o.tell(hyperscale.Event{
			What: "covered", Workflow: l.workflow(), Node: p.Holder.Node,
			Detail: fmt.Sprintf("slots [%d,%d) of %d, turn %d, from %s", p.Lo, p.Hi, p.Of, p.Turn, hyperscale.FormatDuration(fence)),
		})
	}
}

// passed notes what the lost holder of an open load may have begun though by the schedule
// it is due after the fence: it may not have heard that the load was made smaller.
func (o *placing) passed(l *leg, x *hole) {
	if l.Leg.Load.Kind != hyperscale.LoadOpen {
		return
	}
	if n := o.reached(l, x, min(o.goneBy(x), x.Fence)); n > l.before(x.Share, x.Fence) {
		x.Reserve.Place = n
	}
}

// takeCores takes so many cores off the front of the list.
func takeCores(list *[]link.Cores, n int) []link.Cores {
	var taken []link.Cores
	for n > 0 && len(*list) > 0 {
		c := &(*list)[0]
		k := min(n, c.N)
		taken = append(taken, link.Cores{Holder: c.Holder, N: k})
		n -= k
		if c.N -= k; c.N == 0 {
			*list = (*list)[1:]
		}
	}
	return taken
}
