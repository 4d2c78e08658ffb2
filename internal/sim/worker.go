package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/worker/agent"
)

// worker is a worker's process and its engines.
type worker struct {
	proc
	agent   *agent.Agent
	cores   int
	streams []*stream
	conns   map[hyperscale.NodeID]*stream
	engines map[uint64]*engine
	wake    time.Duration
	inbox   []func()
	killed  bool // it ever was
}

func (w *world) newWorker(id hyperscale.NodeID, cores int) *worker {
	k := &worker{proc: proc{w: w, id: id}, cores: cores}
	w.workers = append(w.workers, k)
	return k
}

// start starts the process.
func (k *worker) start() {
	k.boot++
	k.up, k.lost = true, false
	k.agent = agent.New(agent.Config{Node: k.id, Boot: k.boot, Cores: k.cores, Lapse: lapsed, Autonomy: autonomy})
	k.streams, k.conns, k.engines, k.wake = nil, map[hyperscale.NodeID]*stream{}, map[uint64]*engine{}, 0
	k.inbox = nil
	k.w.say("%s starts, boot %d", k.id, k.boot)
	for _, m := range k.w.managers {
		k.after(k.w.between(0, 200*time.Millisecond), func() { k.dial(m, 100*time.Millisecond) })
	}
	k.after(time.Second, k.listen)
}

// autonomy is how long a worker goes on alone here.
const autonomy = 20 * time.Second

// kill ends the process, and its engines with it.
func (k *worker) kill(machine bool) {
	if !k.up {
		return
	}
	k.w.say("%s is killed, machine %v", k.id, machine)
	k.lost, k.killed = machine, true
	k.end()
	k.w.die(k.streams, &k.proc)
	for _, e := range k.sorted() {
		e.die()
		witness{k.w}.doubt(k, e)
	}
	k.engines = nil
}

func (k *worker) sorted() []*engine {
	var list []*engine
	for _, id := range slices.Sorted(maps.Keys(k.engines)) {
		list = append(list, k.engines[id])
	}
	return list
}

// dial connects to a manager, and tries again until it does.
func (k *worker) dial(m *manager, pause time.Duration) {
	again := func(wait time.Duration) {
		k.after(wait+pause, func() { k.dial(m, min(pause*8/5, 3*time.Second)) })
	}
	w, boot := k.w, k.boot
	w.after(w.latency(k.id, m.id), func() {
		switch {
		case w.net.cutOff(k.id, m.id) || w.net.cutOff(m.id, k.id) || m.lost || m.up && m.stopped():
			again(2 * time.Second) // no answer
		case !m.up:
			again(0)
		case k.up && k.boot == boot:
			k.connect(m)
		}
	})
}

// connect opens a stream, and gives up when no word of welcome comes.
func (k *worker) connect(m *manager) {
	linked := false
	e := &end{p: &k.proc}
	var s *stream
	e.got = func(message any) {
		if down, ok := message.(link.Down); ok {
			k.step(agent.Told{By: m.id, Down: k.w.cfg.Sabotage.heard(down)})
			return
		}
		linked = true
		k.streams = append(k.streams, s)
		k.conns[m.id] = s
		k.step(agent.Linked{Manager: m.id, Boot: s.ends[1].boot})
	}
	e.ended = func() { k.unlinked(m, s) }
	s = m.accept(k, e)
	k.after(2*time.Second, func() {
		if !linked && e.open {
			s.close(0)
			k.unlinked(m, s)
		}
	})
}

// unlinked: the connection is gone, and dialled anew.
func (k *worker) unlinked(m *manager, s *stream) {
	k.streams = without(k.streams, s)
	if k.conns[m.id] == s {
		delete(k.conns, m.id)
		k.step(agent.Unlinked{Manager: m.id})
	}
	k.dial(m, 100*time.Millisecond)
}

// listen hangs up on managers that are not heard.
func (k *worker) listen() {
	k.after(time.Second, k.listen)
	for _, m := range k.w.managers {
		s := k.conns[m.id]
		if s != nil && k.w.now-s.ends[0].heard > 3*time.Second {
			k.w.say("%s hears %s no more", k.id, m.id)
			s.close(0)
			k.unlinked(m, s)
		}
	}
}

// step gives the agent an event and does what follows.
func (k *worker) step(ev agent.Event) {
	k.inbox = append(k.inbox, func() { k.stepNow(ev) })
	if len(k.inbox) > 1 {
		return
	}
	for len(k.inbox) > 0 {
		k.inbox[0]()
		k.inbox = k.inbox[1:]
	}
	k.inbox = nil
}

func (k *worker) stepNow(ev agent.Event) {
	for _, e := range k.agent.Step(k.mono(), ev) {
		switch e := e.(type) {
		case agent.StartEngine:
			k.engines[e.Engine] = newEngine(k, e)
		case agent.ToEngine:
			if g := k.engines[e.Engine]; g != nil {
				g.tell(e.Command)
			}
		case agent.KillEngine:
			if g := k.engines[e.Engine]; g != nil {
				g.kill("it was killed")
			}
		case agent.Tell:
			k.tell(e)
		case agent.Wake:
			k.wake = e.At
			k.at(k.until(e.At), func() {
				if k.wake == e.At {
					k.step(agent.Tick{})
				}
			})
		case agent.Drained:
			k.w.say("%s has drained", k.id)
			k.at(k.w.now, func() { k.kill(false) })
			k.w.after(k.w.between(time.Second, 5*time.Second), k.startIfDown)
		}
	}
}

func (k *worker) tell(e agent.Tell) {
	s := k.conns[e.To]
	if s == nil {
		return
	}
	on := 0
	if d, window := e.Up.(link.Delivery); window {
		on = 1
		witness{k.w}.sent(k, d)
	}
	s.send(0, on, e.Up)
}

func orderText(o link.Order) string {
	what := [...]string{"own", "prepare", "start", "stop", "cut", "drop", "adjust"}[o.Do]
	return fmt.Sprintf("%s %s epoch %d number %d at %v in %v", what, holdText(o.Hold), o.Epoch, o.Number, o.At, o.In)
}

func holdText(h link.Hold) string {
	return fmt.Sprintf("%s/%s [%d,%d)/%d turn %d from %v", h.Job, h.Workflow, h.Share.Lo, h.Share.Hi, h.Share.Of, h.Share.Turn, h.Share.From)
}
