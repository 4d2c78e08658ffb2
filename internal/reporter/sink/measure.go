package sink

import (
	"strconv"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/reporter"
	"hyperscale/internal/stats"
)

// label is a name with a value.
type label struct{ name, value string }

// unit is what a measure counts.
type unit string

// The units: requests and the like have none but themselves.
const (
	inOnes    unit = "1"
	inBytes   unit = "By"
	inSeconds unit = "s" // counted in nanoseconds
)

// measure is a figure of one window.
type measure struct {
	name   string // words and dots
	about  string
	unit   unit
	of     string // what is counted, as in "request"; of durations and bytes ""
	labels []label
	count  uint64           // since the window before: a counter
	spread *stats.Histogram // not nil: durations instead
}

// meter collects the measures of windows.
type meter struct {
	list []measure
	at   []label // of all that is added
}

// measuresOf gives the figures of a window. Counters are there though they be 0,
// where it is known before that they can be counted.
func measuresOf(w *stats.Window) []measure {
	m := &meter{at: []label{{"workflow", w.ID.Workflow}}}
	m.count("slots.due", "Iterations that were due by the schedule.", "slot", w.Due)
	m.count("slots.missed", "Iterations that were due and never started.", "slot", w.Missed)
	m.count("iterations.started", "Iterations that began.", "iteration", w.Slots.Started)
	for _, o := range []outcome{
		{"completed", w.Completed}, {"failed", w.Slots.Failed}, {"interrupted", w.Interrupted}, {"lost", w.Slots.Lost},
	} {
		m.count("iterations", "Iterations that ended, by outcome.", "iteration", o.count, label{"outcome", o.name})
	}
	m.add(measure{name: "vu.time", about: "How long virtual users existed, summed.", unit: inSeconds, count: uint64(max(w.VUTime, 0))})
	m.spread("lateness", "How late the generator itself began what was due.", &w.Lateness)
	for i := range w.Steps {
		s := &w.Steps[i]
		m.at = []label{{"workflow", w.ID.Workflow}, {"step", s.Name}}
		switch {
		case s.Group:
			m.group(s)
		default:
			m.step(s)
		}
	}
	return m.list
}

// outcome is how often something ended so.
type outcome struct {
	name  string
	count uint64
}

func outcomes(r stats.Requests) []outcome {
	return []outcome{{"ok", r.OK}, {"failed", r.Failed}, {"timed_out", r.TimedOut}, {"cancelled", r.Cancelled}, {"lost", r.Lost}}
}

func (m *meter) add(x measure, more ...label) {
	x.labels = append(m.at[:len(m.at):len(m.at)], more...)
	m.list = append(m.list, x)
}

func (m *meter) count(name, about, of string, n uint64, more ...label) {
	m.add(measure{name: name, about: about, unit: inOnes, of: of, count: n}, more...)
}

func (m *meter) spread(name, about string, h *stats.Histogram) {
	if h.Count() > 0 {
		m.add(measure{name: name, about: about, unit: inSeconds, spread: h})
	}
}

// group adds the passes of a group, which are no requests.
func (m *meter) group(s *stats.StepSums) {
	for _, o := range outcomes(s.Requests) {
		m.count("groups", "Passes of groups of steps, by outcome.", "pass", o.count, label{"outcome", o.name})
	}
	m.spread("group.duration", "How long a pass of a group took, without its pauses.", responses(s))
}

// step adds the figures of a step, if anything was done of it.
func (m *meter) step(s *stats.StepSums) {
	if s.Requests != (stats.Requests{}) {
		m.count("requests.started", "Requests that were taken in hand.", "request", s.Started)
		for _, o := range outcomes(s.Requests) {
			m.count("requests", "Requests that ended, by outcome.", "request", o.count, label{"outcome", o.name})
		}
		m.add(measure{name: "received", about: "Bytes received, headers included, before TLS.", unit: inBytes, count: s.BytesIn})
		m.add(measure{name: "sent", about: "Bytes sent, headers included, before TLS.", unit: inBytes, count: s.BytesOut})
	}
	for _, c := range s.Statuses {
		m.count("responses", "Complete answers, by status.", "response", c.Count, label{"status", strconv.Itoa(c.Code)})
	}
	for _, k := range s.Errors.List() {
		m.count("request.errors", "Requests that failed or timed out, by kind of error.", "request", k.Count, label{"error", k.Text})
	}
	for _, k := range s.StepErrors.List() {
		m.count("step.errors", "Steps that failed before anything was sent, by kind of error.", "step", k.Count, label{"error", k.Text})
	}
	for _, c := range s.Checks {
		m.count("checks", "Checks of answers, by outcome.", "check", c.Passed, label{"check", c.Name}, label{"outcome", "passed"})
		m.count("checks", "Checks of answers, by outcome.", "check", c.Failed, label{"check", c.Name}, label{"outcome", "failed"})
	}
	m.spread("response", "From when a request was due to its complete answer, or its time limit.", responses(s))
	m.spread("service", "From when a request was begun to its complete answer, or its time limit.", &s.Service)
}

// responses are the response times of all answers of a step.
func responses(s *stats.StepSums) *stats.Histogram {
	h := s.OKResponse.Clone()
	h.Merge(&s.OtherResponse)
	return h
}

// key names the series of a measure.
func (m *measure) key() string {
	var b strings.Builder
	b.WriteString(m.name)
	for _, l := range m.labels {
		b.WriteString("\x00" + l.name + "\x00" + l.value)
	}
	return b.String()
}

// series is a measure of all windows so far.
type series struct {
	measure

	// Of those who say where a series begins.
	begun bool      // that was taken
	from  time.Time // where it does; zero: it was not said yet
}

// totals sums windows up, for systems that are told what came so far. A total grows
// from when this process began to report: one that goes on for another begins at 0
// under its own name.
type totals struct {
	all  map[string]*series
	list []*series // in the order in which they came
	seq  uint64    // the last window in it
	to   hyperscale.JobTime
}

// add takes windows in, each once however often it comes.
func (t *totals) add(batch []reporter.Window) {
	if t.all == nil {
		t.all = map[string]*series{}
	}
	for _, w := range batch {
		if w.Seq <= t.seq {
			continue
		}
		t.seq, t.to = w.Seq, max(t.to, w.To)
		for _, m := range measuresOf(w.Window) {
			t.sum(m)
		}
	}
}

func (t *totals) sum(m measure) {
	key := m.key()
	s := t.all[key]
	if s == nil {
		s = &series{measure: m}
		if s.count = 0; m.spread != nil {
			s.spread = new(stats.Histogram)
		}
		t.all[key], t.list = s, append(t.list, s)
	}
	s.count += m.count
	if m.spread != nil {
		s.spread.Merge(m.spread)
	}
}

// common are the labels that all figures of a job have: which job and plan it is, and
// the plan's tags. A tag that has the name of one of ours, or of another tag, is left
// out under it and comes as tag_NAME; clean makes names as the system wants them.
func common(job *reporter.Job, clean func(string) string, taken ...string) []label {
	list := []label{{"run", string(job.ID)}, {"plan", job.Plan.Name}}
	used := map[string]bool{"": true, "run": true, "plan": true}
	for _, name := range append(taken, "workflow", "step", "outcome", "status", "error", "check") {
		used[name] = true
	}
	for _, tag := range job.Plan.Tags {
		name := clean(tag.Name)
		if used[name] {
			name = "tag_" + name
		}
		if !used[name] {
			used[name] = true
			list = append(list, label{name, tag.Value})
		}
	}
	return list
}
