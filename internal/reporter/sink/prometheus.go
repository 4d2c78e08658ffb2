package sink

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/snappy"

	"hyperscale/internal/reporter"
	"hyperscale/internal/stats"
)

// prometheus sends totals by remote write 1.0, which all that speak remote write take,
// and durations in it as native histograms.
type prometheus struct {
	post   *poster
	job    *reporter.Job
	common []label
	totals totals
	last   time.Time // of the samples that were sent last; zero: none
}

func checkPrometheus(address string) error {
	_, err := parseURL("prometheus", address, "/api/v1/write", "http", "https")
	return err
}

func openPrometheus(ctx context.Context, address string, job *reporter.Job, secret Secrets) (reporter.Reporter, error) {
	at, err := parseURL("prometheus", address, "/api/v1/write", "http", "https")
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	c, err := loginOf(secret, "prometheus")
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	p := &prometheus{post: newPoster(at, c, "Bearer", job.Version), job: job}
	p.post.hint = func(status int) string {
		switch status {
		case http.StatusUnauthorized, http.StatusForbidden:
			return "set HYPERSCALE_PROMETHEUS_TOKEN, or _USER and _PASSWORD"
		case http.StatusNotFound:
			return "Prometheus takes remote write with --web.enable-remote-write-receiver"
		}
		return ""
	}
	p.common = append(common(job, promName, "job", "instance", "le", "__name__"), label{"job", "hyperscale"}, label{"instance", string(job.Node)})
	if err := p.write(ctx, &writeRequest{}); err != nil {
		p.post.close()
		return nil, err
	}
	return p, nil
}

// Windows implements [reporter.Reporter].
func (p *prometheus) Windows(ctx context.Context, batch []reporter.Window) error {
	p.totals.add(batch)
	if err := p.begin(ctx, p.job.At(batch[0].From)); err != nil {
		return err
	}
	at := p.next()
	var req writeRequest
	for _, s := range p.totals.list {
		req.add(p.labels(s), p.sample(s, false), at)
		req.describe(promFamily(&s.measure), s.spread != nil, s.about, promUnit(s.unit))
	}
	return p.write(ctx, &req)
}

// begin lets series begin at 0, in the time before what they counted first: else rate
// and increase, which see only what is added to a first sample, would not count that.
// It is a request of its own, for it may come twice only as long as nothing newer did.
func (p *prometheus) begin(ctx context.Context, first time.Time) error {
	var req writeRequest
	for _, s := range p.totals.list {
		if s.begun {
			continue
		}
		if s.from.IsZero() {
			s.from = p.last
		}
		if s.from.IsZero() {
			s.from = first
		}
		req.add(p.labels(s), p.sample(s, true), s.from)
	}
	if len(req.series) == 0 {
		return nil
	}
	if err := p.write(ctx, &req); err != nil {
		return err
	}
	for _, s := range p.totals.list {
		s.begun = true
	}
	return nil
}

// next is the time of the next samples: when the newest window ended, or after what
// was sent last: a window may come late, and of an attempt that failed nobody knows
// what arrived.
func (p *prometheus) next() time.Time {
	at := p.job.At(p.totals.to)
	if !at.After(p.last) {
		at = p.last.Add(time.Millisecond)
	}
	p.last = at
	return at
}

// Result implements [reporter.Reporter].
func (p *prometheus) Result(ctx context.Context, r *reporter.Result) error {
	var req writeRequest
	at := p.next()
	gauge := func(name, about string, value float64, more ...label) {
		req.add(p.sorted(name, more), sample{value: value}, at)
		req.metadata = append(req.metadata, meaning{name: name, about: about, kind: typeGauge})
	}
	s := r.Summary
	gauge("hyperscale_run_passed", "1: every threshold passed.", truth(s.Passed))
	gauge("hyperscale_run_exit_code", "The exit code that the run ends with.", float64(s.ExitCode))
	gauge("hyperscale_run_verdict", "1: the run ended with this phase and verdict of the generator.", 1,
		label{"phase", s.Phase}, label{"verdict", string(s.Verdict.State)})
	if s.Elapsed.Known {
		gauge("hyperscale_run_elapsed_seconds", "How long the run took.", s.Elapsed.Value)
	}
	for _, t := range s.Thresholds {
		gauge("hyperscale_threshold_passed", "1: the threshold passed.", truth(t.Passed), label{"threshold", t.Text})
	}
	return p.write(ctx, &req)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// Close implements [reporter.Reporter].
func (p *prometheus) Close() error { p.post.close(); return nil }

func (p *prometheus) write(ctx context.Context, r *writeRequest) error {
	_, err := p.post.post(ctx, snappy.Encode(nil, r.encode()), map[string]string{
		"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0",
	})
	if err != nil && errors.Is(err, reporter.ErrRefused) && strings.Contains(err.Error(), "native histograms are disabled") {
		return reporter.Refused("%w (turn them on with --enable-feature=native-histograms)", err)
	}
	return err
}

// labels are those of a series.
func (p *prometheus) labels(s *series) []label {
	return p.sorted(promFamily(&s.measure), s.labels)
}

// sorted are labels by name, as remote write wants them.
func (p *prometheus) sorted(name string, more []label) []label {
	return sortLabels(append(append([]label{{"__name__", name}}, p.common...), more...))
}

// sample is what stands of a series; zero: before there was anything.
func (p *prometheus) sample(s *series, zero bool) sample {
	switch {
	case s.spread != nil && zero:
		return sample{spread: new(stats.Histogram)}
	case s.spread != nil:
		return sample{spread: s.spread}
	case zero:
		return sample{}
	case s.unit == inSeconds:
		return sample{value: float64(s.count) / 1e9}
	}
	return sample{value: float64(s.count)}
}

// promFamily is the name of a measure: words, unit, and _total of a counter.
func promFamily(m *measure) string {
	name := "hyperscale_" + strings.ReplaceAll(m.name, ".", "_")
	if u := promUnit(m.unit); u != "" && !strings.HasSuffix(name, "_"+u) {
		name += "_" + u
	}
	if m.spread == nil {
		name += "_total"
	}
	return name
}

func promUnit(u unit) string {
	return map[unit]string{inSeconds: "seconds", inBytes: "bytes"}[u]
}

// promName makes a name one of a label: letters, digits and _, not beginning with a
// digit or with the two _ that Prometheus keeps for itself.
func promName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, name)
	if name == "" || name[0] >= '0' && name[0] <= '9' || strings.HasPrefix(name, "__") {
		name = "tag_" + strings.TrimLeft(name, "_")
	}
	return name
}
