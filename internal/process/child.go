package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/engine"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/link"
	"hyperscale/internal/prepare"
	"hyperscale/internal/schedule"
	"hyperscale/internal/spec"
	"hyperscale/internal/spec/pack"
	"hyperscale/internal/stats"
)

// legID is the engine's number of its only leg.
const legID = 1

// Main is the engine's side: it reads a brief and orders from in, runs the share
// and tells of it on out. It returns when the load has ended, or soon after in
// has: then its agent is gone, and whatever was under way is cut off. Reading
// goes on in the background until in ends or is closed.
func Main(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &child{out: out, orders: make(chan order)}
	briefs, read := make(chan []byte, 1), make(chan struct{})
	go func() {
		defer close(read)
		cancel(listen(ctx, in, briefs, c.orders))
	}()
	err := c.run(ctx, briefs)
	if cause := context.Cause(ctx); errors.Is(cause, io.EOF) {
		return nil // whatever failed did so for want of an agent
	}
	cancel(nil)
	select {
	case <-read:
	case <-time.After(lastWait):
	}
	return err
}

// lastWait is how long an engine that has ended waits for its agent to hang up.
const lastWait = 200 * time.Millisecond

// listen hands on what comes in until it ends.
func listen(ctx context.Context, in io.Reader, briefs chan<- []byte, orders chan<- order) error {
	for first := true; ; first = false {
		k, body, err := readFrame(in)
		if err != nil {
			return fmt.Errorf("read orders: %w", err)
		}
		if first != (k == sayBrief) {
			return errors.New("read orders: a brief comes first, and once")
		}
		if first {
			briefs <- body
			continue
		}
		o, err := readOrder(k, body, time.Now())
		if err != nil {
			return fmt.Errorf("read orders: %w", err)
		}
		select {
		case orders <- o:
		case <-ctx.Done():
			return io.EOF
		}
	}
}

// child is an engine's process. All of it belongs to the goroutine in run.
type child struct {
	out     io.Writer
	orders  chan order
	setup   Setup
	brief   *spec.Brief
	leg     engine.Leg
	names   *dial.Names
	engine  *engine.Engine
	reserve *reserve // nil: the load has none
	heard   time.Time
	until   hyperscale.JobTime // when all is to end by itself; 0: never
	alone   bool               // it did, or for want of a word
	aborted bool
	lowered string
}

// run is the life of an engine.
func (c *child) run(ctx context.Context, briefs <-chan []byte) error {
	var body []byte
	select {
	case body = <-briefs:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := c.prepare(ctx, body); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return c.tell(tellRefused, Refused{err.Error()})
	}
	if err := c.tell(tellPrepared, Prepared{c.lowered}); err != nil {
		return err
	}
	start, err := c.awaitStart(ctx)
	if err != nil {
		return err
	}
	if start == nil {
		return c.tell(tellEnded, Ended{})
	}
	return c.drive(ctx, *start)
}

// prepare makes all that the run needs.
func (c *child) prepare(ctx context.Context, body []byte) error {
	setup, brief, err := readBrief(body)
	if err != nil {
		return err
	}
	c.setup = setup
	if c.brief, err = spec.DecodeBrief(brief); err != nil {
		return err
	}
	if c.brief.Plan.Target == spec.DemoTarget {
		if setup.Demo == "" {
			return errors.New("the plan's target is demo, and this node has none")
		}
		c.brief.Plan.Target = setup.Demo
	}
	b := c.brief
	program, err := prepare.Compile(b.Plan, 0, b.Version, b.Rows, b.Use)
	if err != nil {
		return err
	}
	if c.names, err = namesOf(setup); err != nil {
		return err
	}
	// A name that is not found fails the requests that need it, and is told there.
	_ = c.names.Preload(ctx, program.Origins...)
	if err := c.names.Refused(program.Origins...); err != nil {
		return err
	}
	w := b.Workflow()
	flow := &prepare.Flow{Workflow: w, Origins: program.Origins, Share: b.Share}
	descriptors, ports := engine.Limits()
	if err := prepare.Fit([]*prepare.Flow{flow}, c.names, prepare.Limits{Descriptors: int64(descriptors), Ports: int64(ports)}); err != nil {
		return err
	}
	c.lowered = flow.Lowered
	if c.engine, err = engine.New(engine.Config{Lanes: b.Lanes, Names: c.names}); err != nil {
		return fmt.Errorf("prepare the engine: %w", err)
	}
	c.leg = engine.Leg{
		ID: legID, Workflow: w, Program: program, Layout: prepare.Layout(w.Name, program),
		Load: b.Load, Source: hyperscale.NewSource(b.Plan.Seed, w.Name), Share: b.Share,
		First: b.First, Warmup: b.Warmup, Graceful: b.Graceful, MaxInFlight: flow.MaxInFlight,
	}
	c.leg.MaxLateness = b.MaxLateness
	return nil
}

// namesOf gives the names of those hosts that the node lets engines reach, and of
// its own demo target.
func namesOf(setup Setup) (*dial.Names, error) {
	allowed := setup.Targets
	if demo, err := url.Parse(setup.Demo); err == nil && demo.Host != "" && len(allowed) > 0 {
		allowed = append(slices.Clone(allowed), demo.Host)
	}
	targets, err := dial.ParseTargets(allowed)
	if err != nil {
		return nil, err
	}
	names := dial.NewNames()
	names.Only(targets)
	return names, nil
}

// awaitStart waits for the start; nil: it was stopped before.
func (c *child) awaitStart(ctx context.Context) (*order, error) {
	for {
		select {
		case o := <-c.orders:
			switch o.kind {
			case sayStart:
				return &o, nil
			case sayStop, sayCut:
				return nil, nil
			case sayAdjust:
				if err := c.hearOf(o.adjust); err != nil {
					return nil, err
				}
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// begin sets the engine's clock and places the leg on it.
func (c *child) begin(o order) {
	s := o.start
	c.engine.Begin(o.came.Add(s.In - s.At))
	c.heard, c.until, c.leg.Until = o.came, s.Until, s.Until
	run := &c.brief.Run
	c.leg.At = s.Begin
	from := engine.Reserve{Place: run.Place, Pass: run.Pass}
	since := run.Share.From
	if s.Again {
		since = max(since, s.From)
		from.Place, from.Pass = max(from.Place, s.Reserve.Place), max(from.Pass, s.Reserve.Pass)
	}
	c.leg.Share.From, c.leg.From = max(since-c.leg.At, 0), from
	c.leg.Changes = c.changes()
	if places, passes := schedule.Ahead(run.Load, run.Share); places > 0 || passes > 0 {
		c.reserve = newReserve(c.engine.Now(), run, from, s.Again)
		asked := c.reserve.asked
		c.leg.UpTo = &asked
	}
}

// drive runs the share to its end.
func (c *child) drive(ctx context.Context, start order) error {
	c.begin(start)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- c.engine.Run(ctx) }()
	err := c.engine.Start(c.leg)
	if err == nil {
		err = c.loop(ctx)
	}
	cancel()
	for range c.engine.Reports() {
		// What comes after the end is of a leg that was cut off.
	}
	return errors.Join(err, <-done)
}

// loop passes orders on to the engine and its reports to the agent.
func (c *child) loop(ctx context.Context) error {
	wait := firstLook
	look := time.NewTimer(wait)
	defer look.Stop()
	if c.reserve != nil {
		if err := c.look(true); err != nil {
			return err
		}
	}
	for {
		var err error
		select {
		case r, runs := <-c.engine.Reports():
			if !runs {
				return context.Cause(ctx)
			}
			if err = c.reported(r); err == nil && r.Kind == engine.LegEnded {
				return nil
			}
		case o := <-c.orders:
			c.heard = o.came
			err = c.obey(o)
		case now := <-look.C:
			wait = min(2*wait, looking)
			look.Reset(wait)
			c.endAlone(now)
			if c.reserve != nil {
				err = c.look(false)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// endAlone ends the load when nothing was heard for too long. Once is enough, and it
// may have ended.
func (c *child) endAlone(now time.Time) {
	switch a := c.setup.Autonomy; {
	case c.alone:
	case c.until > 0 && c.engine.Now() >= c.until:
		c.alone = true
		_ = c.engine.Cut(legID)
	case a > 0 && now.Sub(c.heard) > a:
		c.alone = true
		_ = c.engine.Stop(legID, c.leg.Graceful)
	}
}

// obey carries an order out. A leg that has ended meanwhile needs nothing.
func (c *child) obey(o order) error {
	switch o.kind {
	case sayStop:
		_ = c.engine.Stop(legID, o.within)
	case sayCut:
		_ = c.engine.Cut(legID)
	case sayGrant:
		_ = c.engine.Grant(legID, engine.Reserve{Place: o.reserve.Place, Pass: o.reserve.Pass})
	case sayBeat:
		c.until = o.until
		c.engine.Lease(legID, o.until)
		return c.look(true)
	case sayAdjust:
		if err := c.hearOf(o.adjust); err != nil {
			return err
		}
		_ = c.engine.Adjust(legID, c.changes())
	default:
		return fmt.Errorf("an order of kind %d while the load runs", o.kind)
	}
	return nil
}

// hearOf takes in adjustments: all that were made so far. An older list, which
// came late, tells nothing new.
func (c *child) hearOf(b []byte) error {
	a, err := spec.DecodeAdjustments(b)
	if err != nil {
		return err
	}
	if len(a.List) > len(c.brief.Adjustments) {
		c.brief.Adjustments = a.List
	}
	return nil
}

// changes are the adjustments of the workflow on its own clock.
func (c *child) changes() []schedule.Change {
	return schedule.Changes(c.brief.Adjustments, c.brief.Workflow().Name, c.leg.At)
}

// look tells how far the load has come, if there is reason to or it was asked.
func (c *child) look(asked bool) error {
	now := c.engine.Now()
	beat := Beat{JobTime: max(now, 0)}
	if c.reserve != nil {
		if reach, runs := c.engine.Reach(legID); runs && c.reserve.look(now, reach) {
			asked = true
		}
		beat.Reserve = link.Reserve{Place: c.reserve.asked.Place, Pass: c.reserve.asked.Pass}
	}
	if !asked {
		return nil
	}
	return c.tell(tellBeat, beat)
}

// reported tells the agent what the engine reports.
func (c *child) reported(r engine.Report) error {
	switch r.Kind {
	case engine.WindowCut:
		if r.Window.Watch != (stats.Readings{}) {
			r.Window.Watch.Node = string(c.setup.Node)
		}
		return c.write(tellWindow, r.Window.AppendBinary(nil))
	case engine.StopAsked:
		if c.aborted {
			return nil
		}
		c.aborted = true
		return c.tell(tellAborted, Aborted{r.Step})
	}
	e := link.Ending{Failed: r.Failed, Interrupted: r.Interrupted, Reason: r.Reason, NoRows: r.NoRows, Waived: r.Waived, Stopped: r.Stopped}
	for name, v := range r.Exports {
		e.Exports = append(e.Exports, hyperscale.Pair{Name: name, Value: v.Text})
	}
	slices.SortFunc(e.Exports, func(a, b hyperscale.Pair) int { return cmp.Compare(a.Name, b.Name) })
	return c.tell(tellEnded, Ended{e, c.alone})
}

// tell tells the agent something.
func (c *child) tell(k kind, m Message) error { return c.write(k, pack.Append(nil, m)) }

func (c *child) write(k kind, body []byte) error {
	if _, err := c.out.Write(appendFrame(nil, k, body)); err != nil {
		return fmt.Errorf("tell the agent: %w", err)
	}
	return nil
}
