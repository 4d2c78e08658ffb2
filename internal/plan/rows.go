package plan

import (
	"fmt"
	"strings"

	"hyperscale"
	"hyperscale/internal/schedule"
)

// rowPart holds data sets against the loads that take their rows.
type rowPart struct{ *reader }

// rowsSuffice refuses loads that need more rows than their data sets have.
func (r rowPart) rowsSuffice() {
	if len(r.Faults) > 0 {
		return // the loads may not be what is meant
	}
	for i := range r.plan.Data {
		d := &r.plan.Data[i]
		var readers []*flow
		for _, f := range r.flows {
			if f.sets[d.Name] {
				readers = append(readers, f)
			}
		}
		switch d.Pick {
		case hyperscale.PickUnique:
			r.unique(d, readers)
		case hyperscale.PickByVU:
			r.byVU(d, readers)
		}
	}
}

// noRows notes what is wrong with the rows of a data set, at its key.
func (r rowPart) noRows(d *hyperscale.DataSet, what, expected string) {
	for _, entry := range r.file.Data {
		if entry.Key == d.Name {
			r.Fault(entry.Pos, what, expected)
		}
	}
}

// unique checks a data set whose rows are used once in the whole job.
func (r rowPart) unique(d *hyperscale.DataSet, readers []*flow) {
	if len(readers) > 1 {
		var names []string
		for _, f := range readers {
			names = append(names, f.name)
		}
		r.noRows(d, fmt.Sprintf("the rows of %s would be used more than once: by %s", d.Name, strings.Join(names, " and ")), "a data set for each of these workflows, or another pick")
		return
	}
	for _, f := range readers {
		need, known := schedule.Slots(f.out.Load, hyperscale.NewSource(r.plan.Seed, f.name))
		if known && need > d.Rows {
			r.noRows(d, fmt.Sprintf("%s has %d rows and %s needs %d, each row once", d.Name, d.Rows, f.name, need), "a longer file, a shorter load, or another pick")
		}
	}
}

// byVU checks a data set of which each virtual user has its row.
func (r rowPart) byVU(d *hyperscale.DataSet, readers []*flow) {
	for _, f := range readers {
		if f.out.Load.Kind != hyperscale.LoadClosed {
			r.noRows(d, fmt.Sprintf("%s gives rows to virtual users, and the load of %s is not closed", d.Name, f.name), "a load of virtual users, or another pick")
			continue
		}
		if vus := schedule.NewUsers(f.out.Load).Peak(); vus > d.Rows {
			r.noRows(d, fmt.Sprintf("%s has %d rows and %s has %d virtual users", d.Name, d.Rows, f.name, vus), "a row for each, or another pick")
		}
	}
}
