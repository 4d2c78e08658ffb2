package agent

import "hyperscale/internal/link"

// Figures is what an agent has and keeps, for metrics.
type Figures struct {
	Cores, Free  int
	Holds        [link.Broken + 1]int // by state
	Kept         int                  // windows that wait for their acknowledgement
	KeptBytes    int
	Acknowledged uint64 // windows, since the start
	Draining     bool
	Vitals       link.Vitals
}

// Figures tells what there is now.
func (a *Agent) Figures() Figures {
	f := Figures{Cores: a.m.cfg.Cores, Free: a.m.free(), Acknowledged: a.m.acknowledged, Draining: a.drain.asked, Vitals: a.vitals}
	for _, h := range a.holds {
		f.Holds[h.state]++
		f.Kept += h.out.Len()
		f.KeptBytes += h.out.Bytes()
	}
	return f
}
