package stats

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"hyperscale"
)

// WorkerResult is what one worker did in a run on several.
type WorkerResult struct {
	Node     string
	Readings Readings     // over the whole run
	Requests uint64       // started, as far as windows of its turns told, stray ones left out
	Holds    []HoldResult // by workflow, share and turn
}

// HoldResult is what came of one turn.
type HoldResult struct {
	Workflow string
	Share    hyperscale.Share
	Slots    uint64             // started
	Requests uint64             // started
	Reach    hyperscale.JobTime // where its last window merged ends
	Lost     bool               // others went on with its slots, or nobody could
}

// Held are what came of all turns, by the node that held them, as the given function
// tells: workflow, share and turn in order. A turn without a node is left out.
func Held(t *Tally, node func(Standing) string) map[string][]HoldResult {
	byName := map[string][]HoldResult{}
	for _, s := range t.marks.Turns() {
		if name := node(s); name != "" {
			byName[name] = append(byName[name], HoldResult{
				Workflow: s.Workflow, Share: s.Share, Slots: s.Slots.Started, Requests: s.Requests.Started,
				Reach: s.Reach, Lost: (s.Covered || s.Closed) && (s.Past || !s.Final),
			})
		}
	}
	return byName
}

// Workers are the results of all workers by name: of those that held something, and of
// those that self-watch told of. Of workers in datacenters it is not known here what
// each held.
func Workers(t *Tally, holds map[string][]HoldResult) []WorkerResult {
	byName := map[string]*WorkerResult{}
	at := func(name string) *WorkerResult {
		if byName[name] == nil {
			byName[name] = &WorkerResult{Node: name}
		}
		return byName[name]
	}
	for _, r := range t.Nodes() {
		at(r.Node).Readings = r
	}
	for name, list := range holds {
		w := at(name)
		w.Holds = list
		for _, h := range list {
			w.Requests += h.Requests
		}
	}
	list := make([]WorkerResult, 0, len(byName))
	for _, w := range byName {
		list = append(list, *w)
	}
	slices.SortFunc(list, func(a, b WorkerResult) int { return cmp.Compare(a.Node, b.Node) })
	return list
}

// Loss is a stretch of job time in which a node was gone and nobody can tell all
// that it did.
type Loss struct {
	Node     string
	Workflow string
	From, To hyperscale.JobTime
	Lost     uint64 // iterations, in flight or probably started: how they ended is not known
	Missed   uint64 // slots that nobody started
	// Requests is how many requests at most are in no count: of the lost
	// iterations, and of passes that may have been begun beside them.
	Requests uint64
}

// NewLoss is the loss that a window of [Marks.Close] or [Stream.Died] books, for
// the result. Passes are iterations of a closed load that may have been begun
// besides and are in no count.
func NewLoss(node string, plan *hyperscale.Workflow, w *Window, passes uint64) Loss {
	return Loss{
		Node: node, Workflow: plan.Name, From: w.From, To: w.To, Lost: w.Slots.Lost, Missed: w.Missed,
		Requests: product(plus(w.Slots.Lost, passes), MostRequests(plan.Steps)),
	}
}

// NewSilence is the loss of what a holder may have done that was given up unheard
// and went on: so many iterations at most that no window told of.
func NewSilence(node string, plan *hyperscale.Workflow, from, to hyperscale.JobTime, iterations uint64) Loss {
	return Loss{
		Node: node, Workflow: plan.Name, From: from, To: max(from, to), Requests: product(iterations, MostRequests(plan.Steps)),
	}
}

// MostRequests is the most requests that one iteration can start: every hop of
// every redirect, every pass of every group, of a choice the longest.
func MostRequests(steps []hyperscale.Step) uint64 {
	var n uint64
	for i := range steps {
		s := &steps[i]
		if s.Request != nil {
			n = plus(n, 1+uint64(max(s.Request.Transport.Redirects, 0)))
		}
		n = plus(n, product(uint64(max(s.Repeat, 1)), MostRequests(s.Steps)))
		var longest uint64
		for _, c := range s.Choices {
			longest = max(longest, MostRequests(c.Steps))
		}
		n = plus(n, longest)
	}
	return n
}

// product is a · b, or the greatest number if it is greater.
func product(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi > 0 {
		return math.MaxUint64
	}
	return lo
}

// plus is a + b, or the greatest number if it is greater.
func plus(a, b uint64) uint64 { return a + min(b, math.MaxUint64-a) }

// Unreported is how many requests at most the target may have seen that are in
// no count of the result: those of lost slots, stray ones included.
func (r *Result) Unreported() uint64 {
	var n uint64
	for _, l := range r.Losses {
		n = plus(n, l.Requests)
	}
	if r.Tally != nil {
		n = plus(n, r.Tally.marks.StrayRequests())
	}
	return n
}

// StrayRequests is how many requests, groups left out, stray windows counted.
func (m *Marks) StrayRequests() uint64 {
	var n uint64
	for name := range m.stray {
		n += StrayOf(m, name)
	}
	return n
}

// StrayOf is how many requests of one workflow stray windows counted.
func StrayOf(m *Marks, workflow string) uint64 {
	var n uint64
	l := m.stray[workflow]
	if l == nil {
		return 0
	}
	for i := range l.Steps {
		if !m.shapes[workflow].Steps[i].Group {
			n += l.Steps[i].Started
		}
	}
	return n
}

// LossCauses are the causes of a verdict that losses are: one for each, with its
// node and stretch.
func LossCauses(losses []Loss) []Cause {
	var list []Cause
	for _, l := range losses {
		what := fmt.Sprintf("%s: %s lost with their holder and %s missed",
			l.Workflow, were(l.Lost, "iteration"), hyperscale.Plural(l.Missed, "slot"))
		if l.Lost == 0 && l.Missed == 0 {
			what = l.Workflow + ": what a holder began that was given up, and did not tell, is in no count"
		}
		list = append(list, Cause{State: Degraded, Node: l.Node, From: l.From, To: l.To, What: what})
	}
	return list
}
