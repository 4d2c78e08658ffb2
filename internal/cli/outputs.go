package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/report"
	"hyperscale/internal/reporter"
	"hyperscale/internal/reporter/sink"
	"hyperscale/internal/stats"
)

// outputUsage is what help says of -o.
const outputUsage = "`NAME[=TO]`: json, ndjson (windows), csv (seconds), html: to a file,\n" +
	"a folder or stdout; webhook, prometheus, otlp, influxdb, postgres:\nto a URL; statsd, dogstatsd: to HOST:PORT (doc/reporters.md)"

// wanted are the outputs that were asked for with -o.
type wanted struct {
	files     []report.Spec
	reporters []sink.Spec
}

// outputSpecs reads -o. With --json the summary itself takes standard output.
func (a *app) outputSpecs(texts []string) (wanted, error) {
	var w wanted
	var files, reporters []string
	for _, text := range texts {
		if sink.Is(text) {
			reporters = append(reporters, text)
		} else {
			files = append(files, text)
		}
	}
	var err error
	if w.files, err = report.ParseSpecs(files); err != nil {
		return w, err
	}
	if a.json && report.ToStdout(w.files) {
		return w, errors.New("--json and -o both write to standard output; give -o a path: -o NAME=FILE")
	}
	if w.reporters, err = sink.Parse(reporters); err != nil {
		return w, fmt.Errorf("-o %w", err)
	}
	return w, nil
}

// live names one that is told of windows, while a job runs; "": none is.
func (w wanted) live() string {
	for _, s := range w.reporters {
		return s.Name
	}
	for _, s := range w.files {
		if s.Format.Name == "ndjson" {
			return s.Format.Name
		}
	}
	return ""
}

// outputs are those of one run.
type outputs struct {
	*report.Outputs
	app   *app
	specs []sink.Spec
	plan  *hyperscale.Plan
	lines *reporter.Lines // nil: the run has no name yet
	fear  func(error)     // set before the first window
}

// openOutputs opens all that is wanted and sees to it that each reporter's place is
// there, so that what can't be written is known at once. On error nothing is left open.
// The name of the run is "" while it is not known; then begin tells it.
func openOutputs(ctx context.Context, a *app, w wanted, plan *hyperscale.Plan, job hyperscale.JobID) (*outputs, error) {
	files, err := report.Open(w.files, a.Stdout, plan)
	if err != nil {
		return nil, refused(err)
	}
	o := &outputs{Outputs: files, app: a, specs: w.reporters, plan: plan, fear: func(error) {}}
	for _, s := range w.reporters {
		if err := o.there(ctx, s, job); err != nil {
			files.Discard()
			return nil, refused(fmt.Errorf("-o %s: %w", s.Name, err))
		}
	}
	if job != "" {
		o.begin(ctx, job)
	}
	return o, nil
}

// How long a run waits for reporters: for one to be there before it begins, and for
// those that did not take everything once it has ended.
const (
	reporterThere = 10 * time.Second
	reporterTakes = 30 * time.Second
)

// begin begins with the reporters of the run of that name. They go on while the run
// itself is cut short.
func (o *outputs) begin(ctx context.Context, id hyperscale.JobID) {
	var lines []*reporter.Line
	for _, s := range o.specs {
		lines = append(lines, reporter.NewLine(reporter.LineConfig{
			Job: o.job(s, id), Limits: reporter.Limits{Patience: reporterTakes},
			Open: func(ctx context.Context, job *reporter.Job) (reporter.Reporter, error) {
				return s.Open(ctx, job, sink.Environment(o.app.env))
			},
			Trouble: func(err error) { o.fear(fmt.Errorf("reporter %s: %w; trying again", s.Name, err)) },
		}))
	}
	o.lines = reporter.Begin(context.WithoutCancel(ctx), lines)
}

// job is what a reporter is told of the run.
func (o *outputs) job(s sink.Spec, id hyperscale.JobID) reporter.Job {
	return reporter.Job{ID: id, Name: s.Name, Plan: o.plan, Node: here(), Version: Version}
}

// there fails if a reporter's place is not there.
func (o *outputs) there(ctx context.Context, s sink.Spec, id hyperscale.JobID) error {
	ctx, stop := context.WithTimeout(ctx, reporterThere)
	defer stop()
	job := o.job(s, id)
	r, err := s.Open(ctx, &job, sink.Environment(o.app.env))
	if err != nil {
		return err
	}
	return r.Close()
}

// here is what this machine is called.
func here() hyperscale.NodeID {
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	return hyperscale.NodeID(name)
}

// runID names a run of this machine for those who keep many: by the time, for people,
// and by chance.
func runID() hyperscale.JobID {
	return hyperscale.JobID(time.Now().UTC().Format("20060102-150405-") + strings.ToLower(rand.Text()[:6]))
}

// OnFailure sets what is called when an output is in trouble. It is called before the
// first window; f from other goroutines.
func (o *outputs) OnFailure(f func(error)) {
	o.fear = f
	o.Outputs.OnFailure(f)
}

// Window hands a window to all; it does not wait for them.
func (o *outputs) Window(w *stats.Window) {
	o.Outputs.Window(w)
	if o.lines != nil {
		o.lines.Window(w)
	}
}

// Finish waits until all have what the run came to; an interrupt gives reporters up
// that do not take it. The summary, which has the exit code, is written last.
func (o *outputs) Finish(ctx context.Context, r *stats.Result, summarise func(failed bool) *report.Summary) error {
	lost := o.finishReporters(ctx, summarise(false))
	err := o.Outputs.Finish(r, func(failed bool) *report.Summary { return summarise(failed || lost != nil) })
	return errors.Join(lost, err)
}

func (o *outputs) finishReporters(ctx context.Context, s *report.Summary) error {
	if o.lines == nil {
		return nil
	}
	waiting, stop := o.app.untilSignal(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- o.lines.Finish(s) }()
	select {
	case err := <-ended:
		return err
	case <-time.After(time.Second):
		if !o.app.quiet {
			_, _ = fmt.Fprintf(o.app.Stderr, "waiting for reporters, up to %v; an interrupt gives them up\n", reporterTakes)
		}
	case <-waiting.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-waiting.Done():
		o.lines.GiveUp("it was not waited for")
	}
	return <-ended
}

// Discard gives everything up: no file is made or changed, and no result delivered.
func (o *outputs) Discard() {
	o.Outputs.Discard()
	if o.lines != nil {
		o.lines.Discard()
	}
}

// noOutputs are none.
func noOutputs() *outputs { return &outputs{Outputs: new(report.Outputs)} }
