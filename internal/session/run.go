package session

import (
	"math"
	"time"

	"hyperscale"
)

// enter starts a list of nodes that another one holds.
func (t *turn) enter(holder int32, kids []int32, due Time) {
	fl := &t.s.flow
	h := &fl.nodes[holder]
	h.end, h.open = due, int32(len(kids))
	for _, k := range kids {
		st := &fl.nodes[k]
		st.due, st.left = due, t.p.flow.nodes[k].needs
		if st.left == 0 {
			fl.ready = append(fl.ready, k)
		}
	}
	if len(kids) == 0 {
		t.leave(holder)
	}
}

// start starts a node that has all it needs.
func (t *turn) start(n int32) {
	node, st := &t.p.flow.nodes[n], &t.s.flow.nodes[n]
	t.s.visit = st.visits
	st.visits++
	if node.guarded && !t.admits(n, node) {
		return
	}
	switch node.kind {
	case hyperscale.StepRequest:
		t.send(n, node.request)
	case hyperscale.StepPause:
		t.pause(n, node)
	case hyperscale.StepSet:
		t.set(n, node)
	case hyperscale.StepGroup:
		t.group(n, node)
	case hyperscale.StepParallel:
		t.enter(n, node.kids, st.due)
	case hyperscale.StepChoose:
		t.choose(n, node.choice)
	}
}

// admits looks at once and when. A step that is not to run is over with that.
func (t *turn) admits(n int32, node *node) bool {
	run := !node.once || !t.s.again
	if run && node.when != nil {
		holds, err := t.holds(node.when)
		if err != nil {
			t.faulted(n, t.p.noValue(err))
			return false
		}
		run = holds
	}
	if !run {
		t.emit(Passed).Step = n
		t.end(n, t.s.flow.nodes[n].due)
	}
	return run
}

// end ends a node: what needs it may start, and what holds it may be over.
func (t *turn) end(n int32, at Time) {
	fl := &t.s.flow
	node := &t.p.flow.nodes[n]
	for _, k := range node.followers {
		st := &fl.nodes[k]
		st.due = max(st.due, at)
		if st.left--; st.left == 0 {
			fl.ready = append(fl.ready, k)
		}
	}
	h := &fl.nodes[node.parent]
	h.end = max(h.end, at)
	if h.open--; h.open == 0 {
		t.leave(node.parent)
	}
}

// leave ends a list of nodes.
func (t *turn) leave(holder int32) {
	node, end := &t.p.flow.nodes[holder], t.s.flow.nodes[holder].end
	switch {
	case holder == t.p.flow.root:
		t.s.flow.over = true
	case node.kind == hyperscale.StepGroup:
		t.passed(holder, node, end)
	default:
		t.end(holder, end)
	}
}

// fail notes that a node failed and does what its on-error says.
func (t *turn) fail(n int32, at Time) {
	s, node := t.s, &t.p.flow.nodes[n]
	s.failed = true
	for g := node.group; g >= 0; g = t.p.flow.groups[g].outer {
		s.flow.groups[g].failed = true
	}
	if node.onError == hyperscale.OnErrorContinue {
		t.end(n, at)
		return
	}
	s.ending = true
	s.stop = max(s.stop, stopOf(node.onError))
	for g := node.group; g >= 0; g = t.p.flow.groups[g].outer {
		t.list(g)
	}
}

// faulted ends a step that could not be done at all.
func (t *turn) faulted(n int32, f Fault) {
	node := &t.p.flow.nodes[n]
	e := t.emit(Faulted)
	e.Step, e.Fault, e.Stop, e.Text = n, f, node.atOnce(), t.s.faultText(f)
	t.fail(n, t.s.flow.nodes[n].due)
}

// atOnce is what the effect of a failed step says of the end of the job.
func (n *node) atOnce() Stop {
	if n.onError == hyperscale.OnErrorAbort {
		return StopJob
	}
	return StopNothing
}

// pause begins a pause. It ends as planned, counted from when it was due.
func (t *turn) pause(n int32, node *node) {
	s, due := t.s, t.s.flow.nodes[n].due
	until := later(due, node.pause.length((*scope)(s)))
	s.groupsPause(node.group, due, 1)
	if until <= t.now {
		t.paused(n, until)
		return
	}
	id := s.newID()
	s.flow.open = append(s.flow.open, wait{id: id, node: n, until: until})
	e := t.emit(Wait)
	e.ID, e.Step, e.At = id, n, until
}

// paused ends a pause.
func (t *turn) paused(n int32, until Time) {
	t.s.groupsPause(t.p.flow.nodes[n].group, until, -1)
	t.end(n, until)
}

// length draws how long the pause is. The exponential distribution is taken by
// its inverse: -mean·ln(1-u).
func (p *pausePlan) length(c *scope) time.Duration {
	switch p.Kind {
	case hyperscale.PauseUniform:
		return p.Min + time.Duration(below(c.Draw(p.site), int64(p.Max-p.Min)+1))
	case hyperscale.PauseExponential:
		u := hyperscale.Unit(c.Draw(p.site))
		return time.Duration(-math.Log1p(-u) * float64(p.Min))
	}
	return p.Min
}

// later adds without overflowing.
func later(at Time, d time.Duration) Time {
	if d > math.MaxInt64-max(at, 0) {
		return math.MaxInt64
	}
	return at + d
}

// set gives variables their values, in order.
func (t *turn) set(n int32, node *node) {
	sc := t.s.scratch()
	for _, v := range node.set {
		text, fault := t.template(sc.text[:0], v.value)
		sc.text = text
		if fault != 0 {
			t.faulted(n, fault)
			return
		}
		t.s.assign(v.ref, text, false, node.sticky)
	}
	t.end(n, t.s.flow.nodes[n].due)
}

// choose draws a branch and enters it.
func (t *turn) choose(n int32, choice *choicePlan) {
	due := t.s.flow.nodes[n].due
	at := below((*scope)(t.s).Draw(choice.site), choice.total)
	for _, b := range choice.branches {
		if at < b.weight {
			t.enter(n, b.kids, due)
			return
		}
		at -= b.weight
	}
}

// group begins the first pass of a group.
func (t *turn) group(n int32, node *node) {
	g := &t.s.flow.groups[node.own]
	*g = groupState{running: true}
	t.enter(n, node.kids, t.s.flow.nodes[n].due)
}

// passed ends a pass of a group and begins the next, if there is one.
func (t *turn) passed(n int32, node *node, end Time) {
	g, plan := &t.s.flow.groups[node.own], &t.p.flow.groups[node.own]
	g.pass++
	over := plan.passes > 0 && g.pass >= plan.passes
	if plan.until != nil {
		st := &t.s.flow.nodes[n]
		t.s.visit = st.visits
		st.visits++
		holds, err := t.holds(plan.until)
		if err != nil {
			g.running = false
			t.s.flow.nodes[n].due = end
			t.faulted(n, t.p.noValue(err))
			return
		}
		over = over || holds
	}
	if !over && len(node.kids) > 0 {
		t.enter(n, node.kids, end)
		return
	}
	t.list(node.own)
	t.end(n, end)
}

// list lists a group that ended, unless that was done.
func (t *turn) list(own int32) {
	g := &t.s.flow.groups[own]
	if !g.running {
		return
	}
	g.running = false
	e := t.emit(Listed)
	e.Step, e.At = t.p.flow.groups[own].node, g.time()
	if g.failed {
		e.Outcome = Failed
	}
}
