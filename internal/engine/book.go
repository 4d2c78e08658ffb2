package engine

import (
	"hyperscale/internal/session"
	"hyperscale/internal/stats"
)

// book records how a request ended: the counts, and the times if it was
// answered or timed out.
func book(rec *stats.Record, f *flight, e *session.Effect) {
	st := &rec.Steps[e.Step]
	st.BytesIn += uint64(f.BytesIn)
	st.BytesOut += uint64(f.BytesOut)
	bookPhases(rec, f)
	answered := f.Fault == 0
	switch e.Outcome {
	case session.Cancelled:
		st.Cancelled++
		return
	case session.OK:
		st.OK++
	case session.TimedOut:
		st.TimedOut++
	default:
		st.Failed++
	}
	if answered {
		st.Status(f.Answer.Status)
	}
	if answered || e.Outcome == session.TimedOut {
		st.Answered(e.Outcome == session.OK, f.Answer.End-f.due, f.Answer.End-f.Answer.Start)
	}
	if e.Outcome != session.OK {
		st.Fault(uint32(e.Fault), e.Text)
	}
	for i, passed := range e.Checks {
		st.Check(i, passed)
	}
}

func bookPhases(rec *stats.Record, f *flight) {
	p := &f.Phases
	if p.Connect >= 0 {
		rec.Connect.Record(p.Connect)
	}
	if p.TLS >= 0 {
		rec.TLS.Record(p.TLS)
	}
	if p.FirstByte >= 0 {
		rec.FirstByte.Record(p.FirstByte)
	}
	if p.Transfer >= 0 {
		rec.Transfer.Record(p.Transfer)
	}
}

// listed books a pass of a group, which is counted like a step.
func listed(st *stats.StepRecord, e *session.Effect) {
	st.Started++
	ok := e.Outcome == session.OK
	if ok {
		st.OK++
	} else {
		st.Failed++
	}
	st.Answered(ok, e.At, e.At)
}
