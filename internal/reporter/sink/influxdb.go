package sink

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/influxdata/line-protocol/v2/lineprotocol"

	"hyperscale/internal/reporter"
	"hyperscale/internal/stats"
)

// influxdb writes a point for each step of each window, and one for its workflow.
// A point sent again replaces itself: it has the same time and tags.
type influxdb struct {
	post   *poster
	job    *reporter.Job
	common []label
}

func checkInfluxDB(address string) error {
	_, _, err := parseInfluxDB(address)
	return err
}

// parseInfluxDB gives where to write: of version 1 to a database, of 2 and 3 to a
// bucket of an organisation. v1 says which.
func parseInfluxDB(address string) (at *url.URL, v1 bool, err error) {
	u, err := parseURL("influxdb", address, "", "http", "https")
	if err != nil {
		return nil, false, err
	}
	q := u.Query()
	for _, name := range []string{"u", "p", "token"} {
		if q.Has(name) {
			return nil, false, fmt.Errorf("its address holds a secret, %s=…, which others can see; set HYPERSCALE_INFLUXDB_TOKEN, or _USER and _PASSWORD", name)
		}
	}
	switch {
	case q.Get("db") != "" && !q.Has("bucket"):
		v1 = true
		u.Path = strings.TrimSuffix(u.Path, "/") + "/write"
	case q.Get("bucket") != "" && !q.Has("db"):
		u.Path = strings.TrimSuffix(u.Path, "/") + "/api/v2/write"
	default:
		return nil, false, errors.New("its address names neither a database (?db=NAME) nor a bucket (?org=NAME&bucket=NAME)")
	}
	q.Set("precision", "ns")
	if v1 {
		q.Set("precision", "n")
	}
	u.RawQuery = q.Encode()
	return u, v1, nil
}

func openInfluxDB(ctx context.Context, address string, job *reporter.Job, secret Secrets) (reporter.Reporter, error) {
	at, v1, err := parseInfluxDB(address)
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	c, err := loginOf(secret, "influxdb")
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	i := &influxdb{post: newPoster(at, c, "Token", job.Version), job: job, common: common(job, influxName)}
	i.post.hint = func(status int) string {
		switch {
		case status == http.StatusUnauthorized || status == http.StatusForbidden:
			return "set HYPERSCALE_INFLUXDB_TOKEN, or _USER and _PASSWORD"
		case status == http.StatusNotFound && v1:
			return "does the database exist? CREATE DATABASE makes it"
		case status == http.StatusNotFound:
			return "do the organisation and the bucket exist?"
		}
		return ""
	}
	if job.ID == "" { // it has no name yet that could be written
		err = i.post.unreached(reach(ctx, at))
	} else {
		err = i.write(ctx, i.begun())
	}
	if err != nil {
		i.post.close()
		return nil, err
	}
	return i, nil
}

// begun is the first point: a run is about to begin. It shows at once if points are
// taken.
func (i *influxdb) begun() *point {
	return i.point("hyperscale_run", time.Now(), nil, field{"begun", int64(1)})
}

// influxName makes a name one of a tag: "time" is not to be had, nor what begins
// with _.
func influxName(name string) string {
	if name == "time" || strings.HasPrefix(name, "_") {
		return "tag_" + name
	}
	return clean(name)
}

// field is a value of a point.
type field struct {
	name  string
	value any // int64, float64, bool or string
}

// point is one line.
type point struct {
	name   string
	tags   []label
	fields []field
	at     time.Time
}

func (i *influxdb) point(name string, at time.Time, tags []label, fields ...field) *point {
	return &point{name, append(i.common[:len(i.common):len(i.common)], tags...), fields, at}
}

// Windows implements [reporter.Reporter].
func (i *influxdb) Windows(ctx context.Context, batch []reporter.Window) error {
	var list []*point
	for _, w := range batch {
		// Points of one series are told apart by their time alone, and two windows may
		// end together.
		at := i.job.At(w.To).Add(time.Duration(w.Seq % 1_000_000))
		tags := []label{{"workflow", w.ID.Workflow}}
		list = append(list, i.point("hyperscale_workflow", at, tags, workflowFields(w.Window)...))
		for s := range w.Steps {
			step := &w.Steps[s]
			if step.Requests == (stats.Requests{}) {
				continue
			}
			name := "hyperscale_step"
			if step.Group {
				name = "hyperscale_group"
			}
			list = append(list, i.point(name, at, append(tags[:1:1], label{"step", step.Name}), stepFields(step)...))
			for _, status := range step.Statuses {
				list = append(list, i.point("hyperscale_responses", at,
					append(tags[:1:1], label{"step", step.Name}, label{"status", fmt.Sprint(status.Code)}), field{"count", int64(status.Count)}))
			}
			for _, kind := range step.Errors.List() {
				list = append(list, i.point("hyperscale_errors", at,
					append(tags[:1:1], label{"step", step.Name}, label{"error", kind.Text}), field{"count", int64(kind.Count)}))
			}
		}
	}
	return i.write(ctx, list...)
}

func workflowFields(w *stats.Window) []field {
	s := w.Slots
	list := []field{
		{"due", int64(s.Due)}, {"missed", int64(s.Missed)}, {"started", int64(s.Started)}, {"completed", int64(s.Completed)},
		{"failed", int64(s.Failed)}, {"interrupted", int64(s.Interrupted)}, {"lost", int64(s.Lost)},
		{"vu_s", s.VUTime.Seconds()},
	}
	return append(list, spreadFields("lateness", &w.Lateness)...)
}

func stepFields(s *stats.StepSums) []field {
	list := []field{
		{"started", int64(s.Started)}, {"ok", int64(s.OK)}, {"failed", int64(s.Failed)}, {"timed_out", int64(s.TimedOut)},
		{"cancelled", int64(s.Cancelled)}, {"lost", int64(s.Lost)}, {"skipped", int64(s.Skipped)}, {"faulted", int64(s.Faulted)},
		{"bytes_in", int64(s.BytesIn)}, {"bytes_out", int64(s.BytesOut)},
	}
	list = append(list, spreadFields("response", responses(s))...)
	return append(list, spreadFields("service", &s.Service)...)
}

// spreadFields are the durations of one window: count, sum, least and greatest, from
// which those of many windows follow exactly, and percentiles of this window alone,
// of which no others follow.
func spreadFields(name string, h *stats.Histogram) []field {
	if h.Count() == 0 {
		return nil
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return []field{
		{name + "_count", int64(h.Count())}, {name + "_sum_ms", ms(h.Sum())}, {name + "_min_ms", ms(h.Min())}, {name + "_max_ms", ms(h.Max())},
		{name + "_p50_ms", ms(h.Quantile(50))}, {name + "_p90_ms", ms(h.Quantile(90))}, {name + "_p95_ms", ms(h.Quantile(95))},
		{name + "_p99_ms", ms(h.Quantile(99))}, {name + "_p99_9_ms", ms(h.Quantile(99.9))},
	}
}

// Result implements [reporter.Reporter].
func (i *influxdb) Result(ctx context.Context, r *reporter.Result) error {
	s := r.Summary
	fields := []field{
		{"passed", s.Passed}, {"exit_code", int64(s.ExitCode)}, {"phase", s.Phase}, {"verdict", string(s.Verdict.State)},
		{"requests", int64(s.Totals.Requests.Started)}, {"windows_missing", int64(r.Missing)},
	}
	if s.Elapsed.Known {
		fields = append(fields, field{"elapsed_s", s.Elapsed.Value})
	}
	at := s.Ended()
	return i.write(ctx, i.point("hyperscale_run", at, nil, fields...))
}

// Close implements [reporter.Reporter].
func (i *influxdb) Close() error { i.post.close(); return nil }

func (i *influxdb) write(ctx context.Context, list ...*point) error {
	var e lineprotocol.Encoder
	e.SetPrecision(lineprotocol.Nanosecond)
	for _, p := range list {
		p.encode(&e)
	}
	if err := e.Err(); err != nil {
		return reporter.Refused("line protocol: %w", err)
	}
	_, err := i.post.post(ctx, e.Bytes(), map[string]string{"Content-Type": "text/plain; charset=utf-8"})
	return err
}

func (p *point) encode(e *lineprotocol.Encoder) {
	e.StartLine(p.name)
	tags := slices.Clone(p.tags)
	for _, t := range sortLabels(tags) {
		if t.value != "" {
			e.AddTag(lineText(t.name), lineText(t.value))
		}
	}
	for _, f := range p.fields {
		if text, is := f.value.(string); is {
			f.value = clean(text)
		}
		v, ok := lineprotocol.NewValue(f.value)
		if !ok {
			continue // a number that no line can hold
		}
		e.AddField(f.name, v)
	}
	e.EndLine(p.at)
}

// lineText is a name or value of a tag as line protocol can have it: not with a \ at
// its end, which would escape what follows, nor with what ends a line.
func lineText(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, clean(text))
	if strings.HasSuffix(text, `\`) {
		text += "_"
	}
	return text
}
