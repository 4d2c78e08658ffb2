package session

import (
	"time"

	"hyperscale"
	"hyperscale/internal/expr"
)

// flowPlan is the order of a workflow's steps: a node for each step and, last,
// the root that holds the outermost ones.
type flowPlan struct {
	nodes  []node
	groups []groupPlan
	root   int32
}

// node is a step in its place.
type node struct {
	kind    hyperscale.StepKind
	guarded bool // once or when are to be looked at
	once    bool // itself
	sticky  bool // itself or a step around it runs once
	when    *expr.BoundCondition
	onError hyperscale.OnError

	parent    int32   // the node that holds it; of the root -1
	group     int32   // innermost group around it, index in groups; -1: none
	needs     int32   // how many nodes must end before
	followers []int32 // nodes that need it
	kids      []int32 // the nodes held: of a root, group or parallel

	request *request    // of a request
	pause   *pausePlan  // of a pause
	set     []setting   // of a set
	own     int32       // of a group: its index in groups
	choice  *choicePlan // of a choose
}

// groupPlan is what a group has beyond other steps.
type groupPlan struct {
	node   int32
	outer  int32 // the group around it; -1: none
	passes int64 // 0: until the condition holds
	until  *expr.BoundCondition
}

// pausePlan is a pause.
type pausePlan struct {
	hyperscale.Pause
	site uint32
}

// setting gives a variable a value.
type setting struct {
	ref   int32
	value *expr.Bound
}

// choicePlan are the branches of a choose.
type choicePlan struct {
	site     uint32
	total    int64
	branches []branchPlan
}

// branchPlan is one branch of a choose.
type branchPlan struct {
	weight int64
	kids   []int32
}

// flow is where an iteration stands among its steps.
type flow struct {
	nodes  []nodeState
	groups []groupState
	ready  []int32 // nodes that may start, in this order
	open   []wait
	over   bool // all steps ended
}

// nodeState is where a node stands in this iteration.
type nodeState struct {
	due    Time   // latest end of what it needs
	end    Time   // of a holder: latest end of what it holds
	left   int32  // how many nodes must still end before
	open   int32  // of a holder: how many of its nodes have not ended
	visits uint32 // how often it was started
}

// groupState is where a group stands. Its time is that from the start of its
// first request to the end of its last one, less the pauses in between in which
// none of its requests was under way.
type groupState struct {
	pass    int64
	first   Time // start of the first request
	last    Time // end of the last request
	mark    Time // up to here the time is accounted for
	quiet   Time // only pauses, since the last request
	paused  Time // only pauses, before the last request
	sending int32
	pausing int32
	running bool
	sent    bool // first is set
	failed  bool
}

// wait is a pause under way, or a break that lets others work (node < 0).
type wait struct {
	id    int32
	node  int32
	until Time
}

// account counts the time up to at as pause if the group only paused.
func (g *groupState) account(at Time) {
	if at <= g.mark {
		return
	}
	if g.sent && g.sending == 0 && g.pausing > 0 {
		g.quiet += at - g.mark
	}
	g.mark = at
}

// time is the group's time so far.
func (g *groupState) time() time.Duration { return max(g.last-g.first-g.paused, 0) }

// groupsSend notes that a request of the group starts.
func (s *Session) groupsSend(group int32, at Time) {
	for ; group >= 0; group = s.p.flow.groups[group].outer {
		g := &s.flow.groups[group]
		if !g.sent {
			g.sent, g.first, g.last, g.mark = true, at, at, at
		}
		g.account(at)
		g.paused, g.quiet = g.paused+g.quiet, 0
		g.sending++
	}
}

// groupsEnd notes that a request of the group ended.
func (s *Session) groupsEnd(group int32, at Time) {
	for ; group >= 0; group = s.p.flow.groups[group].outer {
		g := &s.flow.groups[group]
		g.account(at)
		g.sending--
		g.last = max(g.last, at)
	}
}

// groupsPause notes that a pause of the group begins (+1) or ends (-1).
func (s *Session) groupsPause(group int32, at Time, change int32) {
	for ; group >= 0; group = s.p.flow.groups[group].outer {
		g := &s.flow.groups[group]
		g.account(at)
		g.pausing += change
	}
}
