package cli

import (
	"context"
	"os"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/show"
)

// control turns signals and keys into wishes for an end: of a run the first is for a
// graceful one, the second for one at once; the third ends the process.
type control struct {
	app        *app
	view       *view
	outputs    *outputs
	graceful   time.Duration // the longest of the plan
	ends       ending
	interrupts chan struct{}
	keys       chan struct{}
}

// ending is what interrupts come to.
type ending int

const (
	endsRun ending = iota // finishes what was started; again: stops it at once
	asksEnd               // asks a cluster to end the job; again: goes away
	leaves                // goes away, and ends nothing
)

func newControl(a *app, p *hyperscale.Plan, outputs *outputs, ends ending) *control {
	c := &control{app: a, ends: ends, outputs: outputs, interrupts: make(chan struct{}, 2), keys: make(chan struct{}, 3)}
	c.view = a.newView(c.press, ends == leaves)
	for i := range p.Workflows {
		c.graceful = max(c.graceful, p.Workflows[i].Graceful)
	}
	return c
}

// press is called when a key asks for an end; it never blocks.
func (c *control) press() {
	select {
	case c.keys <- struct{}{}:
	default:
	}
}

// start shows the run and listens until the returned function is called, which
// waits until the terminal is given back.
func (c *control) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var signals <-chan os.Signal
	forget := func() {}
	if c.app.Signals != nil {
		signals, forget = c.app.Signals()
	}
	hide := c.view.start()
	var listening sync.WaitGroup
	listening.Go(func() { c.listen(ctx, signals, hide) })
	return func() {
		hide()
		cancel()
		listening.Wait()
		forget()
	}
}

func (c *control) listen(ctx context.Context, signals <-chan os.Signal, hide func()) {
	for n := 1; ; n++ {
		select {
		case <-signals:
		case <-c.keys:
		case <-ctx.Done():
			return
		}
		switch {
		case n > 2:
			c.exit(hide)
			return
		case c.ends == leaves:
			c.view.tell("interrupted: going away; the job goes on")
		case c.ends == asksEnd && n == 1:
			c.view.tell("interrupted: asking the cluster to end the job; again to go away")
		case c.ends == asksEnd:
			c.view.tell("interrupted again: going away")
		case n == 1:
			c.view.tell("interrupted: finishing " + c.active() + ", up to " + show.Duration(c.graceful) + "; again to stop now")
		default:
			c.view.tell("interrupted again: stopping now; again to exit at once")
		}
		c.interrupts <- struct{}{}
	}
}

// active names what is in flight, by the newest progress. Where that knows of
// none there may be some all the same: it is as much as a second old.
func (c *control) active() string {
	if n := c.view.active.Load(); n > 0 {
		return hyperscale.Plural(n, "iteration")
	}
	return "what was started"
}

// patience is how long a last exit waits for the terminal to be given back.
const patience = time.Second

// exit ends the process, whatever else is going on.
func (c *control) exit(hide func()) {
	hidden := make(chan struct{})
	go func() {
		defer close(hidden)
		hide()
	}()
	select {
	case <-hidden:
	case <-time.After(patience):
	}
	c.outputs.Abandon()
	c.app.Exit(codeInterrupted)
}
