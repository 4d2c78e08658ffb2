package process

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/spec/pack"
)

// Config says how engines are started. The zero value starts the binary that
// runs, with its hidden command.
type Config struct {
	Executable string   // "": the one that runs
	Args       []string // nil: engine
	Env        []string // nil: that of this process
	Log        *slog.Logger
}

// Process is an engine in a process of its own. It does nothing until Run; what
// it is told before is told it then.
type Process struct {
	cfg   Config
	ready *launched // a process that was started before; nil: none was
	hear  func(Message)
	say   chan []byte // frames; the brief is the first
	end   chan struct{}
	once  sync.Once // of end
}

// backlog is how many orders wait for an engine that does not read. One that is
// further behind is ended.
const backlog = 256

// New makes a process that will run what the brief says. Hear is given each
// message in its order, by one goroutine; while it takes its time the engine's
// messages wait, and the engine does not. Refused and Ended are the last, and
// come once the process is gone.
func New(cfg Config, setup Setup, brief []byte, hear func(Message)) *Process {
	p := &Process{cfg: cfg, hear: hear, say: make(chan []byte, backlog), end: make(chan struct{})}
	p.tell(sayBrief, appendBrief(setup, brief))
	return p
}

// Start begins the load.
func (p *Process) Start(s Start) { p.tell(sayStart, pack.Append(nil, s)) }

// Stop ends the load: nothing more begins, what is under way may finish within
// the time given.
func (p *Process) Stop(within time.Duration) { p.tell(sayStop, pack.Append(nil, stop{within})) }

// Cut interrupts what is under way.
func (p *Process) Cut() { p.tell(sayCut, nil) }

// Beat says that the agent lives, and asks how far the load has come. From the job time
// until on nothing may begin, and what is under way is cut; 0: there is no such time.
func (p *Process) Beat(until hyperscale.JobTime) { p.tell(sayBeat, pack.Append(nil, beat{until})) }

// Adjust tells of adjustments as [spec.Adjustments] encodes them.
func (p *Process) Adjust(adjustments []byte) { p.tell(sayAdjust, adjustments) }

// Grant lets virtual users begin what lies before the reserve: it is told only
// once those who might go on with the share know of it.
func (p *Process) Grant(upTo link.Reserve) { p.tell(sayGrant, pack.Append(nil, upTo)) }

// tell puts a message to those that wait. It never blocks.
func (p *Process) tell(k kind, body []byte) {
	select {
	case p.say <- appendFrame(nil, k, body):
	default:
		p.hangUp()
	}
}

// hangUp ends the engine's standard input, which ends the engine.
func (p *Process) hangUp() { p.once.Do(func() { close(p.end) }) }

// Died is the error of an engine that went without having said that it would.
type Died struct {
	State string   // how the process ended
	Words []string // its last lines on standard error
}

// Error says how it ended, and its last words.
func (d *Died) Error() string {
	text := "the engine died: " + d.State
	if len(d.Words) > 0 {
		text += "; its last words: " + strings.Join(d.Words, " | ")
	}
	return text
}

// patience is how long a process that is to end may take before it is killed.
const patience = 150 * time.Millisecond

// Run starts the process and speaks with it until it is gone, with all that it
// needed here. Once ctx ends it is ended too. The error is nil after Refused or
// Ended, else [Died], or that it can't be started.
func (p *Process) Run(ctx context.Context) error {
	l := p.ready
	if l == nil {
		var err error
		if l, err = launch(p.cfg); err != nil {
			return err
		}
	}
	var g sync.WaitGroup
	g.Go(func() { p.write(ctx, l.in) })
	gone := make(chan struct{})
	g.Go(func() { p.kill(ctx, l.cmd.Process, gone) })
	<-l.heard
	last, err := p.listen(l.out)
	p.hangUp() // nothing that it says is heard any more
	state := l.wait()
	close(gone)
	g.Wait()
	if last != nil {
		p.hear(last)
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		state += " (" + err.Error() + ")"
	}
	return &Died{State: state, Words: l.words.last()}
}

// write says what there is to say until the engine is to end, then hangs up.
func (p *Process) write(ctx context.Context, in io.WriteCloser) {
	// A write to a process that does not read ends when that is killed.
	defer func() { _ = in.Close() }()
	for {
		select {
		case frame := <-p.say:
			if _, err := in.Write(frame); err != nil {
				return // it is gone, or going: whoever listens to it knows more
			}
		case <-p.end:
			return
		case <-ctx.Done():
			return
		}
	}
}

// kill ends the process if it does not go by itself once it is to end.
func (p *Process) kill(ctx context.Context, process *os.Process, gone <-chan struct{}) {
	select {
	case <-p.end:
	case <-ctx.Done():
	case <-gone:
		return
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-t.C:
		_ = process.Kill() // or it has gone
	case <-gone:
	}
}

// listen hears the engine until it hangs up, or says its last: that is given.
func (p *Process) listen(out io.Reader) (Message, error) {
	for {
		k, body, err := readFrame(out)
		if err != nil {
			return nil, err
		}
		m, err := readMessage(k, body)
		if err != nil {
			return nil, err
		}
		switch m.(type) {
		case Refused, Ended:
			return m, nil
		}
		p.hear(m)
	}
}
