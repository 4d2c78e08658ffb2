package account

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/schedule"
	"hyperscale/internal/stats"
)

// places are the accounts of all datacenters, by name.
type places struct {
	list  []*place
	flows int // how many workflows the plan has
}

// place is the account of one datacenter, of a job that gates gave to datacenters. It
// is totals alone, so that many datacenters cost little beside the job's own course.
type place struct {
	name  string
	tally *stats.Tally
	flows []promise // in the plan's order
}

// promise is what the slots of a workflow in one place promised so far.
type promise struct{ Planned, Waived time.Duration } // as in flow

// of is that of a name, made if there is none.
func (a *places) of(name string) *place {
	i, found := slices.BinarySearchFunc(a.list, name, func(p *place, name string) int { return cmp.Compare(p.name, name) })
	if !found {
		a.list = slices.Insert(a.list, i, &place{name: name, tally: stats.NewTotals(), flows: make([]promise, a.flows)})
	}
	return a.list[i]
}

// Part is what a place had of a leg.
type Part struct {
	Place  string
	Share  hyperscale.Share
	Until  hyperscale.JobTime // when its load ended there, or others went on with its slots
	Waived time.Duration
}

// promised books what the parts of a leg promised, each in its place: of the workflow of
// that number in the plan.
func (a *places) promised(workflow int, l Leg, changes []schedule.Change) {
	for _, part := range l.Parts {
		p := &a.of(part.Place).flows[workflow]
		p.Planned += plannedVU(l, part.Share, part.Until, changes)
		p.Waived += part.Waived
	}
}

// results are those of all places. Facts and causes are of the whole job.
func (a *places) results(facts []stats.LoadFacts, causes []stats.Cause) []stats.DatacenterResult {
	var list []stats.DatacenterResult
	for _, p := range a.list {
		r := stats.DatacenterResult{Name: p.name, Tally: p.tally}
		own := slices.Clone(facts)
		for i := range own {
			own[i].PlannedVU = p.flows[i].Planned - p.flows[i].Waived
			r.PlannedVU = append(r.PlannedVU, p.flows[i].Planned)
		}
		r.Verdict = stats.Judge(p.tally, own, p.causes(causes), stats.Limits{})
		list = append(list, r)
	}
	return list
}

// causes are those that are of this place.
func (p *place) causes(all []stats.Cause) []stats.Cause {
	return slices.DeleteFunc(slices.Clone(all), func(c stats.Cause) bool { return !stats.InPlace(c.Node, p.name) })
}

// addUp gives the causes that places together are not the whole; none is how it should be.
func (a *places) addUp(whole *stats.Tally) []stats.Cause {
	if len(a.list) == 0 {
		return nil
	}
	var parts []*stats.Tally
	for _, p := range a.list {
		parts = append(parts, p.tally)
	}
	var causes []stats.Cause
	for _, what := range stats.Unequal(whole, parts) {
		causes = append(causes, stats.Cause{State: stats.Invalid, What: "identity broken: " + what})
	}
	return causes
}

// writtenPlace is the account of a place as it is written down.
type writtenPlace struct {
	Name   string
	Totals []byte
	Flows  []promise
}

// written is how places are written down.
func (a *places) written() []writtenPlace {
	var list []writtenPlace
	for _, p := range a.list {
		list = append(list, writtenPlace{p.name, p.tally.AppendBinary(nil), p.flows})
	}
	return list
}

// read takes over what was written down.
func (a *places) read(list []writtenPlace) error {
	for _, w := range list {
		p := a.of(w.Name)
		if len(w.Flows) != len(p.flows) {
			return fmt.Errorf("datacenter %s is of %d workflows, not of %d", w.Name, len(w.Flows), len(p.flows))
		}
		var err error
		if p.tally, err = stats.DecodeTotals(w.Totals); err != nil {
			return err
		}
		p.flows = w.Flows
	}
	return nil
}
