// Package above keeps up a manager's side towards gates: the connections to them, and
// the plain code that decides what they are told ([hyperscale/internal/child]). What is
// for the jobs that are owned here goes to whoever runs them.
package above

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/doors"
	"hyperscale/internal/link"
	"hyperscale/internal/mailbox"
	"hyperscale/internal/rpc"
)

// Config is what a side is made for. All of it is needed.
type Config struct {
	Child   child.Config
	Gates   []string // host:port
	Dialing rpc.Dialing
	Log     *slog.Logger
	Here    Here
}

// Here is the node, as its side towards gates sees it.
type Here struct {
	News     *mailbox.Mailbox[child.Event] // what the plain code is to hear of jobs here
	Do       func(context.Context, child.Effect)
	Over     func(context.Context, hyperscale.JobID) bool // whether a job has ended here or never was
	Capacity func(context.Context) *link.Capacity
	Vitals   func() link.Vitals
	Draining func() bool
}

// side is that of one node. All of it belongs to the goroutine in loop.
type side struct {
	Here
	began time.Time // when its clock was zero
	child *child.Manager
	doors *doors.Doors
	inbox *mailbox.Mailbox[any] // doors.Event or child.Event
	wake  *time.Timer
	looks sync.WaitGroup
}

// faresEach is how often gates are told how the datacenter fares.
const faresEach = time.Second

// lastWord is how long gates have to hear the last of what was said.
const lastWord = time.Second

// Run keeps up the links to gates, until ctx ends and they were told.
func Run(ctx context.Context, c Config) {
	s := &side{
		Here: c.Here, began: time.Now(), child: child.NewManager(c.Child), inbox: mailbox.New[any](), wake: time.NewTimer(time.Hour),
	}
	s.wake.Stop()
	defer s.wake.Stop()
	s.doors = doors.New(doors.Config{
		Kind: "gate", Names: c.Gates, Dialing: c.Dialing, Log: c.Log, Tell: func(ev doors.Event) { s.inbox.Put(ev) },
	})
	visiting, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var visits sync.WaitGroup
	visits.Go(func() { s.doors.Run(visiting) })
	s.loop(ctx)
	s.doors.Leave()
	goes := time.AfterFunc(lastWord, stop)
	visits.Wait()
	goes.Stop()
	s.looks.Wait()
}

func (s *side) now() time.Duration { return time.Since(s.began) }

// loop takes what comes until ctx ends.
func (s *side) loop(ctx context.Context) {
	fares := time.NewTicker(faresEach)
	defer fares.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake.C:
			s.step(ctx, child.Tick{})
		case <-fares.C:
			s.fare(ctx)
		case <-s.News.Bell():
			for _, ev := range s.News.Take() {
				s.step(ctx, ev)
			}
		case <-s.inbox.Bell():
			for _, ev := range s.inbox.Take() {
				s.take(ctx, ev)
			}
		}
	}
}

// fare takes in how this node and its datacenter fare. Cores are the datacenter's, of
// which its placer tells: a manager has none of its own.
func (s *side) fare(ctx context.Context) {
	asking, stop := context.WithTimeout(ctx, faresEach)
	defer stop()
	s.step(ctx, child.Fares{Vitals: s.Vitals(), Capacity: s.Capacity(asking)})
	if s.Draining() {
		s.step(ctx, child.Drain{})
	}
}

// take takes one event in.
func (s *side) take(ctx context.Context, ev any) {
	switch ev := ev.(type) {
	case doors.Linked:
		s.step(ctx, child.Linked{Parent: ev.Parent, Boot: ev.Boot})
	case doors.Unlinked:
		s.step(ctx, child.Unlinked{Parent: ev.Parent})
	case doors.Said:
		s.step(ctx, child.Told{By: ev.By, Down: ev.Down})
	case child.Event:
		s.step(ctx, ev)
	}
}

// step gives the plain code an event and performs what it wants.
func (s *side) step(ctx context.Context, ev child.Event) {
	for _, e := range s.child.Step(s.now(), ev) {
		switch e := e.(type) {
		case child.Tell:
			s.doors.Say(e.To, e.Up) // if the link is gone, the event is on its way
		case child.Look:
			s.looks.Go(func() { s.inbox.Put(child.Looked{Job: e.Job, Over: s.Over(ctx, e.Job)}) })
		case child.Wake:
			s.wake.Reset(max(e.At-s.now(), 0))
		default:
			s.Do(ctx, e)
		}
	}
}
