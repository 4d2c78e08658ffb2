package account

import (
	"fmt"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/schedule"
	"hyperscale/internal/stats"
)

// probed judges a probe that has ended: whether the condition held, and whether
// the generator drove it.
func (f *flow) probed(l Leg) job.Verdict {
	sel := f.probe.Workflow(f.Name)
	broken := unmet(f.Load.Search.While, &sel.Sample)
	if n := sel.Refused; n > 0 {
		broken = append(broken, fmt.Sprintf("%d arrivals found no room under max-in-flight", n))
	}
	driven := stats.Limits{}.Grade(&sel.Sample) != stats.Invalid
	cause := strings.Join(broken, "; ")
	if !driven {
		cause = "the generator could not drive it"
	}
	f.probes = append(f.probes, stats.Probe{
		Rate: schedule.Peak(l.Load).Float(), From: l.Begin, To: l.End, Met: len(broken) == 0 && driven, Cause: cause,
		Response: stats.QuantilesOf(&sel.Sample.Response), Errors: sel.Sample.ErrorShare(),
	})
	return job.Verdict{Held: len(broken) == 0, Driven: driven}
}

// unmet gives the conditions that do not hold, with their values.
func unmet(conditions []hyperscale.Threshold, sample *stats.Sample) []string {
	var broken []string
	for i := range conditions {
		th := &conditions[i]
		value, ok := sample.Value(th)
		switch {
		case !ok:
			broken = append(broken, th.Text+": no sample")
		case !stats.Holds(th, value):
			broken = append(broken, fmt.Sprintf("%s does not hold", th.Text))
		}
	}
	return broken
}

// plannedVU is the VU-time that a share of a closed load promised until then.
func plannedVU(l Leg, share hyperscale.Share, until hyperscale.JobTime, changes []schedule.Change) time.Duration {
	if l.Load.Kind != hyperscale.LoadClosed {
		return 0
	}
	share.From = max(share.From-l.Begin, 0)
	return schedule.NewUsers(l.Load, changes...).Planned(share, until-l.Begin)
}
