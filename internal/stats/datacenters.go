package stats

import (
	"strings"
	"time"
)

// DatacenterResult is what one datacenter did in a job that gates gave to datacenters.
type DatacenterResult struct {
	Name  string
	Tally *Tally `json:"-"` // of its windows, as [NewTotals]
	// PlannedVU is for each workflow of the plan the VU-time that its slots promised, as
	// in [WorkflowResult].
	PlannedVU []time.Duration
	Verdict   Verdict      // on what it was given alone
	Parts     []HoldResult // by workflow, share and turn
}

// InPlace reports whether a node is a datacenter, or one in it.
func InPlace(node, place string) bool {
	return node == place || strings.HasPrefix(node, place+"/")
}

// Unequal says in words where the counts of parts do not add up to those of the whole;
// none is how it should be. What makes them unequal is no honest account of the whole.
func Unequal(whole *Tally, parts []*Tally) []string {
	var list []string
	for _, name := range whole.Workflows() {
		all := whole.works[name].ledger()
		sum := Ledger{Steps: make([]StepLedger, len(all.Steps))} // of a part in which no step was told of
		for _, t := range parts {
			if w := t.works[name]; w != nil {
				sum.add(&w.warmup)
				sum.add(&w.measured)
			}
		}
		if d := all.differs(&sum); d != "" {
			list = append(list, name+": all datacenters together and the job differ: "+d)
		}
	}
	return list
}

// ledger is the plain counts of all of a workflow.
func (w *work) ledger() Ledger {
	var l Ledger
	l.add(&w.warmup)
	l.add(&w.measured)
	return l
}
