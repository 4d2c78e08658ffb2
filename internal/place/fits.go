package place

import (
	"errors"
	"fmt"

	"hyperscale/internal/link"
)

// ErrTooMuch is what [Placer.Fits] says of wants that the datacenter could not
// hold if it were empty.
var ErrTooMuch = errors.New("more than the datacenter can hold")

// Fits checks, before a job is accepted, that each of its wants could be granted
// if nothing else ran on the workers that are there now and do not drain. The
// error is [ErrTooMuch] with the numbers.
func (p *Placer) Fits(wants ...link.Want) error {
	all, workers := p.Cores()
	for _, w := range wants {
		if need := least(w); need > all {
			return fmt.Errorf("%w: %s for %s, and its workers, %d, have %s", ErrTooMuch, asks(w), cores(need), workers, cores(all))
		}
	}
	return nil
}

// Cores is the number of cores that could be given if nothing ran, and of the
// workers that have them: what [Estimate] asks for.
func (p *Placer) Cores() (cores, workers int) {
	for _, w := range p.workers {
		if !w.draining {
			cores += w.cores
			workers++
		}
	}
	return cores, workers
}

// asks names who asks.
func asks(w link.Want) string {
	if len(w.Workflows) == 1 {
		return "workflow " + w.Workflows[0].Workflow + " asks"
	}
	return fmt.Sprintf("%d workflows that start together ask", len(w.Workflows))
}
