package worker

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"hyperscale"
	"hyperscale/internal/demo"
	"hyperscale/internal/link"
	"hyperscale/internal/process"
	"hyperscale/internal/spec"
	"hyperscale/internal/worker/agent"
	"hyperscale/internal/worker/lapse"
)

// engines are the engine processes that are not gone, and the target that plans
// without one are run against.
type engines struct {
	byID    map[uint64]*engine
	starter *process.Starter
	demo    string // URL; "": it was not wanted yet
}

// engine is one engine process.
type engine struct {
	*process.Process
	hold link.Hold
	kill context.CancelFunc
}

// gone forgets an engine that said its last.
func (n *engines) gone(s *shell, ev agent.Event) {
	var id uint64
	switch ev := ev.(type) {
	case agent.EngineRefused:
		id = ev.Engine
		s.logEngine(slog.LevelWarn, id, "an engine refuses", "reason", ev.Reason)
	case agent.EngineEnded:
		id = ev.Engine
		s.logEngine(slog.LevelInfo, id, "an engine has ended", "stopped", ev.Ending.Stopped, "reason", ev.Ending.Reason)
	case agent.EngineDied:
		id = ev.Engine
		s.counts.enginesDied++
		s.logEngine(slog.LevelWarn, id, "an engine died", "reason", ev.Reason)
	}
	delete(n.byID, id)
}

func (s *shell) logEngine(level slog.Level, id uint64, what string, more ...any) {
	var attrs []any
	if e := s.engines.byID[id]; e != nil {
		attrs = holdAttrs(e.hold)
	}
	s.log.Log(s.ctx, level, what, append(append(attrs, "engine", id), more...)...)
}

// startEngine starts a process for a share. What comes of it comes as events.
func (s *shell) startEngine(e agent.StartEngine) {
	refuse := func(err error) { s.inbox.Put(agent.EngineRefused{Engine: e.Engine, Reason: err.Error()}) }
	plan, _, err := spec.Outline(e.Brief)
	if err != nil {
		refuse(err)
		return
	}
	setup := process.Setup{Node: s.cfg.Self.Node, Autonomy: s.cfg.Autonomy, Targets: s.cfg.Targets}
	if plan.Target == spec.DemoTarget {
		if setup.Demo, err = s.demoTarget(); err != nil {
			refuse(err)
			return
		}
	}
	ctx, kill := context.WithCancel(s.ctx)
	p := s.engines.starter.New(setup, e.Brief, func(m process.Message) { s.inbox.Put(eventOf(e.Engine, m)) })
	s.engines.byID[e.Engine] = &engine{Process: p, hold: e.Hold, kill: kill}
	s.counts.enginesStarted++
	s.others.Go(func() {
		defer kill()
		if err := p.Run(ctx); err != nil {
			s.inbox.Put(agent.EngineDied{Engine: e.Engine, Reason: reasonOf(err)})
		}
	})
}

// eventOf is what an engine tells, as the agent takes it.
func eventOf(id uint64, m process.Message) agent.Event {
	switch m := m.(type) {
	case process.Prepared:
		return agent.EnginePrepared{Engine: id, Lowered: m.Lowered}
	case process.Refused:
		return agent.EngineRefused{Engine: id, Reason: m.Reason}
	case process.Window:
		return agent.EngineWindow{Engine: id, Window: m.Window}
	case process.Beat:
		return agent.EngineBeat{Engine: id, Reserve: m.Reserve}
	case process.Aborted:
		return agent.EngineAborted{Engine: id, Step: m.Step}
	case process.Ended:
		return agent.EngineEnded{Engine: id, Ending: m.Ending, Alone: m.Alone}
	}
	panic(fmt.Sprintf("worker: an engine tells a %T", m))
}

// toEngine tells an engine something.
func (s *shell) toEngine(e agent.ToEngine) {
	en := s.engines.byID[e.Engine]
	if en == nil {
		return // it is gone, and the agent will hear so
	}
	switch c := e.Command; c.Do {
	case agent.Start:
		en.Start(process.Start{
			Number: c.Number, Begin: c.Begin, At: c.At, In: c.In, Again: c.Again, From: c.From, Reserve: c.Reserve, Until: c.Until,
		})
	case agent.Stop:
		en.Stop(c.Within)
	case agent.Cut:
		en.Cut()
	case agent.Beat:
		en.Beat(c.Until)
	case agent.Grant:
		en.Grant(c.Reserve)
	case agent.Adjust:
		en.Adjust(c.Brief)
	}
}

// loadOf is what of a brief the schedule needs.
func loadOf(plan *hyperscale.Plan, run spec.Run) lapse.Load {
	return lapse.Load{
		Load: run.Load, Source: hyperscale.NewSource(plan.Seed, plan.Workflows[0].Name), First: run.First,
		Warmup: run.Warmup, From: link.Reserve{Place: run.Place, Pass: run.Pass}, Adjustments: run.Adjustments,
	}
}

// lapse says what the schedule held while a share had no engine. The brief was
// read before.
func (s *shell) lapse(g agent.Gone) agent.Lapse {
	plan, run, err := spec.Outline(g.Brief)
	if err != nil {
		panic(fmt.Sprintf("worker: a brief that an engine ran: %v", err))
	}
	load := loadOf(plan, run)
	return load.Of(g)
}

// demoTarget is the URL of this worker's demo target, which is served from then on.
func (s *shell) demoTarget() (string, error) {
	if s.engines.demo != "" {
		return s.engines.demo, nil
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("serve the demo target: %w", err)
	}
	s.engines.demo = "http://" + ln.Addr().String()
	s.log.Info("the demo target is served", "url", s.engines.demo)
	s.others.Go(func() {
		if err := demo.Serve(s.ctx, ln); err != nil {
			s.log.Error("the demo target can't be served any more", "reason", err)
		}
	})
	return s.engines.demo, nil
}
