package stats

import (
	"encoding/json"
	"strconv"
)

// The JSON form of a window, one line of the ndjson output: seconds of job time,
// durations in milliseconds, counts as in the summary. Histograms are given as
// figures.
type (
	windowJSON struct {
		Workflow   string         `json:"workflow"`
		Share      shareJSON      `json:"share"`
		Turn       uint64         `json:"turn"`
		Seq        [2]uint64      `json:"seq"` // first and last number within
		From       float64        `json:"from_s"`
		To         float64        `json:"to_s"`
		Stretch    string         `json:"stretch"`
		Final      bool           `json:"final"`
		Iterations iterationsJSON `json:"iterations"`
		VUSeconds  float64        `json:"vu_seconds"`
		Lateness   Figures        `json:"lateness_ms"`
		Phases     phasesJSON     `json:"phases_ms"`
		InFlight   flightJSON     `json:"in_flight"`
		Steps      []stepJSON     `json:"steps"`
		generatorsJSON
	}
	generatorsJSON struct {
		Generator  *readingsJSON  `json:"generator"`
		Generators []readingsJSON `json:"generators,omitempty"` // of a joint: all its nodes
	}
	shareJSON struct {
		Lo int64 `json:"lo"`
		Hi int64 `json:"hi"`
		Of int64 `json:"of"`
	}
	flightJSON struct {
		Iterations uint64 `json:"iterations"`
		Requests   uint64 `json:"requests"`
	}
	iterationsJSON struct {
		Due         uint64 `json:"due"`
		Missed      uint64 `json:"missed"`
		Refused     uint64 `json:"refused"`
		Started     uint64 `json:"started"`
		Completed   uint64 `json:"completed"`
		Failed      uint64 `json:"failed"`
		Interrupted uint64 `json:"interrupted"`
		Lost        uint64 `json:"lost"`
	}
	requestsJSON struct {
		Started   uint64 `json:"started"`
		OK        uint64 `json:"ok"`
		Failed    uint64 `json:"failed"`
		TimedOut  uint64 `json:"timed_out"`
		Cancelled uint64 `json:"cancelled"`
		Lost      uint64 `json:"lost"`
	}
	phasesJSON struct {
		Connect   Figures `json:"connect"`
		TLS       Figures `json:"tls"`
		FirstByte Figures `json:"first_byte"`
		Transfer  Figures `json:"transfer"`
	}
	checkJSON struct {
		Passed uint64 `json:"passed"`
		Failed uint64 `json:"failed"`
	}
	stepJSON struct {
		Name     string               `json:"name"`
		Group    bool                 `json:"group,omitempty"`
		Requests requestsJSON         `json:"requests"`
		Skipped  uint64               `json:"skipped"`
		Faulted  uint64               `json:"faulted"`
		BytesIn  uint64               `json:"bytes_in"`
		BytesOut uint64               `json:"bytes_out"`
		Status   map[string]uint64    `json:"status"`
		Errors   map[string]uint64    `json:"errors"`
		Samples  map[string]string    `json:"error_samples"`
		Checks   map[string]checkJSON `json:"checks"`
		Response Figures              `json:"response_ms"`
		Service  Figures              `json:"service_ms"`
		OKTimes  Figures              `json:"ok_ms"`
	}
	readingsJSON struct {
		Node        string  `json:"node"`
		Lanes       int     `json:"lanes"`
		Saturated   float64 `json:"saturated_s"`
		CPU         float64 `json:"cpu_s"`
		GCPause     float64 `json:"gc_pause_ms"`
		RunDelay    float64 `json:"run_delay_ms"`
		ClockStep   float64 `json:"clock_step_ms"`
		RSS         uint64  `json:"rss_bytes"`
		Descriptors uint64  `json:"descriptors"`
		Ports       uint64  `json:"ports"`
	}
)

// String is the stretch as shown.
func (s Stretch) String() string { return [...]string{"load", "warmup", "grace"}[s] }

// MarshalJSON gives the window as one line of the ndjson output.
func (w *Window) MarshalJSON() ([]byte, error) {
	s := w.ID.Share
	j := windowJSON{
		Workflow: w.ID.Workflow, Share: shareJSON{s.Lo, s.Hi, s.Of}, Turn: uint64(s.Turn),
		Seq: [2]uint64{w.ID.First, w.ID.Seq}, Final: w.Final,
		From: w.From.Seconds(), To: w.To.Seconds(), Stretch: w.Stretch.String(),
		Iterations: iterationsJSON{w.Due, w.Missed, w.Refused, w.Slots.Started, w.Completed,
			w.Slots.Failed, w.Interrupted, w.Slots.Lost},
		VUSeconds: w.VUTime.Seconds(), Lateness: FiguresOf(&w.Lateness),
		Phases:   phasesJSON{FiguresOf(&w.Connect), FiguresOf(&w.TLS), FiguresOf(&w.FirstByte), FiguresOf(&w.Transfer)},
		InFlight: flightJSON(w.InFlight),
		Steps:    make([]stepJSON, len(w.Steps)),
	}
	for i := range w.Steps {
		j.Steps[i] = w.Steps[i].json()
	}
	if w.Watch != (Readings{}) {
		j.Generator = w.Watch.json()
	}
	if w.joint != nil {
		for _, r := range w.Readings() {
			j.Generators = append(j.Generators, *r.json())
		}
	}
	return json.Marshal(j)
}

// json is the step's part of a window's JSON form.
func (s *StepSums) json() stepJSON {
	var response Histogram
	response.Merge(&s.OKResponse)
	response.Merge(&s.OtherResponse)
	j := stepJSON{
		Name: s.Name, Group: s.Group,
		Requests: requestsJSON{s.Started, s.OK, s.Failed, s.TimedOut, s.Cancelled, s.Lost},
		Skipped:  s.Skipped, Faulted: s.Faulted, BytesIn: s.BytesIn, BytesOut: s.BytesOut,
		Status: map[string]uint64{}, Errors: map[string]uint64{}, Samples: map[string]string{},
		Checks:   map[string]checkJSON{},
		Response: FiguresOf(&response), Service: FiguresOf(&s.Service), OKTimes: FiguresOf(&s.OKResponse),
	}
	for _, c := range s.Statuses {
		j.Status[strconv.Itoa(c.Code)] = c.Count
	}
	for _, k := range s.Errors.List() {
		j.Errors[k.Text] = k.Count
		if k.Sample != "" {
			j.Samples[k.Text] = k.Sample
		}
	}
	for _, c := range s.Checks {
		j.Checks[c.Name] = checkJSON{c.Passed, c.Failed}
	}
	return j
}

// json is the readings' JSON form.
func (r *Readings) json() *readingsJSON {
	return &readingsJSON{r.Node, r.Lanes, r.Saturated.Seconds(), r.CPU.Seconds(), *ms(r.GCPause),
		*ms(r.RunDelay), *ms(r.ClockStep), r.RSS, r.Descriptors, r.Ports}
}
