package place

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// Event is something that happened: a [Stated], [Judged], [Left], [Wanted] or
// [Tick].
type Event interface{ event() }

// Stated is a worker's statement, as [State] cuts it out of its beat. One of an
// older boot, or not above the last of its boot, is refused.
type Stated struct {
	link.Holder
	Seq         uint64
	Cores, Free int
	Draining    bool // takes nothing new
	Health      Health
	Uses        []Use // the placer's from then on
}

// Use is one share that a worker holds.
type Use struct {
	Job      hyperscale.JobID
	Workflow string
	Share    hyperscale.Share
	Cores    int // about: as wide as the share. 0: it gave them back
}

// Judged is a change of a worker's health between its statements.
type Judged struct {
	link.Holder
	Health Health
}

// Left says that this start of a worker is gone for good.
type Left struct{ link.Holder }

// Wanted is what one manager's jobs want and run: of all of them, or of those that
// changed.
type Wanted struct {
	From hyperscale.NodeID
	link.Wants
}

// Tick lets time pass: ten times a second or so. What statements have changed
// is acted upon here and at the next [Wanted].
type Tick struct{}

func (Stated) event() {}
func (Judged) event() {}
func (Left) event()   {}
func (Wanted) event() {}
func (Tick) event()   {}

// Effect is an answer to a want: a [Grant], [Refuse] or [Waiting].
type Effect interface{ effect() }

// Grant gives all the cores of a want. It is told again for as long as the want
// is listed.
type Grant struct {
	To    hyperscale.NodeID
	Want  link.Want
	Given []Given // as Want.Workflows
}

// Given is what one workflow got, by node.
type Given struct {
	Workflow string
	Cores    []link.Cores // none is empty, no node stands twice
}

// Refuse says that a want will never be granted.
type Refuse struct {
	To     hyperscale.NodeID
	Want   link.Want
	Reason string
}

// Waiting answers each [Wanted] that lists a want which can't be granted yet.
type Waiting struct {
	To       hyperscale.NodeID
	Want     link.Want
	Reason   string
	Position int           // in the queue, from 1
	Expected time.Duration // until there are cores; 0: unknown
}

func (Grant) effect()   {}
func (Refuse) effect()  {}
func (Waiting) effect() {}

// State cuts out of a worker's beat what the placer has to know.
func State(s link.Statement, health Health) Stated {
	stated := Stated{
		Holder: link.Holder{Node: s.Node, Boot: s.Boot}, Seq: s.Seq,
		Cores: s.Cores, Free: s.Free, Draining: s.Draining, Health: health,
	}
	for _, held := range s.Holds {
		use := Use{Job: held.Job, Workflow: held.Workflow, Share: held.Share}
		switch held.State {
		case link.Preparing, link.Prepared, link.Running:
			use.Cores = int(held.Share.Width())
		}
		stated.Uses = append(stated.Uses, use)
	}
	return stated
}

// Answers puts effects into the words that managers understand, by manager and
// in order: one for each workflow of a want.
func Answers(effects []Effect) map[hyperscale.NodeID]link.Grants {
	answers := make(map[hyperscale.NodeID]link.Grants)
	add := func(to hyperscale.NodeID, want link.Want, fill func(g *link.Grant, i int)) {
		said := answers[to]
		for i, w := range want.Workflows {
			g := link.Grant{Job: want.Job, Epoch: want.Epoch, Number: want.Number, Workflow: w.Workflow}
			fill(&g, i)
			said.Grants = append(said.Grants, g)
		}
		answers[to] = said
	}
	for _, e := range effects {
		switch e := e.(type) {
		case Grant:
			add(e.To, e.Want, func(g *link.Grant, i int) { g.Cores = e.Given[i].Cores })
		case Refuse:
			add(e.To, e.Want, func(g *link.Grant, _ int) { g.Refused = e.Reason })
		case Waiting:
			add(e.To, e.Want, func(g *link.Grant, _ int) {
				g.Waiting, g.Position, g.Expected = e.Reason, e.Position, e.Expected
			})
		}
	}
	return answers
}
