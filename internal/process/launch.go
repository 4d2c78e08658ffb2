package process

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// launched is a process that was started, with its pipes. It waits for a brief,
// and goes when its standard input ends.
type launched struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader // to be read once heard is closed
	heard chan struct{} // closed: it said something or is gone; before its brief it says nothing
	words *words
}

// launch starts a process.
func launch(cfg Config) (*launched, error) {
	args := cfg.Args
	if args == nil {
		args = []string{"engine"}
	}
	l := &launched{cmd: exec.Command(cmp.Or(cfg.Executable, self()), args...), heard: make(chan struct{}), words: &words{log: cfg.Log}}
	l.cmd.Env, l.cmd.Stderr = cfg.Env, l.words
	apart(l.cmd)
	var err error
	var out io.Reader
	if l.in, err = l.cmd.StdinPipe(); err == nil {
		out, err = l.cmd.StdoutPipe()
	}
	if err == nil {
		err = l.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start an engine: %w", err)
	}
	l.out = bufio.NewReader(out)
	go func() {
		defer close(l.heard)
		_, _ = l.out.Peek(1) // what is wrong whoever reads hears again
	}()
	return l, nil
}

// gone reports whether a process that got no brief yet is there no more.
func (l *launched) gone() bool {
	select {
	case <-l.heard:
		return true
	default:
		return false
	}
}

// wait waits for the end of the process and says how it was.
func (l *launched) wait() string {
	err := l.cmd.Wait()
	if l.cmd.ProcessState != nil {
		return l.cmd.ProcessState.String()
	}
	return err.Error()
}

// dismiss ends a process that was never used.
func (l *launched) dismiss() {
	_ = l.in.Close() // the other end may have gone already
	kill := time.AfterFunc(patience, func() { _ = l.cmd.Process.Kill() })
	defer kill.Stop()
	<-l.heard
	_ = l.wait()
}

// Starter makes processes, of which it keeps one started ahead, so that an
// engine is ready as soon as it has read its brief: what is to take the place of
// one that died is not to wait for a binary to be loaded.
type Starter struct {
	cfg   Config
	taken chan struct{}

	mu    sync.Mutex
	spare *launched // nil: there is none
}

// NewStarter makes a starter. Without Run it keeps nothing ready.
func NewStarter(cfg Config) *Starter { return &Starter{cfg: cfg, taken: make(chan struct{}, 1)} }

// respite is how long after a spare was taken the next is started: whoever took
// it comes first.
const respite = 500 * time.Millisecond

// Run keeps a process ready until ctx ends. It returns when that, if nobody has
// taken it, is gone. That none can be started is not its error but that of
// whoever needs one.
func (s *Starter) Run(ctx context.Context) error {
	for {
		s.fill()
		select {
		case <-s.taken:
		case <-s.lost():
			if l := s.takeGone(); l != nil {
				l.dismiss()
			}
		case <-ctx.Done():
		}
		t := time.NewTimer(respite)
		select {
		case <-t.C:
			continue
		case <-ctx.Done():
		}
		t.Stop()
		if l := s.take(); l != nil {
			l.dismiss()
		}
		return nil
	}
}

// fill starts a spare, if there is none.
func (s *Starter) fill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spare == nil {
		s.spare, _ = launch(s.cfg)
	}
}

// lost is closed once the spare is gone by itself; nil: there is none.
func (s *Starter) lost() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spare == nil {
		return nil
	}
	return s.spare.heard
}

// takeGone gives the spare away if it is gone.
func (s *Starter) takeGone() *launched {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spare == nil || !s.spare.gone() {
		return nil
	}
	l := s.spare
	s.spare = nil
	return l
}

// take gives the spare away, if there is one.
func (s *Starter) take() *launched {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.spare
	s.spare = nil
	return l
}

// New makes a process like [New], which is started already if one was ready. It
// must be run, or nobody ends it.
func (s *Starter) New(setup Setup, brief []byte, hear func(Message)) *Process {
	p := New(s.cfg, setup, brief, hear)
	if l := s.takeGone(); l != nil {
		l.dismiss() // at once, for it is gone
	}
	p.ready = s.take()
	select {
	case s.taken <- struct{}{}:
	default: // it is known already that one is wanted
	}
	return p
}
