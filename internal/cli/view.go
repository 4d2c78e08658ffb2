package cli

import (
	"context"
	"sync"
	"sync/atomic"

	"hyperscale/internal/report"
	"hyperscale/internal/stats"
	"hyperscale/internal/tui"
)

// view shows a run to whoever watches. What it is told never waits for a slow
// terminal: only the newest progress is kept.
type view struct {
	show   func(stats.Progress)
	say    func(string) // about an interrupt
	news   func(string) // what happened beside the run's own progress
	warn   func(string)
	ended  func([]stats.Mark)    // the whole timeline, once the run is over
	run    func(context.Context) // nil: nothing needs to run
	latest chan stats.Progress
	words  chan word
	fears  chan string  // warnings
	active atomic.Int64 // iterations in flight by the newest progress
}

// newView chooses how to show a run: live on a terminal that can, as lines elsewhere,
// and not at all with -q (or with --json where nobody is at a terminal). With leaves
// an interrupt ends nothing.
func (a *app) newView(pressed func(), leaves bool) *view {
	v := &view{
		show: func(stats.Progress) {}, say: func(string) {}, news: func(string) {}, warn: func(string) {}, ended: func([]stats.Mark) {},
		latest: make(chan stats.Progress, 1), words: make(chan word, 64), fears: make(chan string, 16),
	}
	switch {
	case a.quiet || a.json && !a.Terminal.Err:
	case a.Terminal.Err && !a.verbose && !a.dumb():
		a.showLive(v, pressed, leaves)
	default:
		lines := tui.NewPlain(a.Stderr)
		v.show, v.say, v.news, v.warn, v.ended = lines.Show, lines.Say, lines.Tell, lines.Warn, lines.Mark
	}
	return v
}

// showLive makes the view a live one.
func (a *app) showLive(v *view, pressed func(), leaves bool) {
	config := tui.Config{
		Out: a.Stderr, Env: a.Env, Interrupt: pressed,
		Look: tui.Look{Theme: a.theme(true), Leaves: leaves, Value: report.Figure},
	}
	if a.Terminal.In {
		config.In = a.Stdin
	}
	live := tui.NewLive(config)
	v.show, v.say, v.news, v.warn = live.Show, live.Say, live.Say, live.Warn
	v.run = func(ctx context.Context) {
		if err := live.Run(ctx); err != nil {
			a.log().Warn("no live view", "error", err)
		}
	}
}

// watch takes the newest progress; it never blocks.
func (v *view) watch(p stats.Progress) {
	var active int64
	for _, w := range p.Workflows {
		active += w.InFlight
	}
	v.active.Store(active)
	for {
		select {
		case v.latest <- p:
			return
		default:
		}
		select {
		case <-v.latest: // nobody came to see it
		default:
		}
	}
}

// word is one thing to be said: news, or else about an interrupt.
type word struct {
	text string
	news bool
}

// tell takes words about an interrupt, report takes news; they never block.
func (v *view) tell(text string)   { v.put(word{text: text}) }
func (v *view) report(text string) { v.put(word{text, true}) }

func (v *view) put(w word) {
	select {
	case v.words <- w:
	default:
	}
}

func (v *view) utter(w word) {
	if w.news {
		v.news(w.text)
	} else {
		v.say(w.text)
	}
}

// fear takes a warning for whoever watches; it never blocks.
func (v *view) fear(err error) {
	select {
	case v.fears <- err.Error():
	default:
	}
}

// start shows until the returned function is called, which waits until the
// terminal is given back.
func (v *view) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	if v.run != nil {
		all.Go(func() { v.run(ctx) })
	}
	all.Go(func() { v.pass(ctx) })
	return func() {
		cancel()
		all.Wait()
	}
}

// pass hands on what comes, and at the end what is left.
func (v *view) pass(ctx context.Context) {
	for {
		select {
		case w := <-v.words:
			v.utter(w)
		case text := <-v.fears:
			v.warn(text)
		case p := <-v.latest:
			v.sayAll() // words are told before what follows from them
			v.show(p)
		case <-ctx.Done():
			v.sayAll()
			select {
			case p := <-v.latest:
				v.show(p)
			default:
			}
			return
		}
	}
}

// sayAll says the words that wait.
func (v *view) sayAll() {
	for {
		select {
		case w := <-v.words:
			v.utter(w)
		default:
			return
		}
	}
}
