package owner

import (
	"maps"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// JobEnded is the last event of every job.
const JobEnded = "job ended"

// Elapsed is the job time that was last told.
func (o *Owner) Elapsed() hyperscale.JobTime { return o.clock.last }

// Begun reports whether the job has begun and is not over.
func (o *Owner) Begun() bool { return o.state.Start != 0 && o.over == nil }

// Standing is where one workflow stands.
type Standing struct {
	Name  string
	Phase hyperscale.Phase
	Done  float64      // 0 … 1
	Cores int          // that hold a share of it now
	Waits link.Waiting // for cores; zero: it does not
	Counts
}

// Counts are the plain numbers of a job or a workflow so far.
type Counts struct {
	Slots    stats.Slots
	Requests stats.Requests
}

// CountsOf are the counts of a workflow, or with "" of the whole job.
func CountsOf(t *stats.Tally, workflow string) Counts {
	all := t.Job()
	if workflow != "" {
		all = t.Workflow(workflow)
	}
	return Counts{Slots: all.Slots, Requests: all.Requests}
}

// Counts are those of the whole job.
func (o *Owner) Counts() Counts { return CountsOf(o.story.account.Tally, "") }

// Standing is where the workflows stand, in the plan's order.
func (o *Owner) Standing() []Standing {
	var list []Standing
	for _, w := range o.story.standing() {
		s := Standing{Name: w.Name, Phase: w.Phase, Done: w.Done, Counts: CountsOf(o.story.account.Tally, w.Name)}
		for _, l := range o.state.Legs {
			if l.workflow() != w.Name {
				continue
			}
			if !l.begun() && s.Phase == hyperscale.Running {
				s.Phase = hyperscale.Waiting // for cores, or for those who make ready
			}
			if l.waits() {
				s.Waits = o.placing.queue[l.Want].Waiting
			} else {
				s.Waits.Why = o.placing.barred(l)
			}
			s.Cores += l.cores()
		}
		list = append(list, s)
	}
	return list
}

// cores is how many cores hold a share of a leg now.
func (l *leg) cores() int {
	n := 0
	for _, s := range l.Shares {
		if s.placed() && !s.over() {
			n += s.Cores
		}
	}
	return n
}

// Mark is the number of the last window of a turn that was counted, or kept apart
// as stray: up to there all may be acknowledged. 0: none.
func (o *Owner) Mark(h link.Hold) uint64 { return o.marks().Mark(h.Workflow, h.Share) }

// Unknown says of which lost holders it is not known yet what they did, and since
// when, so that nobody takes the counts for all that came about; "": of none.
func (o *Owner) Unknown() string {
	since, nodes := map[hyperscale.NodeID]hyperscale.JobTime{}, []string{}
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			if x.Closed {
				continue
			}
			node := x.Holder.Node
			if at, known := since[node]; !known || x.Heard < at {
				since[node] = x.Heard
			}
		}
	}
	for _, node := range slices.Sorted(maps.Keys(since)) {
		nodes = append(nodes, string(node)+" since "+hyperscale.FormatDuration(since[node].Truncate(time.Second)))
	}
	if len(nodes) == 0 || o.over != nil {
		return ""
	}
	return "not in these counts yet: what was lost or missed on " + strings.Join(nodes, ", ")
}
