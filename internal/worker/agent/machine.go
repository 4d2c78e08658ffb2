package agent

import "time"

// machine is what all that is held shares: the cores with the engines on them,
// the clock, and what the step under way wants done.
type machine struct {
	cfg     Config
	engines map[uint64]*engine
	last    uint64 // number of the last engine
	now     time.Duration
	effects []Effect
	news    bool          // something changed that parents are to hear of
	leaves  time.Duration // the worker drains, and gives back from then on what still waits to be started; 0: it does not

	acknowledged uint64 // windows, since the start
}

// engine is one engine process, from the order to start it until it is gone.
// Whoever has one has its cores.
type engine struct {
	id                uint64
	hold              *hold // nil: it was let go, and is only waited for
	cores             int
	prepared, started bool
}

func (m *machine) do(e Effect) { m.effects = append(m.effects, e) }

// free is how many cores nobody has.
func (m *machine) free() int {
	n := m.cfg.Cores
	for _, e := range m.engines {
		n -= e.cores
	}
	return n
}

// startEngine takes the cores of a hold for a new engine.
func (m *machine) startEngine(h *hold) {
	m.last++
	h.engine = &engine{id: m.last, hold: h, cores: h.plan.cores}
	m.engines[m.last] = h.engine
	m.do(StartEngine{Engine: m.last, Hold: h.Hold, Brief: h.plan.text, Cores: h.plan.cores})
}

// letGo kills the engine of a hold, if it has one. Its cores come back when it is
// gone.
func (m *machine) letGo(h *hold) {
	if h.engine == nil {
		return
	}
	m.do(KillEngine{Engine: h.engine.id})
	h.engine.hold = nil
	h.engine = nil
}

// tell tells the engine of a hold something.
func (m *machine) tell(h *hold, c Command) { m.do(ToEngine{Engine: h.engine.id, Command: c}) }

// holder is the hold that the engine runs; nil: it was let go.
func (m *machine) holder(id uint64) *hold {
	if e := m.engines[id]; e != nil {
		return e.hold
	}
	return nil
}

// lost forgets an engine that is gone, which gives its cores back, and gives the
// hold that it ran; nil: it was let go before.
func (m *machine) lost(id uint64) *hold {
	e := m.engines[id]
	if e == nil {
		return nil
	}
	delete(m.engines, id)
	m.news = true
	if e.hold != nil {
		e.hold.engine = nil
	}
	return e.hold
}
