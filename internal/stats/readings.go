package stats

import "time"

// Readings are what a node's self-watch saw of the generator during a window.
// They are of the node, not of a workflow: of the windows that a node cuts for
// one interval, one carries them and the others the zero value.
type Readings struct {
	Node          string        // "": this machine, in a local run
	Lanes         int           // greatest number at work
	Watched       time.Duration // how long the node was watched
	Saturated     time.Duration // of that: seconds in which some lane never found its event queue empty
	CPU           time.Duration // of the whole process, user and system
	GCPause       time.Duration // sum of the collector's pauses
	GCs           uint64        // number of collections
	RunDelay      time.Duration // sum of what its threads waited for a CPU, ready to run
	ClockStep     time.Duration // greatest jump of the wall clock against the monotonic one, without sign
	RSS           uint64        // bytes; greatest seen
	Descriptors   uint64        // greatest number open
	DescriptorCap uint64        // number allowed; 0: unknown
	Ports         uint64        // greatest number of local ports in use towards one address
	PortCap       uint64        // number there is; 0: unknown
}

// Merge adds what was read of the same node at another time: times and counts
// add up, levels keep the greater.
func (r *Readings) Merge(o Readings) {
	if r.Node == "" {
		r.Node = o.Node
	}
	r.Watched += o.Watched
	r.Saturated += o.Saturated
	r.CPU += o.CPU
	r.GCPause += o.GCPause
	r.GCs += o.GCs
	r.RunDelay += o.RunDelay
	r.Lanes = max(r.Lanes, o.Lanes)
	r.ClockStep = max(r.ClockStep, o.ClockStep)
	r.RSS = max(r.RSS, o.RSS)
	r.Descriptors = max(r.Descriptors, o.Descriptors)
	r.DescriptorCap = max(r.DescriptorCap, o.DescriptorCap)
	r.Ports = max(r.Ports, o.Ports)
	r.PortCap = max(r.PortCap, o.PortCap)
}
