package reporter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/report"
	"hyperscale/internal/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is where a reporter of a test delivers to.
type place struct {
	got    []string
	before func(ctx context.Context, n int) error // of the nth call, from 1; nil: nothing goes wrong
	calls  int
	opened int
	closed int
}

func (p *place) open(context.Context, *Job) (Reporter, error) { p.opened++; return p, nil }

func (p *place) call(ctx context.Context, what string) error {
	p.calls++
	if p.before != nil {
		if err := p.before(ctx, p.calls); err != nil {
			return err
		}
	}
	p.got = append(p.got, what)
	return nil
}

func (p *place) Windows(ctx context.Context, batch []Window) error {
	return p.call(ctx, fmt.Sprintf("%d…%d", batch[0].Seq, batch[len(batch)-1].Seq))
}

func (p *place) Result(ctx context.Context, r *Result) error {
	return p.call(ctx, "result "+r.Summary.Phase)
}

func (p *place) Close() error { p.closed++; return nil }

func lineTo(p *place, name string, l Limits, from State) *Line {
	return NewLine(LineConfig{Job: Job{ID: "j", Name: name, Plan: &hyperscale.Plan{}}, Limits: l, From: from, Open: p.open})
}

func second(i int) *stats.Window {
	return &stats.Window{Interval: stats.Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second}}
}

// One that hangs, one that panics, one that is refused and one that is there now and
// then: none of them changes what the others get, and each comes to its own outcome.
func TestLinesAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fine := &place{}
		hangs := &place{before: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
		panics := &place{before: func(context.Context, int) error { panic("boom") }}
		refused := &place{before: func(context.Context, int) error { return Refused("401") }}
		flaky := &place{before: func(_ context.Context, n int) error {
			if n%2 == 1 {
				return errors.New("down")
			}
			return nil
		}}
		limits := Limits{Patience: time.Minute}
		var lines []*Line
		for i, p := range []*place{fine, hangs, panics, refused, flaky} {
			lines = append(lines, lineTo(p, fmt.Sprint("r", i), limits, State{}))
		}
		l := Begin(t.Context(), lines)
		for i := range 3 {
			time.Sleep(time.Second)
			l.Window(second(i))
		}
		time.Sleep(time.Second)
		began := time.Now()
		err := l.Finish(&report.Summary{Phase: "COMPLETED"})
		if waited := time.Since(began); waited > 2*time.Minute {
			t.Errorf("it took %v", waited)
		}
		if got := strings.Join(fine.got, " "); got != "1…1 2…2 3…3 result COMPLETED" {
			t.Errorf("the one that is well got %s", got)
		}
		if got := strings.Join(flaky.got, " "); !strings.HasSuffix(got, " result COMPLETED") {
			t.Errorf("the one that is there now and then got %s", got)
		}
		said := err.Error()
		for _, want := range []string{"reporter r1: failed after", "not taken within 10s", "reporter r2: failed after 1 attempt: a fault of this program: boom", "reporter r3: failed after 1 attempt: 401"} {
			if !strings.Contains(said, want) {
				t.Errorf("%s\nwithout %q", said, want)
			}
		}
		if strings.Contains(said, "r0") || strings.Contains(said, "r4") {
			t.Error(said)
		}
		for _, p := range []*place{fine, hangs, panics, refused, flaky} {
			if p.opened != 1 || p.closed != 1 {
				t.Errorf("opened %d times, closed %d times", p.opened, p.closed)
			}
		}
	})
}

// An owner that goes away in the middle leaves a state from which the next goes on:
// what was not known to have come comes again, under the same numbers.
func TestLineGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept State
		p := &place{before: func(ctx context.Context, n int) error {
			if n == 2 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}}
		first := NewLine(LineConfig{Job: Job{ID: "j", Name: "r", Plan: &hyperscale.Plan{}}, Open: p.open, Changed: func(s State) { kept = s }})
		ctx, die := context.WithCancel(t.Context())
		gone := make(chan Outcome)
		go func() { gone <- first.Run(ctx) }()
		first.Window(1, second(0))
		synctest.Wait()
		first.Window(2, second(1))
		synctest.Wait()
		die()
		if o := <-gone; o.Phase != Pending || kept.Taken != 1 || kept.Begun.IsZero() {
			t.Fatalf("%+v, kept %+v", o, kept)
		}
		next := lineTo(p, "r", Limits{}, kept)
		for i := range 3 {
			next.Window(uint64(i+1), second(i))
		}
		next.End(Ending{Summary: &report.Summary{Phase: "COMPLETED"}}, 0)
		o := next.Run(t.Context())
		if got := strings.Join(p.got, " "); o.Phase != Delivered || !strings.HasPrefix(got, "1…1 2…") || !strings.HasSuffix(got, "3 result COMPLETED") {
			t.Errorf("%s: %+v", got, o)
		}
		if !o.Begun.Equal(kept.Begun) {
			t.Errorf("job time 0 was %v, and is %v", kept.Begun, o.Begun)
		}
	})
}

// A reporter that can't be opened is tried again like one that does not take.
func TestLineOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, tries := &place{}, 0
		var trouble []string
		l := NewLine(LineConfig{
			Job: Job{ID: "j", Plan: &hyperscale.Plan{}}, Trouble: func(err error) { trouble = append(trouble, err.Error()) },
			Open: func(ctx context.Context, j *Job) (Reporter, error) {
				if tries++; tries < 4 {
					return nil, errors.New("no route")
				}
				return p.open(ctx, j)
			},
		})
		l.Window(1, second(0))
		l.End(Ending{Summary: &report.Summary{Phase: "COMPLETED"}}, 0)
		if o := l.Run(t.Context()); o.Phase != Delivered || o.Tries != 0 || len(p.got) != 2 {
			t.Errorf("%+v, got %v", o, p.got)
		}
		if len(trouble) != 1 || trouble[0] != "no route" {
			t.Errorf("told of %q", trouble)
		}
	})
}

// Who does not want to wait any longer, does not.
func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{before: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
		l := Begin(t.Context(), []*Line{lineTo(p, "r", Limits{}, State{})})
		ended := make(chan error)
		go func() { ended <- l.Finish(&report.Summary{}) }()
		synctest.Wait()
		began := time.Now()
		l.GiveUp("interrupted")
		err := <-ended
		if err == nil || !strings.Contains(err.Error(), "reporter r: failed: interrupted") || time.Since(began) > 0 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
