package worker

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/doors"
	"hyperscale/internal/link"
	"hyperscale/internal/process"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/worker/agent"
)

// shell is a worker that runs. All of it belongs to the goroutine in loop.
type shell struct {
	*Worker
	boot    hyperscale.Boot
	ctx     context.Context // of all that it starts
	now     func() time.Duration
	agent   *agent.Agent
	wake    *time.Timer
	engines engines
	doors   *doors.Doors // to managers
	drained bool
	counts  counts

	visits sync.WaitGroup // the doors
	others sync.WaitGroup // all else that was started
}

// counts are for metrics.
type counts struct {
	enginesStarted, enginesDied, windowsSent, proofsRefused uint64
}

func (w *Worker) newShell(ctx context.Context, boot hyperscale.Boot) *shell {
	began := time.Now()
	s := &shell{
		Worker: w, boot: boot, ctx: ctx, now: func() time.Duration { return time.Since(began) },
		wake: time.NewTimer(time.Hour),
	}
	s.wake.Stop()
	s.doors = doors.New(doors.Config{
		Kind: "manager", Names: w.cfg.Join, Dialing: w.dialing(boot), Log: w.log, Lookup: w.deps.Lookup,
		Tell: func(ev doors.Event) { w.inbox.Put(ev) },
	})
	starting := w.deps.Engine
	starting.Log = w.log
	s.engines = engines{byID: map[uint64]*engine{}, starter: process.NewStarter(starting)}
	s.agent = agent.New(agent.Config{
		Node: w.cfg.Self.Node, Boot: boot, Cores: w.cfg.Cores, Autonomy: w.cfg.Autonomy, MaxKept: w.cfg.MaxKept, Lapse: s.lapse,
	})
	return s
}

// loop takes what comes until the worker has drained or ctx ends.
func (s *shell) loop(ctx context.Context) {
	defer s.wake.Stop()
	for !s.drained {
		select {
		case <-ctx.Done():
			return
		case <-s.wake.C:
			s.step(agent.Tick{})
		case <-s.inbox.Bell():
			for _, ev := range s.inbox.Take() {
				s.take(ev)
			}
		}
	}
	s.log.Info("drained: nothing is held any more")
}

// leave says what there is to say to managers, and then ends everything.
func (s *shell) leave(stop context.CancelFunc) {
	if s.ctx.Err() == nil {
		s.doors.Leave()
		s.visits.Wait()
	}
	stop()
	s.visits.Wait()
}

// take takes one event in.
func (s *shell) take(ev any) {
	switch ev := ev.(type) {
	case doors.Linked:
		s.step(agent.Linked{Manager: ev.Parent, Boot: ev.Boot})
	case doors.Unlinked:
		s.step(agent.Unlinked{Manager: ev.Parent})
	case doors.Said:
		s.said(ev.By, ev.Down)
	case look:
		ev.answer <- figures{s.agent.Figures(), s.doors.Links(), s.counts}
	case agent.Event:
		s.engines.gone(s, ev)
		s.step(ev)
	}
}

// step gives the agent an event and performs what it wants.
func (s *shell) step(ev agent.Event) {
	for _, e := range s.agent.Step(s.now(), ev) {
		switch e := e.(type) {
		case agent.StartEngine:
			s.startEngine(e)
		case agent.ToEngine:
			s.toEngine(e)
		case agent.KillEngine:
			if en := s.engines.byID[e.Engine]; en != nil {
				en.kill()
			}
		case agent.Tell:
			s.tell(e)
		case agent.Wake:
			s.wake.Reset(max(e.At-s.now(), 0))
		case agent.Drained:
			s.drained = true
		}
	}
}

// tell puts what is to be said to a manager on its way. If the link is gone, the agent
// will hear so.
func (s *shell) tell(e agent.Tell) {
	if _, is := e.Up.(link.Delivery); s.doors.Say(e.To, e.Up) && is {
		s.counts.windowsSent++
	}
}

// said takes in what a manager says.
func (s *shell) said(by hyperscale.NodeID, down link.Down) {
	switch down := down.(type) {
	case link.Word:
		if down.Drain {
			s.step(agent.Drain{})
		}
	case link.Order:
		if down.Proof != nil {
			s.cancelled(by, down)
			return
		}
		s.ordered(by, down)
	}
	s.step(agent.Told{By: by, Down: down})
}

// cancelled obeys an order to stop that shows a client's wish, whoever gives it, if
// that client may wish so.
func (s *shell) cancelled(by hyperscale.NodeID, o link.Order) {
	who, err := s.mayCancel(o)
	if err != nil {
		s.counts.proofsRefused++
		s.log.Warn("a client's cancel is refused", append(holdAttrs(o.Hold), "manager", by, "reason", err)...)
		return
	}
	client := who.Tenant + "/" + who.Name
	s.log.Info("a client's cancel is obeyed", append(holdAttrs(o.Hold), "manager", by, "client", client)...)
	s.step(agent.Told{By: by, Down: o, Cancelled: link.Cancelled{By: client, Whole: o.Proof.Workflow == ""}})
}

// mayCancel says which client shows that it wants an end, and whether the proof is
// good, is of this load and of somebody whose job it may be: of the same tenant.
func (s *shell) mayCancel(o link.Order) (identity.ID, error) {
	p := o.Proof
	who, err := rpc.CheckProof(s.deps.Certificates, s.cfg.Self, p)
	if err != nil {
		return who, err
	}
	tenant, _, _ := strings.Cut(s.agent.Client(o.Hold), "/")
	switch {
	case p.Job != o.Hold.Job || p.Workflow != "" && p.Workflow != o.Hold.Workflow:
		return who, fmt.Errorf("it is of job %s, workflow %q", p.Job, p.Workflow)
	case tenant != who.Tenant:
		return who, fmt.Errorf("%s is of another tenant than whose job it is, %q", who.Who(), tenant)
	}
	return who, nil
}

// ordered logs an order.
func (s *shell) ordered(by hyperscale.NodeID, o link.Order) {
	level := slog.LevelInfo
	if o.Do == link.Own || o.Do == link.Adjust {
		level = slog.LevelDebug
	}
	attrs := append(holdAttrs(o.Hold), "manager", by)
	if o.Epoch < link.NoOwner { // else nobody owns the job any more
		attrs = append(attrs, "epoch", uint64(o.Epoch))
	}
	s.log.Log(s.ctx, level, "ordered to "+doNames[o.Do], attrs...)
}

// doNames are the orders in words.
var doNames = map[link.Do]string{
	link.Own: "obey another owner", link.Prepare: "prepare", link.Start: "start", link.Stop: "stop",
	link.Cut: "cut", link.Drop: "drop", link.Adjust: "adjust",
}

// holdAttrs name a hold in logs.
func holdAttrs(h link.Hold) []any {
	return []any{
		"job", h.Job, "workflow", h.Workflow,
		"share", fmt.Sprintf("[%d,%d)/%d", h.Share.Lo, h.Share.Hi, h.Share.Of), "turn", uint64(h.Share.Turn),
	}
}

// reasonOf is why an engine is gone, in words that follow "its engine died: ".
func reasonOf(err error) string {
	return strings.TrimPrefix(err.Error(), "the engine died: ")
}
