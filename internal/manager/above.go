package manager

import (
	"context"
	"sync"
	"time"

	"hyperscale/internal/child"
	"hyperscale/internal/doors"
	"hyperscale/internal/mailbox"
	"hyperscale/internal/station"
)

// above is this manager's side towards gates: the connections to them, and the plain
// code that decides what they are told. All of it belongs to the goroutine in loop.
type above struct {
	station.Inside
	began time.Time // when its clock was zero
	child *child.Manager
	doors *doors.Doors
	inbox *mailbox.Mailbox[any] // doors.Event or child.Event
	wake  *time.Timer
	looks sync.WaitGroup
}

// faresEach is how often gates are told how the datacenter fares.
const faresEach = time.Second

// lookUp keeps up the links to gates, until ctx ends.
func (c Config) lookUp(ctx context.Context, in station.Inside) error {
	a := &above{
		Inside: in, began: time.Now(), inbox: mailbox.New[any](), wake: time.NewTimer(time.Hour),
		child: child.NewManager(child.Config{Node: c.Self.Node, Boot: in.Boot, Datacenter: c.Self.DC}),
	}
	a.wake.Stop()
	defer a.wake.Stop()
	a.doors = doors.New(doors.Config{
		Kind: "gate", Names: c.Gates, Dialing: in.Dialing, Log: in.Log, Tell: func(ev doors.Event) { a.inbox.Put(ev) },
	})
	visiting, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var visits sync.WaitGroup
	visits.Go(func() { a.doors.Run(visiting) })
	a.loop(ctx)
	a.doors.Leave()
	goes := time.AfterFunc(lastWord, stop)
	visits.Wait()
	goes.Stop()
	a.looks.Wait()
	return nil
}

// lastWord is how long gates have to hear the last of what was said.
const lastWord = time.Second

func (a *above) now() time.Duration { return time.Since(a.began) }

// loop takes what comes until ctx ends.
func (a *above) loop(ctx context.Context) {
	fares := time.NewTicker(faresEach)
	defer fares.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake.C:
			a.step(ctx, child.Tick{})
		case <-fares.C:
			a.fare(ctx)
		case <-a.Tier.Led().News().Bell():
			for _, ev := range a.Tier.Led().News().Take() {
				a.step(ctx, ev)
			}
		case <-a.inbox.Bell():
			for _, ev := range a.inbox.Take() {
				a.take(ctx, ev)
			}
		}
	}
}

// fare takes in how this node and its datacenter fare. Cores are the datacenter's, of
// which its placer tells: a manager has none of its own.
func (a *above) fare(ctx context.Context) {
	asking, stop := context.WithTimeout(ctx, faresEach)
	defer stop()
	a.step(ctx, child.Fares{Vitals: a.Vitals(), Capacity: a.Tier.Ops().Capacity(asking)})
	if a.Draining() {
		a.step(ctx, child.Drain{})
	}
}

// take takes one event in.
func (a *above) take(ctx context.Context, ev any) {
	switch ev := ev.(type) {
	case doors.Linked:
		a.step(ctx, child.Linked{Parent: ev.Parent, Boot: ev.Boot})
	case doors.Unlinked:
		a.step(ctx, child.Unlinked{Parent: ev.Parent})
	case doors.Said:
		a.step(ctx, child.Told{By: ev.By, Down: ev.Down})
	case child.Event:
		a.step(ctx, ev)
	}
}

// step gives the plain code an event and performs what it wants.
func (a *above) step(ctx context.Context, ev child.Event) {
	for _, e := range a.child.Step(a.now(), ev) {
		switch e := e.(type) {
		case child.Tell:
			a.doors.Say(e.To, e.Up) // if the link is gone, the event is on its way
		case child.Look:
			a.looks.Go(func() { a.inbox.Put(child.Looked{Job: e.Job, Over: a.Tier.Ops().Over(ctx, e.Job)}) })
		case child.Wake:
			a.wake.Reset(max(e.At-a.now(), 0))
		default:
			a.Tier.Led().Do(ctx, e)
		}
	}
}
