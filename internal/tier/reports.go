package tier

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"hyperscale"
	"hyperscale/internal/report"
	"hyperscale/internal/reporter"
	"hyperscale/internal/reporter/sink"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier/seat"
)

// reports are the reporters of a job that this node owns. Nothing that becomes of them
// changes the job: what there is to be said of them goes along with what is written down
// of it.
type reports struct {
	node  hyperscale.NodeID
	log   *slog.Logger
	lines []*reporter.Line // those told of windows that have not come to their outcome before
	hooks *hooks           // those told of events
	done  chan struct{}    // closed: all have come to it

	mu      sync.Mutex
	kept    keptReports
	fresh   []hyperscale.Event // outcomes that are not written down yet
	pending int                // lines without an outcome
}

// keptReports is how far they are, as the head of the job has it.
type keptReports struct {
	Windows uint64                    `json:"windows"` // so many were given those that are told of them
	States  map[string]reporter.State `json:"states"`  // by the reporter's name
}

// newReports goes on with the reporters of a job from what its head has of them; nil:
// it has none.
func (t *Tier) newReports(job hyperscale.JobID, plan *hyperscale.Plan, texts []string, saved json.RawMessage) (*reports, error) {
	specs, err := sink.Parse(texts)
	if len(specs) == 0 || err != nil {
		return nil, err
	}
	r := &reports{
		node: t.cfg.Self, log: t.log.With("job", job), hooks: newHooks(t.deps.Store, job),
		done: make(chan struct{}), kept: keptReports{States: map[string]reporter.State{}},
	}
	if len(saved) > 0 && string(saved) != "null" {
		if err := json.Unmarshal(saved, &r.kept); err != nil {
			return nil, fmt.Errorf("how far the reporters are: %w", err)
		}
	}
	for _, s := range specs {
		state := r.kept.States[s.Name]
		r.kept.States[s.Name] = state
		if state.Phase != reporter.Pending {
			continue
		}
		secret, log := sink.Bound(t.deps.Secrets, s), r.log.With("reporter", s.Name)
		cfg := reporter.LineConfig{
			Job:  reporter.Job{ID: job, Name: s.Name, Plan: plan, Node: t.cfg.Self, Version: t.cfg.Version},
			From: state,
			Open: func(ctx context.Context, job *reporter.Job) (reporter.Reporter, error) {
				return s.Open(ctx, job, secret)
			},
			Changed: func(state reporter.State) { r.changed(s.Name, state) },
			Trouble: func(err error) { log.Warn("a reporter does not take what it is given", "reason", err) },
		}
		if s.Kind.Events {
			cfg.Limits, cfg.Elsewhere = t.cfg.Hooks, talks{t}.elsewhere(s)
			r.hooks.lines = append(r.hooks.lines, reporter.NewLine(cfg))
		} else {
			r.lines = append(r.lines, reporter.NewLine(cfg))
		}
	}
	r.pending = len(r.lines) + len(r.hooks.lines)
	return r, nil
}

// toldWindows says whether some of the reporters are told of windows.
func toldWindows(texts []string) bool {
	specs, err := sink.Parse(texts)
	return err == nil && slices.ContainsFunc(specs, func(s sink.Spec) bool { return !s.Kind.Events })
}

// onlyHooks leaves out those that are told of windows: of a job without a result they are
// told nothing.
func (r *reports) onlyHooks() {
	r.lines, r.pending = nil, len(r.hooks.lines)
}

// run delivers until all have come to their outcome, or ctx ends.
func (r *reports) run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { r.hooks.run(ctx) })
	for _, line := range slices.Concat(r.lines, r.hooks.lines) {
		running.Go(func() {
			if o := line.Run(ctx); o.Phase != reporter.Pending {
				r.over(line.Name(), o)
			}
		})
	}
	running.Wait()
	if ctx.Err() == nil {
		close(r.done)
	}
}

// changed takes in how far a reporter is.
func (r *reports) changed(name string, s reporter.State) {
	if s.Phase == reporter.Pending { // else its outcome goes with it
		r.mu.Lock()
		defer r.mu.Unlock()
		r.kept.States[name] = s
	}
}

// over takes in what became of a reporter.
func (r *reports) over(name string, o reporter.Outcome) {
	r.log.Info("a reporter has come to its end", "reporter", name, "outcome", o.Text())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept.States[name] = o.State
	r.pending--
	r.fresh = append(r.fresh, hyperscale.Event{What: "reporter", Node: r.node, Detail: name + ": " + o.Text()})
}

// show gives them windows with numbers.
func (r *reports) show(first uint64, windows []*stats.Window) {
	if r == nil || len(windows) == 0 {
		return
	}
	r.mu.Lock()
	r.kept.Windows = max(r.kept.Windows, first+uint64(len(windows))-1)
	r.mu.Unlock()
	for i, w := range windows {
		for _, line := range r.lines {
			line.Window(first+uint64(i), w)
		}
	}
}

// end gives them what the job came to. It is called once, when that is written down; a
// nil result: there is none.
func (r *reports) end(phase hyperscale.Phase, reason string, result *stats.Result) {
	ending := reporter.Ending{Phase: phase, Reason: reason}
	if result != nil {
		ending.Summary = report.Summarise(result, report.Options{ExitCode: report.ExitCode(result, false)})
	}
	r.mu.Lock()
	windows := r.kept.Windows
	r.mu.Unlock()
	for _, line := range r.lines {
		line.End(ending, windows)
	}
	r.hooks.end(ending)
}

// beside is what is to be written down of them now; written says that it was. The job
// needs an owner as long as one has no outcome.
func (r *reports) beside() (b seat.Beside, written func()) {
	if r == nil {
		return b, func() {}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	text, err := json.Marshal(r.kept)
	if err != nil {
		panic("tier: " + err.Error())
	}
	b = seat.Beside{Reporters: text, Events: r.fresh[:len(r.fresh):len(r.fresh)], Pending: r.pending > 0}
	return b, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.fresh = r.fresh[len(b.Events):]
	}
}
