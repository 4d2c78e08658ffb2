package owner

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/place"
	"hyperscale/internal/schedule"
	"hyperscale/internal/stats"
)

// adjusting changes the load of legs that run.
type adjusting struct{ *course }

// adjustment is one that was stored, and what it was asked for under.
type adjustment struct {
	Key string
	hyperscale.Adjustment
	Late bool // somebody ran under an older one when it was to count
}

// adjustLead is how long before it counts an adjustment is stored at least, so
// that all holders hear it in time.
const adjustLead = 2 * time.Second

// adjust changes the load of a workflow from a whole second on. It is written down
// before anybody hears of it.
func (o *adjusting) adjust(ev Adjust) {
	if o.up != nil {
		o.say(Adjusted{Token: ev.Token, Refused: "its gate decides over its load"})
		return
	}
	for _, a := range o.state.Adjustments {
		if a.Key == ev.Key {
			o.say(Adjusted{Token: ev.Token, Adjustment: a.Adjustment})
			return
		}
	}
	l := o.adjustable(ev.Adjustment.Workflow)
	if l == nil {
		o.say(Adjusted{Token: ev.Token, Refused: "the load of " + ev.Adjustment.Workflow + " is not going on"})
		return
	}
	a := ev.Adjustment
	a.Number = uint64(len(o.state.Adjustments) + 1)
	a.At = ceilSecond(o.at() + adjustLead)
	if refused := cmp.Or(o.pointless(l, a), o.excessive(l, a)); refused != "" {
		o.say(Adjusted{Token: ev.Token, Refused: refused})
		return
	}
	o.state.Adjustments = append(o.state.Adjustments, adjustment{Key: ev.Key, Adjustment: a})
	o.change()
	o.story.adjusted(a)
	for _, l := range slices.Clone(o.state.Legs) { // of several copies all
		if l.workflow() == a.Workflow && l.Stage == running && l.Stop == nil {
			o.readjust(l)
			o.legAdjusted(l, adjustText(a, ev.By))
		}
	}
	o.say(Adjusted{Token: ev.Token, Adjustment: a})
}

// legAdjusted tells the job, and who holds a leg, that its load goes on otherwise.
func (o *course) legAdjusted(l *leg, what string) {
	o.job(job.LegAdjusted{Workflow: l.workflow(), Leg: l.Leg.Leg, Length: l.length(), What: what})
	for _, s := range l.Shares {
		if s.placed() && !s.over() {
			o.tellAdjusted(l, s)
		}
	}
}

// adjustable is the leg of a workflow whose load goes on; nil: there is none.
func (o *adjusting) adjustable(workflow string) *leg {
	for _, l := range o.state.Legs {
		if l.workflow() == workflow && l.Stage == running && l.Stop == nil {
			return l
		}
	}
	return nil
}

// pointless says why an adjustment would change nothing; "": it would.
func (o *adjusting) pointless(l *leg, a hyperscale.Adjustment) string {
	paused := schedule.PausedAt(l.changes, a.At-l.Begin)
	switch {
	case a.At >= l.over():
		return fmt.Sprintf("the load of %s is over before it could count", l.workflow())
	case paused && a.Do == hyperscale.AdjustPause:
		return l.workflow() + " is paused already"
	case !paused && a.Do == hyperscale.AdjustResume:
		return l.workflow() + " is not paused"
	}
	return ""
}

// excessive says why a level is too much for the cores that the workflow holds; "":
// it is not. Up to its own peak the plan says what is asked of them.
func (o *adjusting) excessive(l *leg, a hyperscale.Adjustment) string {
	need, held := place.Level(a), l.cores()
	if !o.cfg.Reckoned || need <= max(held, place.Need(*l.flow)) {
		return ""
	}
	return fmt.Sprintf("%s would need about %s, and it holds %d (%s); submit it again with a plan for that load, or name its cores: --cores",
		l.workflow(), hyperscale.Plural(need, "core"), held, place.Reckoned)
}

// adjustments are all so far.
func (st *state) adjustments() []hyperscale.Adjustment {
	var all []hyperscale.Adjustment
	for _, a := range st.Adjustments {
		all = append(all, a.Adjustment)
	}
	return all
}

// lastOf is the last adjustment of a workflow; nil: there is none.
func (st *state) lastOf(workflow string) *adjustment {
	for i := len(st.Adjustments) - 1; i >= 0; i-- {
		if a := &st.Adjustments[i]; a.Workflow == workflow {
			return a
		}
	}
	return nil
}

// under notes that a window ran under an older adjustment than it was to.
func (o *receiving) under(w *stats.Window) {
	i := slices.IndexFunc(o.state.Adjustments, func(a adjustment) bool {
		return a.Workflow == w.ID.Workflow && a.Number > w.Adjustment && a.At < w.To
	})
	if i < 0 || w.Stretch == stats.InGrace {
		return
	}
	a := &o.state.Adjustments[i]
	if a.Late {
		return
	}
	a.Late = true
	o.note()
	o.story.cause(stats.Cause{
		State: stats.Degraded, Node: w.Watch.Node, From: w.From, To: w.To,
		What: fmt.Sprintf("%s: adjustment %d was heard late; until then the load went on as before", w.ID.Workflow, a.Number),
	})
}

// adjustText is an adjustment in words.
func adjustText(a hyperscale.Adjustment, by string) string {
	text := fmt.Sprintf("%s from %s on", a.Do, hyperscale.FormatDuration(a.At))
	switch a.Do {
	case hyperscale.AdjustRate:
		text = fmt.Sprintf("%v from %s on", a.Rate, hyperscale.FormatDuration(a.At))
	case hyperscale.AdjustVUs:
		text = fmt.Sprintf("%d VUs from %s on", a.VUs, hyperscale.FormatDuration(a.At))
	}
	if by != "" {
		text += ", by " + by
	}
	return text
}
