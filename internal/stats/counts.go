package stats

import "time"

// Slots counts the slots and iterations of a workflow. At the end of a run
//
//	Due     = Started + Missed
//	Started = Completed + Failed + Interrupted + Lost
//
// and before it what is missing on the right side is in flight.
type Slots struct {
	Due         uint64 // by the schedule; in a closed load: begun, since a VU's next iteration is due when it is free
	Missed      uint64 // due and never started
	Refused     uint64 // part of Missed: for want of room under max-in-flight, the target's doing
	Started     uint64
	Completed   uint64        // every step ended well
	Failed      uint64        // a step failed
	Interrupted uint64        // cut at the end of the graceful time, or by a stop
	Lost        uint64        // started by a holder that died before it could say how they ended
	VUTime      time.Duration // VU-time delivered: how long virtual users existed, summed
}

// InFlight is how many iterations were started and have not ended.
func (s Slots) InFlight() uint64 {
	return below(s.Started, s.Completed+s.Failed+s.Interrupted+s.Lost)
}

// Requests counts the requests of a step (or, in the sums of a workflow or job,
// of all its steps but groups). At the end of a run
//
//	Started = OK + Failed + TimedOut + Cancelled + Lost
//
// and before it what is missing on the right side is in flight.
type Requests struct {
	Started   uint64 // taken in hand by the engine, before connecting
	OK        uint64
	Failed    uint64
	TimedOut  uint64
	Cancelled uint64 // cut by the end of grace, a stop or an abort
	Lost      uint64
	Skipped   uint64 // the step was passed over; no request
	Faulted   uint64 // the step failed before anything was sent (no value NAME); no request
	BytesIn   uint64 // of HTTP with headers, before TLS
	BytesOut  uint64
}

// InFlight is how many requests were started and have not ended.
func (r Requests) InFlight() uint64 {
	return below(r.Started, r.OK+r.Failed+r.TimedOut+r.Cancelled+r.Lost)
}

// Ended is how many requests came to an end of their own: well, badly or by
// timeout, but not cut and not lost. Shares of errors are shares of these.
func (r Requests) Ended() uint64 { return r.OK + r.Failed + r.TimedOut }

// Errors is how many requests failed or timed out.
func (r Requests) Errors() uint64 { return r.Failed + r.TimedOut }

// below is a − b, or 0 when b is greater.
func below(a, b uint64) uint64 {
	if b >= a {
		return 0
	}
	return a - b
}

// add adds o.
func (s *Slots) add(o Slots) {
	s.Due += o.Due
	s.Missed += o.Missed
	s.Refused += o.Refused
	s.Started += o.Started
	s.Completed += o.Completed
	s.Failed += o.Failed
	s.Interrupted += o.Interrupted
	s.Lost += o.Lost
	s.VUTime += o.VUTime
}

// add adds o.
func (r *Requests) add(o Requests) {
	r.Started += o.Started
	r.OK += o.OK
	r.Failed += o.Failed
	r.TimedOut += o.TimedOut
	r.Cancelled += o.Cancelled
	r.Lost += o.Lost
	r.Skipped += o.Skipped
	r.Faulted += o.Faulted
	r.BytesIn += o.BytesIn
	r.BytesOut += o.BytesOut
}

// Phases are the parts of requests' service times: name known → connected;
// connected → handshake over; request in hand on an open connection → first
// byte of the answer; first byte → last byte. Requests on connections that were
// already open count in the last two only.
type Phases struct {
	Connect, TLS, FirstByte, Transfer Histogram
}

// each gives the four histograms in order.
func (p *Phases) each() [4]*Histogram {
	return [4]*Histogram{&p.Connect, &p.TLS, &p.FirstByte, &p.Transfer}
}

// merge adds o.
func (p *Phases) merge(o *Phases) {
	from := o.each()
	for i, h := range p.each() {
		h.Merge(from[i])
	}
}
