package worker

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"hyperscale"
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
	book    book
	doors   map[string]*door            // by address
	pipes   map[hyperscale.NodeID]*pipe // to managers that are linked
	leaving chan struct{}               // closed: say what there is to say, and go
	drained bool
	counts  counts

	visits sync.WaitGroup // doors
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
		wake: time.NewTimer(time.Hour), leaving: make(chan struct{}),
		book: book{map[string]*place{}}, doors: map[string]*door{}, pipes: map[hyperscale.NodeID]*pipe{},
	}
	s.wake.Stop()
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
		close(s.leaving)
		for a, d := range s.doors {
			if p := s.book.places[a]; p == nil || !p.linked {
				d.close() // nobody listens there
			}
		}
		s.visits.Wait()
	}
	stop()
	s.visits.Wait()
}

// take takes one event in.
func (s *shell) take(ev any) {
	switch ev := ev.(type) {
	case greeted:
		s.greeted(ev)
	case said:
		s.said(ev)
	case parted:
		s.parted(ev)
	case found:
		s.found(ev)
	case look:
		ev.answer <- figures{s.agent.Figures(), s.book.links(), s.counts}
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

// tell puts what is to be said to a manager on its way.
func (s *shell) tell(e agent.Tell) {
	p := s.pipes[e.To]
	if p == nil {
		return // the link is gone, and the agent will hear so
	}
	if d, is := e.Up.(link.Delivery); is {
		s.counts.windowsSent++
		p.deliver.Put(d)
		return
	}
	p.attach.Put(e.Up)
}

// greeted takes a new link, unless there is one to that manager.
func (s *shell) greeted(ev greeted) {
	node := ev.word.Node
	wanted := s.book.greet(s.now(), ev.door.address, node)
	ev.answer <- wanted
	if wanted {
		s.pipes[node] = ev.pipe
		s.step(agent.Linked{Manager: node, Boot: ev.word.Boot})
	}
}

// said takes in what a manager says.
func (s *shell) said(ev said) {
	if s.pipes[ev.by] != ev.pipe {
		return // over a link that is no more
	}
	switch down := ev.down.(type) {
	case link.Word:
		if down.Drain {
			s.step(agent.Drain{})
		}
		for _, p := range down.Parents {
			s.open(p.Address)
		}
	case link.Receipt:
		s.open(down.Owner.Address)
	case link.Order:
		if down.Proof != nil {
			s.cancelled(ev.by, down)
			return
		}
		s.ordered(ev.by, down)
	}
	s.step(agent.Told{By: ev.by, Down: ev.down})
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

// parted ends a link. Other addresses of the manager are tried at once.
func (s *shell) parted(ev parted) {
	for _, a := range s.book.part(s.now(), ev.door.address) {
		if d := s.doors[a]; d != nil {
			select {
			case d.again <- struct{}{}:
			default: // it was told
			}
		}
	}
	if s.pipes[ev.by] == ev.pipe {
		delete(s.pipes, ev.by)
		s.step(agent.Unlinked{Manager: ev.by})
	}
}

// found opens the doors that a lookup found, and forgets those of no use.
func (s *shell) found(ev found) {
	s.open(ev.addresses...)
	for _, a := range s.book.sweep(s.now()) {
		s.log.Info("a manager's address is forgotten", "address", a)
		s.doors[a].close()
		delete(s.doors, a)
	}
}

// open makes sure that there is a door to each address.
func (s *shell) open(addresses ...string) {
	for _, a := range s.book.name(s.now(), addresses...) {
		ctx, stop := context.WithCancel(s.ctx)
		d := &door{
			address: a, dialing: s.dialing(s.boot), now: s.now, inbox: s.inbox, log: s.log,
			close: stop, leave: s.leaving, again: make(chan struct{}, 1),
		}
		s.doors[a] = d
		s.visits.Go(func() {
			defer stop()
			d.run(ctx)
		})
	}
}

// reasonOf is why an engine is gone, in words that follow "its engine died: ".
func reasonOf(err error) string {
	return strings.TrimPrefix(err.Error(), "the engine died: ")
}
