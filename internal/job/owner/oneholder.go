package owner

import (
	"fmt"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// Of a job that lets no two hold a slot, a share whose holder is not heard any more is
// barred: it waits until the holder must have stopped. A holder goes by the last of its
// statements that it knows its owner heard, and begins nothing, nor goes on with
// anything, once that is as long ago as the job's autonomy. So it has stopped at the
// latest when the last statement that came is as long ago, however slow the way was.

// How much longer is waited than holders may go on.
const (
	// allowance is for what came, and lies here unread while others heard that it did,
	// and for clocks of another pace.
	allowance = time.Second
	// lingering is how long an owner that was replaced may still take itself for it and
	// say so to holders: until its session is over.
	lingering = 6 * time.Second
	// unsaved is how long what is saved of a job may be behind.
	unsaved = 15 * time.Second
)

// usesRowsOnce reports whether rows of some data set of a plan may be used only once.
func usesRowsOnce(p *hyperscale.Plan) bool {
	return p != nil && slices.ContainsFunc(p.Data, func(d hyperscale.DataSet) bool { return d.Pick == hyperscale.PickUnique })
}

// lasts is how long after it was heard last a holder must have stopped, if an owner
// before may have heard it for so much longer; 0: two may hold a slot.
func (o *book) lasts(longer time.Duration) time.Duration {
	if !o.cfg.OneHolder {
		return 0
	}
	return longer + o.cfg.Autonomy + allowance
}

// stops is when the holder of a lost turn must have stopped.
func (o *book) stops(x *hole) hyperscale.JobTime { return x.Heard + x.Ahead + o.lasts(0) }

// died reports whether a child that is lost did end: a stream that did may have had
// other reasons.
func (o *book) died(ev Lost) bool {
	return ev.Dead && !o.dark.blind && (ev.Sure || !o.cfg.OneHolder)
}

// heardAt is when a holder was heard last: here, or by an owner before.
func (o *book) heardAt(h link.Holder) hyperscale.JobTime {
	if k := o.kids[h.Node]; k != nil && k.Boot == h.Boot {
		return o.at() - (o.now - k.heard)
	}
	return o.at() - (o.now - o.began) + lingering
}

// granted is the reserve of a hold that is durable with what is being saved, so that
// whoever goes on with its slots knows of it; zero: two may hold a slot, and the holder
// goes as far as it stated.
func (o *book) granted(h link.Hold) link.Reserve {
	if _, s := o.state.share(h); s != nil && o.cfg.OneHolder {
		return s.Reserve.Reserve
	}
	return link.Reserve{}
}

// open reports whether a share waits for another holder, and may have one.
func (l *leg) open(s *share) bool {
	if !s.bare() {
		return false
	}
	x := l.find().holes[s.Share]
	return x == nil || !x.Barred
}

// free lets others go on with the shares of holders that must have stopped.
func (o *placing) free() {
	if !o.cfg.OneHolder {
		return
	}
	for _, l := range o.state.Legs {
		if o.keptFor(l) {
			continue
		}
		for _, x := range l.Holes {
			if !x.Barred || !o.stopped(x) {
				continue
			}
			waits := l.short()
			x.Barred = false
			o.change()
			if !waits && l.Stop == nil && l.short() {
				o.want(l)
			}
		}
	}
}

// stopped reports whether the holder of a lost turn must have stopped, or is known to
// have.
func (o *placing) stopped(x *hole) bool {
	k := o.kids[x.Holder.Node]
	return x.Dead != never || x.Told || k != nil && k.Boot > x.Holder.Boot || o.at() >= o.stops(x)
}

// frees is when the next share is free, if its holder is not heard until then.
func (o *placing) frees() hyperscale.JobTime {
	next := never
	if !o.cfg.OneHolder {
		return next
	}
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			if x.Barred && !o.keptFor(l) {
				next = min(next, o.stops(x))
			}
		}
	}
	return next
}

// barred says for whom a leg waits that must have stopped; "": for nobody.
func (o *placing) barred(l *leg) string {
	for _, x := range l.Holes {
		switch {
		case !x.Barred:
		case o.keptFor(l):
			return fmt.Sprintf("datacenter %s is not heard, and its slots wait for it", x.Holder.Node)
		default:
			return fmt.Sprintf("%s must have stopped before others go on with its slots: at %s of the job", x.Holder.Node, hyperscale.FormatDuration(o.stops(x).Round(100*time.Millisecond)))
		}
	}
	return ""
}

// has takes in that a holder told all that it has: what it lost and does not name has
// ended.
func (o *placing) has(h link.Holder, said map[link.Hold]bool) {
	if o.untold() {
		return
	}
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			if (x.Barred || o.owes(l, x)) && x.Holder == h && x.Dead == never && !said[o.hold(l, x.Share)] {
				x.Dead = o.at()
				o.change()
			}
		}
	}
}
