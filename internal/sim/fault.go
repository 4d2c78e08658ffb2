package sim

import (
	"fmt"
	"time"

	"hyperscale"
)

// fault is something that goes wrong at a time.
type fault struct {
	at     time.Duration
	kind   kind
	a, b   int
	length time.Duration
	hard   bool // of a kill: the machine goes too
}

// kind is what goes wrong.
type kind string

// The kinds of faults.
const (
	killWorker    kind = "kill worker"
	killEngine    kind = "kill engine"
	killManager   kind = "kill manager"
	killAll       kind = "kill all managers"
	pauseWorker   kind = "pause worker"
	pauseMachine  kind = "pause worker and engines"
	pauseManager  kind = "pause manager"
	partition     kind = "partition"
	oneWay        kind = "one-way partition"
	isolateWorker kind = "isolate worker"
	isolateOwner  kind = "isolate manager"
	resetStreams  kind = "reset streams"
	storeGone     kind = "store without leader"
	storeSlow     kind = "store slow"
	storeCut      kind = "store cut off from manager"
	clockStep     kind = "clock step"
	changePlacer  kind = "placer change"
	drainManager  kind = "drain manager"
	drainWorker   kind = "drain worker"
	refusal       kind = "refusals"
	aloof         kind = "manager apart from managers, its watch late"
)

var kinds = []kind{
	killWorker, killWorker, killEngine, killManager, killManager, killAll, pauseWorker, pauseMachine, pauseManager,
	partition, oneWay, isolateWorker, isolateOwner, resetStreams, storeGone, storeSlow, storeCut, clockStep,
	changePlacer, drainManager, drainWorker, refusal, aloof,
}

func (w fate) drawFault(s scenario) fault {
	f := fault{
		at: 2*time.Second + w.between(0, horizon), kind: pick(w.world, kinds), a: w.rand.IntN(64), b: w.rand.IntN(64),
		length: w.between(100*time.Millisecond, 3*time.Second), hard: w.chance(0.3),
	}
	if w.chance(0.4) {
		f.length = w.between(2*time.Second, 12*time.Second)
	}
	return f
}

func (f fault) String() string {
	return fmt.Sprintf("%s at %v (%d, %d) for %v, hard %v", f.kind, f.at, f.a, f.b, f.length, f.hard)
}

// faulty reports whether a fault without a moment is on at this one, by chance.
func (s *scenario) faulty(w *world, k kind) bool {
	for _, f := range s.faults {
		if f.kind == k && f.at <= w.now && w.now < f.at+f.length {
			return w.chance(0.5)
		}
	}
	return false
}

// mishaps are what goes wrong in a world.
type mishaps struct{ *world }

// strike makes a fault happen.
func (w mishaps) strike(f fault) {
	w.say("FAULT %s", f)
	w.saw("fault " + string(f.kind))
	m := w.managers[f.a%len(w.managers)]
	k := w.workers[f.a%len(w.workers)]
	switch f.kind {
	case killWorker:
		k.kill(f.hard)
		w.after(f.length, k.startIfDown)
	case killEngine:
		if list := k.sorted(); len(list) > 0 {
			list[f.b%len(list)].kill("signal: killed")
		}
	case killManager:
		m.kill(f.hard)
		w.after(f.length, m.startIfDown)
	case killAll:
		for _, m := range w.managers {
			m.kill(false)
			w.after(f.length+w.between(0, time.Second), m.startIfDown)
		}
	case pauseWorker:
		k.stops.stop(w.world, f.length)
	case pauseMachine:
		k.stops.stop(w.world, f.length)
		for _, e := range k.sorted() {
			e.stops.stop(w.world, f.length)
		}
	case pauseManager:
		m.stops.stop(w.world, f.length)
	case storeGone:
		w.outage = max(w.outage, w.now+min(f.length, 3*time.Second))
	case storeSlow:
		w.slow = max(w.slow, w.now+f.length)
	case clockStep:
		m.proc.step -= 10 * f.length
	case changePlacer:
		w.placerGoes()
	case drainManager:
		m.at(w.now, office{m}.handOver)
	case drainWorker:
		k.at(w.now, k.drain)
	default:
		w.strikeNetwork(f, m, k)
	}
}

// strikeNetwork makes a fault of the network happen.
func (w mishaps) strikeNetwork(f fault, m *manager, k *worker) {
	switch f.kind {
	case partition:
		w.cut(m.id, k2(w.world, f).id, f.length)
		w.cut(k2(w.world, f).id, m.id, f.length)
	case oneWay:
		from, to := m.id, k2(w.world, f).id
		if f.hard {
			from, to = to, from
		}
		w.cut(from, to, f.length)
	case isolateWorker:
		for _, m := range w.managers {
			w.cut(k.id, m.id, f.length)
			w.cut(m.id, k.id, f.length)
		}
	case isolateOwner:
		for _, id := range w.names() {
			w.cut(m.id, id, f.length)
			w.cut(id, m.id, f.length)
		}
	case aloof:
		for _, other := range w.managers {
			w.cut(m.id, other.id, f.length)
			w.cut(other.id, m.id, f.length)
		}
		m.blind = max(m.blind, w.now+f.length)
	case storeCut:
		if f.hard {
			w.cut(m.id, storeID, f.length)
		}
		w.cut(storeID, m.id, f.length)
	case resetStreams:
		for _, s := range append([]*stream(nil), k.streams...) {
			m := w.manager(s.ends[1].p.id)
			k.at(w.now, func() {
				if s.ends[0].open {
					s.close(0)
					k.unlinked(m, s)
				}
			})
		}
	}
}

// k2 is the worker that the other number names.
func k2(w *world, f fault) *worker { return w.workers[f.b%len(w.workers)] }

// names are all that a manager talks to.
func (w mishaps) names() []hyperscale.NodeID {
	list := []hyperscale.NodeID{storeID}
	for _, m := range w.managers {
		list = append(list, m.id)
	}
	for _, k := range w.workers {
		list = append(list, k.id)
	}
	for _, c := range w.clients {
		list = append(list, c.id)
	}
	return list
}
