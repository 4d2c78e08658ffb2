package reporter

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"hyperscale"
	"hyperscale/internal/mailbox"
	"hyperscale/internal/stats"
)

// Line is one reporter of one job at work: the goroutine that steps its task, and
// the one that delivers. Its methods may be called by many, and never wait.
type Line struct {
	cfg    LineConfig
	job    Job
	task   *Task
	in     *mailbox.Mailbox[Event]
	ending Ending // read after Ended was taken from in

	sink Reporter // of the delivery under way, or of nobody
}

// LineConfig is what a line is made of.
type LineConfig struct {
	Job    Job
	Limits Limits
	From   State // where it goes on
	// Open makes the reporter; it is called before the first delivery, and again after
	// it failed. The job's Begun is filled in.
	Open func(ctx context.Context, job *Job) (Reporter, error)
	// Elsewhere makes one that delivers by way of another node; nil: there is no other.
	Elsewhere func(ctx context.Context, job *Job) (Reporter, error)
	// Changed is told each change of what is to be kept, and Trouble the first failed
	// attempt of a row. They are called by the line's goroutine; nil: nobody is told.
	Changed func(State)
	Trouble func(error)
}

// NewLine makes a line that does nothing yet.
func NewLine(cfg LineConfig) *Line {
	if cfg.Changed == nil {
		cfg.Changed = func(State) {}
	}
	if cfg.Trouble == nil {
		cfg.Trouble = func(error) {}
	}
	if cfg.Elsewhere == nil {
		cfg.Elsewhere = func(context.Context, *Job) (Reporter, error) { return nil, errors.New("there is no other node") }
	}
	return &Line{cfg: cfg, job: cfg.Job, task: NewTask(cfg.Limits, cfg.From), in: mailbox.New[Event]()}
}

// Name is the reporter's.
func (l *Line) Name() string { return l.job.Name }

// Window gives it a window, with its number.
func (l *Line) Window(seq uint64, w *stats.Window) { l.in.Put(Came{Item{Seq: seq, Window: w}}) }

// Event gives it an event, which must not change any more.
func (l *Line) Event(ev *hyperscale.Event) { l.in.Put(Came{Item{Seq: ev.Seq, Event: ev}}) }

// End gives it what the job came to, the last thing that it delivers, and the number of
// what came last before; 0: that is not known. It is called once.
func (l *Line) End(e Ending, last uint64) {
	l.ending = e
	l.in.Put(Ended{last})
}

// GiveUp ends it, for nobody waits for it any longer.
func (l *Line) GiveUp(reason string) { l.in.Put(GiveUp{reason}) }

// Run delivers until the task has come to its outcome, or ctx ends: then the outcome
// is pending. When it returns nothing of it goes on.
func (l *Line) Run(ctx context.Context) Outcome {
	r := &runner{Line: l, began: time.Now(), answers: make(chan Answered, 1)}
	defer r.close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if at, ok := l.task.Next(); ok {
			timer.Reset(max(at-r.now(), 0))
		}
		select {
		case <-ctx.Done():
			return Outcome{State: l.task.State()}
		case <-timer.C:
			r.step(ctx, Tick{})
		case answered := <-r.answers:
			r.under = false
			r.step(ctx, answered)
		case <-l.in.Bell():
			for _, ev := range l.in.Take() {
				r.step(ctx, ev)
			}
		}
		if r.outcome != nil {
			return *r.outcome
		}
	}
}

// runner is a line while it runs.
type runner struct {
	*Line
	began   time.Time
	answers chan Answered
	under   bool // a delivery is
	cancel  context.CancelFunc
	outcome *Outcome
}

func (r *runner) now() time.Duration { return time.Since(r.began) }

// close waits for what is under way, which it cuts short, and lets go of the sink.
func (r *runner) close() {
	if r.under {
		r.cancel()
		<-r.answers
	}
	if r.sink != nil {
		_ = r.sink.Close() // all that counts was answered
	}
}

func (r *runner) step(ctx context.Context, ev Event) {
	switch ev := ev.(type) {
	case Came:
		if ev.Window != nil {
			r.task.Begun(time.Now().Add(-ev.Window.To))
		}
	case Ended:
		if s := r.ending.Summary; s != nil {
			r.task.Begun(s.Ended().Add(-time.Duration(s.Elapsed.Value * float64(time.Second))))
		}
	}
	before := r.task.State()
	effects := r.task.Step(r.now(), ev)
	if after := r.task.State(); after != before {
		r.cfg.Changed(after)
	}
	for _, e := range effects {
		switch e := e.(type) {
		case Deliver:
			r.deliver(ctx, e)
		case Trouble:
			r.cfg.Trouble(e.Err)
		case Over:
			r.outcome = &e.Outcome
		}
	}
}

// deliver begins a delivery.
func (r *runner) deliver(ctx context.Context, e Deliver) {
	ctx, r.cancel = context.WithTimeout(ctx, e.Within)
	r.under, r.job.Begun = true, r.task.State().Begun
	go func() {
		defer r.cancel()
		r.answers <- Answered{r.attempt(ctx, e)}
	}()
}

// attempt makes a delivery. A panic in a sink is its own fault and nobody else's.
func (l *Line) attempt(ctx context.Context, e Deliver) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Refused("a fault of this program: %v\n%s", p, debug.Stack())
		}
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("not taken within %v: %w", e.Within, err)
		}
	}()
	if e.Elsewhere {
		other, err := l.cfg.Elsewhere(ctx, &l.job)
		if err != nil {
			return err
		}
		defer func() { _ = other.Close() }() // all that counts was answered
		return l.hand(ctx, other, e)
	}
	if l.sink == nil {
		if l.sink, err = l.cfg.Open(ctx, &l.job); err != nil {
			l.sink = nil
			return err
		}
	}
	return l.hand(ctx, l.sink, e)
}

// hand gives a reporter what is to be delivered.
func (l *Line) hand(ctx context.Context, to Reporter, e Deliver) error {
	if len(e.Items) == 0 {
		return to.Result(ctx, &Result{Ending: l.ending, Missing: e.Missing})
	}
	if listener, is := to.(Listener); is && e.Items[0].Event != nil {
		for _, item := range e.Items {
			if err := listener.Event(ctx, item.Event); err != nil {
				return err
			}
		}
		return nil
	}
	var batch []Window
	for _, item := range e.Items {
		batch = append(batch, Window{item.Seq, item.Window})
	}
	return to.Windows(ctx, batch)
}
