package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/stats"
)

// jsonOutput writes the summary.
type jsonOutput struct{ w io.Writer }

func newJSON(w io.Writer, _ *hyperscale.Plan) Output { return jsonOutput{w} }

func (o jsonOutput) Window(*stats.Window) error { return nil }

func (o jsonOutput) Finish(s *Summary, _ *stats.Result) error { return WriteJSON(o.w, s) }

// WriteJSON writes the summary as one indented JSON document.
func WriteJSON(w io.Writer, s *Summary) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

// WindowSchema names the layout of the lines of ndjson.
const WindowSchema = "hyperscale.window/1"

// windowLine is one line of ndjson: what one share of a workflow did in one
// interval, or in a cluster all of its shares. Counts are of this interval alone.
type windowLine struct {
	Schema     string            `json:"schema"`
	Plan       string            `json:"plan"`
	Tags       Tags              `json:"tags"`
	Workflow   string            `json:"workflow"`
	Seq        *uint64           `json:"seq"` // in its share; null for the sum of several shares
	From       float64           `json:"from_s"`
	To         float64           `json:"to_s"`
	Stretch    string            `json:"stretch"` // warmup, load, grace
	Iterations *Iterations       `json:"iterations"`
	InFlight   int64             `json:"in_flight_change"` // iterations started less those ended
	VUSeconds  float64           `json:"vu_seconds"`
	Lateness   Spread            `json:"lateness_ms"`
	Steps      Named[windowStep] `json:"steps"`
	Final      bool              `json:"final"`
}

// windowStep is one step's part of a line.
type windowStep struct {
	Tags     Tags          `json:"tags"` // of its own, beside those of the plan
	Requests Requests      `json:"requests"`
	Rate     Number        `json:"rate_per_s"` // null for less than 0.1 s
	BytesIn  uint64        `json:"bytes_in"`
	BytesOut uint64        `json:"bytes_out"`
	Status   Named[uint64] `json:"status"`
	Errors   Named[uint64] `json:"errors"`
	Response Spread        `json:"response_ms"`
	Service  Spread        `json:"service_ms"`
}

// ndjsonOutput writes a line for each window.
type ndjsonOutput struct {
	e     *json.Encoder
	lines *Lines
}

func newNDJSON(w io.Writer, plan *hyperscale.Plan) Output {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return ndjsonOutput{e, NewLines(plan)}
}

func (o ndjsonOutput) Window(w *stats.Window) error { return o.e.Encode(o.lines.of(w)) }

// Lines makes the JSON objects of schema [WindowSchema] for the windows of one plan.
type Lines struct {
	plan string
	tags Tags
	told told
}

// NewLines makes those of a plan. Of an empty one, which is not known yet, windows are
// told without tags and with all steps.
func NewLines(plan *hyperscale.Plan) *Lines {
	return &Lines{plan.Name, tags(plan.Tags), toldSteps(plan)}
}

// Line is the object of a window.
func (l *Lines) Line(w *stats.Window) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(l.of(w))
	return bytes.TrimSpace(b.Bytes()), err
}

func (l *Lines) of(w *stats.Window) windowLine {
	var seq *uint64
	if w.ID.Seq > 0 {
		seq = &w.ID.Seq
	}
	line := windowLine{
		Schema: WindowSchema, Plan: l.plan, Tags: l.tags, Workflow: w.ID.Workflow, Seq: seq,
		From: seconds(w.From), To: seconds(w.To), Stretch: stretch(w.Stretch),
		Iterations: iterations(w.Slots), VUSeconds: seconds(w.VUTime),
		InFlight: int64(w.Slots.Started) - int64(w.Completed+w.Slots.Failed+w.Interrupted+w.Slots.Lost),
		Lateness: spreadOf(&w.Lateness, DefaultPercents()),
		Final:    w.Final,
	}
	for i := range w.Steps {
		s := &w.Steps[i]
		own, always := l.told[stepName{w.ID.Workflow, s.Name}]
		if always || s.Faulted > 0 || len(l.told) == 0 {
			step := stepLine(w, s)
			step.Tags = own
			line.Steps = append(line.Steps, Entry[windowStep]{s.Name, step})
		}
	}
	return line
}

// stepName names a step of a plan.
type stepName struct{ workflow, step string }

// told are the steps that outputs always have, requests and groups, with their
// own tags.
type told map[stepName]Tags

func toldSteps(p *hyperscale.Plan) told {
	all := make(told)
	for i := range p.Workflows {
		all.add(p.Workflows[i].Name, p.Workflows[i].Steps)
	}
	return all
}

func (t told) add(workflow string, steps []hyperscale.Step) {
	for i := range steps {
		s := &steps[i]
		if s.Kind == hyperscale.StepRequest || s.Kind == hyperscale.StepGroup {
			t[stepName{workflow, s.Name}] = stepTags(s)
		}
		t.add(workflow, s.Steps)
		for _, c := range s.Choices {
			t.add(workflow, c.Steps)
		}
	}
}

func stepLine(w *stats.Window, s *stats.StepSums) windowStep {
	response := s.OKResponse.Clone()
	response.Merge(&s.OtherResponse)
	return windowStep{
		Requests: requests(s.Requests), Rate: rate(w, s), BytesIn: s.BytesIn, BytesOut: s.BytesOut,
		Status: statuses(s.Statuses), Errors: kinds(&s.Errors),
		Response: spreadOf(response, DefaultPercents()), Service: spreadOf(&s.Service, DefaultPercents()),
	}
}

// sliver is what a window must last for its rate to be told: the last one of a
// run can be so short that a few answers make a peak which never was.
const sliver = 100 * time.Millisecond

// rate is the complete answers per second of the window; unknown of a sliver.
func rate(w *stats.Window, s *stats.StepSums) Number {
	span := w.To - w.From
	return knownIf(span >= sliver, float64(s.Answers())/max(span, sliver).Seconds())
}

func stretch(s stats.Stretch) string {
	return [...]string{stats.InLoad: "load", stats.InWarmup: "warmup", stats.InGrace: "grace"}[s]
}

func (o ndjsonOutput) Finish(*Summary, *stats.Result) error { return nil }

// csvHead is the columns of csv. Times are response times; a cell is empty
// where there is nothing to tell, such as the rate of less than 0.1 s. Tags are all in one cell, as name=value;…
func csvHead() []string {
	return []string{"time_s", "workflow", "step", "stretch", "requests", "ok", "failed", "timed_out", "cancelled", "rate_per_s",
		"mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms", "bytes_in", "bytes_out", "tags"}
}

// csvOutput writes a row for each step of each window: the job time at which
// the window ended, its counts, and its response times.
type csvOutput struct {
	w     *csv.Writer
	tags  Tags // of the plan
	told  told
	begun bool
}

func newCSV(w io.Writer, plan *hyperscale.Plan) Output {
	return &csvOutput{w: csv.NewWriter(w), tags: tags(plan.Tags), told: toldSteps(plan)}
}

// joined are the tags of a plan and of its step, which win.
func joined(plan, step Tags) Tags {
	all := slices.Clone(plan)
	for _, t := range step {
		i := slices.IndexFunc(all, func(p Entry[string]) bool { return p.Name == t.Name })
		if i < 0 {
			all = append(all, t)
		} else {
			all[i] = t
		}
	}
	return all
}

// cell puts tags into one cell; a ; or \ of a tag's own stands after a \.
func cell(tags Tags) string {
	plain := strings.NewReplacer(`\`, `\\`, ";", `\;`)
	var parts []string
	for _, t := range tags {
		parts = append(parts, plain.Replace(t.Name)+"="+plain.Replace(t.Value))
	}
	return strings.Join(parts, ";")
}

// begin writes the head, once; csv.Writer keeps errors until Flush.
func (o *csvOutput) begin() {
	if !o.begun {
		_ = o.w.Write(csvHead())
		o.begun = true
	}
}

// write writes a row. A name that a spreadsheet would take for a formula has a ' before
// it, which makes it text there; csv.Writer keeps errors until Flush.
func (o *csvOutput) write(row []string) {
	for _, i := range []int{csvWorkflow, csvStep, len(row) - 1} {
		if row[i] != "" && strings.ContainsRune("=+-@\t\r", rune(row[i][0])) {
			row[i] = "'" + row[i]
		}
	}
	_ = o.w.Write(row)
}

// The columns of names.
const (
	csvWorkflow = 1
	csvStep     = 2
)

func (o *csvOutput) Window(w *stats.Window) error {
	o.begin()
	for i := range w.Steps {
		if s := &w.Steps[i]; s.Started > 0 || s.Ended() > 0 {
			all := joined(o.tags, o.told[stepName{w.ID.Workflow, s.Name}])
			o.write(append(csvRow(w, s), cell(all)))
		}
	}
	o.w.Flush()
	return o.w.Error()
}

// course writes the points of all steps. A point may lie in more than one stretch,
// so that the cell of that is empty.
func (o *csvOutput) course(t *stats.Tally) {
	for _, workflow := range t.Workflows() {
		for _, step := range t.Steps(workflow) {
			all := cell(joined(o.tags, o.told[stepName{workflow, step}]))
			for p := range t.StepCourse(workflow, step) {
				if p.Started == 0 && p.Ended() == 0 {
					continue
				}
				s := &stats.StepSums{Name: step, Requests: p.Requests}
				s.OKResponse.Merge(p.Response)
				w := &stats.Window{ID: stats.WindowID{Workflow: workflow}, Interval: stats.Interval{From: p.From, To: p.To}}
				row := csvRow(w, s)
				row[3] = ""
				o.write(append(row, all))
			}
		}
	}
}

func csvRow(w *stats.Window, s *stats.StepSums) []string {
	line := stepLine(w, s)
	row := []string{decimal(seconds(w.To)), w.ID.Workflow, s.Name, stretch(w.Stretch)}
	for _, n := range []uint64{s.Started, s.OK, s.Failed, s.TimedOut, s.Cancelled} {
		row = append(row, strconv.FormatUint(n, 10))
	}
	row = append(row, number(line.Rate))
	r, has := line.Response, line.Response.Count > 0
	row = append(row, number(knownIf(has, millis(r.Mean))))
	for _, q := range []float64{50, 90, 95, 99} {
		v, ok := r.At(q)
		row = append(row, number(knownIf(ok, millis(v))))
	}
	row = append(row, number(knownIf(has, millis(r.Max))))
	return append(row, strconv.FormatUint(s.BytesIn, 10), strconv.FormatUint(s.BytesOut, 10))
}

func number(n Number) string {
	if !n.Known {
		return ""
	}
	return decimal(n.Value)
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Finish writes, of a job whose windows were not watched, the points of its course
// instead: the seconds, or of a long job several together.
func (o *csvOutput) Finish(_ *Summary, r *stats.Result) error {
	watched := o.begun
	o.begin()
	if !watched && r != nil && r.Tally != nil {
		o.course(r.Tally)
	}
	o.w.Flush()
	return o.w.Error()
}
