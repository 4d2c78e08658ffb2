// Package local runs a plan on this machine: the shell around the job's state
// machine and the engine. It performs the job's effects, merges the engine's
// windows, judges thresholds each second and sums up at the end.
package local

import (
	"context"
	"runtime"
	"time"

	"hyperscale"
	"hyperscale/internal/engine"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/job"
	"hyperscale/internal/job/account"
	"hyperscale/internal/session"
	"hyperscale/internal/stats"
)

// Config is what a run is made of.
type Config struct {
	Plan    *hyperscale.Plan
	Rows    map[string]session.Rows // of the plan's data sets, by name
	Version string                  // of hyperscale, for the User-Agent and the report
	Lanes   int                     // 0: as many as the CPUs that this process may use
	Share   hyperscale.Share        // zero: the whole

	// Interrupts: each one received is one more wish of the user for an end.
	Interrupts <-chan struct{}
	// Watch is shown the run each second; nil: nobody looks. It must not block.
	Watch func(stats.Progress)
	// Warn is told, before the first request, what this machine can't give; nil:
	// nobody listens.
	Warn func(text string)
	// Trace is shown every request; nil: nobody looks.
	Trace engine.Trace
	// Windows is given every window as it comes; nil: nobody wants them. It must
	// not change the window.
	Windows func(*stats.Window)
}

// NotStarted is the error of a run that was refused before its first request.
type NotStarted struct{ Err error }

// Error says why.
func (e *NotStarted) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *NotStarted) Unwrap() error { return e.Err }

// Run runs the plan to its end. The error is [NotStarted], or tells why the run
// could not be carried through; everything else is in the result.
func Run(ctx context.Context, cfg Config) (*stats.Result, error) {
	if cfg.Share == (hyperscale.Share{}) {
		cfg.Share = hyperscale.Whole
	}
	s, err := newShell(ctx, cfg)
	if err != nil {
		return nil, &NotStarted{err}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.engine.Run(ctx) }()
	err = s.loop(ctx)
	cancel()
	for range s.engine.Reports() {
		// What comes after the end is of legs that were cut off.
	}
	if e := <-done; err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	return s.sumUp(), nil
}

// shell is a run under way. All of it belongs to the goroutine in Run.
type shell struct {
	cfg     Config
	plan    *hyperscale.Plan
	engine  *engine.Engine
	names   *dial.Names
	job     *job.Job
	account *account.Account
	flows   map[string]*flow
	legs    map[int]*leg       // by the engine's number
	second  hyperscale.JobTime // all windows up to here have come
	alarm   *time.Timer        // of the job's Wake
	started time.Time
	result  *job.Result // nil: it goes on
}

// settle is how long after a second's end its windows are waited for before the
// second is judged.
const settle = 200 * time.Millisecond

// loop runs the job until its last effect.
func (s *shell) loop(ctx context.Context) error {
	s.started = time.Now()
	s.alarm = time.NewTimer(time.Hour)
	defer s.alarm.Stop()
	second := time.NewTimer(time.Second + settle)
	defer second.Stop()
	s.step(job.Start{})
	for s.result == nil {
		select {
		case r := <-s.engine.Reports():
			s.reported(r)
		case <-s.cfg.Interrupts:
			s.step(job.Interrupt{})
		case <-s.alarm.C:
			s.step(job.Tick{})
		case <-second.C:
			s.second += time.Second
			for _, text := range s.account.Judge(s.second) {
				s.step(job.ThresholdBroken{Threshold: text})
			}
			s.account.Glance(s.second)
			if s.cfg.Watch != nil {
				s.cfg.Watch(s.account.Progress(s.job.Workflows()))
			}
			second.Reset(s.second + time.Second + settle - s.engine.Now())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// sumUp makes the result of a run that is over.
func (s *shell) sumUp() *stats.Result {
	r := s.account.Sum(*s.result, s.started)
	r.Generator.Version, r.Generator.OS, r.Generator.Arch = s.cfg.Version, runtime.GOOS, runtime.GOARCH
	r.Generator.Lanes = s.engine.Lanes()
	return r
}
