package stats

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// testLayout is a workflow with two steps and a group.
func testLayout() *Layout {
	return &Layout{
		Workflow: "browse",
		Steps: []StepLayout{
			{Name: "home", Checks: []string{"home: status", "home: time"}},
			{Name: "visit", Group: true},
			{Name: "order", Checks: []string{"order: status"}},
		},
		FaultName: faultName,
	}
}

// faultName gives kinds with and without arguments.
func faultName(f uint32) string {
	switch {
	case f < 5:
		return [...]string{"connection refused", "timeout", "tls", "closed before answer", "connection reset"}[f]
	case f < 500:
		return fmt.Sprintf("status %d", f)
	}
	return fmt.Sprintf("check home: %d", f)
}

// happening is one thing that a lane records. It is a whole slot: what it did
// is told by kind.
type happening struct {
	kind           int // 0 ok, 1 failed with answer, 2 failed without, 3 timed out, 4 cancelled, 5 missed, 6 faulted, 7 skipped, 8 group
	response, late time.Duration
	status         int
	fault          uint32
}

// anyHappening draws one.
func anyHappening() *rapid.Generator[happening] {
	return rapid.Custom(func(t *rapid.T) happening {
		return happening{
			kind:     rapid.IntRange(0, 8).Draw(t, "kind"),
			response: anyDuration().Draw(t, "response"),
			late:     anyDuration().Draw(t, "late"),
			status:   rapid.IntRange(-5, 1100).Draw(t, "status"),
			fault:    uint32(rapid.IntRange(0, 700).Draw(t, "fault")),
		}
	})
}

// record counts a happening as a lane would, so that all identities hold.
func (h happening) record(r *Record) {
	r.Due++
	if h.kind == 5 {
		r.Missed++
		return
	}
	r.Slots.Started++
	r.Completed++
	r.VUTime += h.response
	r.Lateness.Record(h.late)
	if h.kind < 5 {
		r.FirstByte.Record(h.response / 2)
		r.Steps[0].Requests.Started++
	}
	h.step(r)
}

// step counts the part of a happening that is a step's.
func (h happening) step(r *Record) {
	s := &r.Steps[0]
	sample := fmt.Sprint("sample ", h.response)
	switch h.kind {
	case 0:
		s.OK++
		s.Status(h.status)
		s.Check(0, true)
		s.Check(1, true)
		s.Answered(true, h.response+h.late, h.response)
		s.BytesIn += 100
	case 1:
		s.Requests.Failed++
		s.Status(h.status)
		s.Check(0, false)
		s.Check(1, true)
		s.Fault(h.fault, "")
		s.Answered(false, h.response+h.late, h.response)
	case 2:
		s.Requests.Failed++
		s.Fault(h.fault, sample)
	case 3:
		s.TimedOut++
		s.Fault(1, sample)
		s.Answered(false, h.response+h.late, h.response)
	case 4:
		s.Cancelled++
	case 6:
		r.Steps[2].Faulted++
		r.Steps[2].StepFault(h.fault, sample)
	case 7:
		r.Steps[2].Skipped++
	case 8:
		g := &r.Steps[1]
		g.Requests.Started++
		g.OK++
		g.Answered(true, h.response, h.response)
	}
}

// sumBytes are sums' canonical bytes.
func sumBytes(s *Sums) string { return string(s.append(nil)) }

// share is part i of n of a workflow's slots, under turn 1.
func share1(i, n int64) hyperscale.Share {
	return hyperscale.Share{Lo: i, Hi: i + 1, Of: n, Turn: 1}
}

// second is the interval of the i-th second of job time.
func second(i int) Interval {
	return Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second}
}

// passOn sends a window through its encoding.
func passOn(t interface{ Fatal(...any) }, w *Window) *Window {
	got, err := DecodeWindow(w.AppendBinary(nil))
	if err != nil {
		t.Fatal(err)
	}
	return got
}
