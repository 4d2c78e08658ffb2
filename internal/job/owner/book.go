package owner

import (
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
	"hyperscale/internal/stats"
)

// book is what the owner knows of its job.
type book struct {
	cfg    Config
	story  *story        // the job and its account
	joints *stats.Joints // windows that were received, and that the story does not tell of yet
	state  state
	kids   map[hyperscale.NodeID]*kid
	news   uint64 // how often a holder said that it is in another state than before
	now    time.Duration
	began  time.Duration // it owns the job since
	times
	over     *job.Result // nil: it is not
	up       *upward     // nil: the job has no parent
	why      string      // it waits, as was last told
	numbered numbered
}

// times are what the owner knows of time.
type times struct {
	clock   clock
	dark    darkness
	seconds hyperscale.JobTime // the last whole second that was looked at
	above   topWord            // of a job that is led
}

// darkness is the time after a takeover in which nobody has told the job time yet.
type darkness struct {
	until time.Duration // a child may tell it; 0: it is known
	later []Event       // what waits until then
	blind bool          // what waited is being done, and nobody ever told: when a holder was lost is not known
}

// topWord is when the top owner of a job that is led was last heard. The zero value:
// nobody knows yet.
type topWord struct {
	at    time.Duration
	known bool
}

// hear takes in that a word of it is so old.
func (t *topWord) hear(now, age time.Duration) {
	if !t.known || now-age > t.at {
		t.at, t.known = now-age, true
	}
}

// age is how old its last word is; very old: nobody knows.
func (t *topWord) age(now time.Duration) time.Duration {
	if !t.known {
		return Unheard
	}
	return now - t.at
}

// Unheard is how old the last word of a top owner is taken to be of which nothing is
// known: older than anybody waits for one.
const Unheard = 24 * time.Hour

// state is who holds what: saved whenever it changed; see [change].
type state struct {
	Start       uint64 // number of the start that job time counts from; 0: not started
	Turns       map[string]hyperscale.Turn
	Legs        []*leg
	Wants       uint64 // number of the last want
	Given       []given
	Adjustments []adjustment
	Done        float64           // percentage, the most that was told
	Skew        time.Duration     // most that a holder's job time was found beside ours as it began
	Began       time.Time         // wall clock at job time 0, as whoever began it saw it; zero: it has not begun
	Above       hyperscale.Epoch  // of a job that is led: the highest heard of its parents'
	Cancels     map[string]string // of a job that is led: what clients cancelled here, by workflow, or "" for all of it, and who did

	told  int          // so many of Given were saved
	turns map[turn]int // the place in Given of each, as far as it was asked for
}

// given is a turn that was given out, and to whom. No two are of one name.
type given struct {
	turn
	Node hyperscale.NodeID
	Part hyperscale.Share `json:",omitzero"` // of what part of a led job; zero: of one that is not
}

// turn names a share of a workflow under its turn.
type turn struct {
	Workflow string
	Share    hyperscale.Share
}

// kid is a child as the owner knows it.
type kid struct {
	link.Holder
	trip  time.Duration
	heard time.Duration // when it stated something last
}

// marks are how far the turns are.
func (o *book) marks() *stats.Marks { return o.story.account.Tally.Marks() }

// at is the job time now.
func (o *book) at() hyperscale.JobTime { return o.clock.at(o.now) }

// trip is how long the way to a child and back is; 0 if unknown.
func (o *book) trip(h link.Holder) time.Duration {
	if k := o.kids[h.Node]; k != nil && k.Boot == h.Boot {
		return k.trip
	}
	return 0
}

// hold is the name of a share of a leg.
func (o *book) hold(l *leg, s hyperscale.Share) link.Hold {
	return link.Hold{Job: o.cfg.Job, Workflow: l.workflow(), Share: s}
}

// result is what came of the job.
func (o *book) result() []byte {
	r := o.story.account.Sum(*o.over, o.state.Began)
	r.Job, r.Submitted, r.Skew = o.cfg.Job, o.cfg.Accepted, o.state.Skew
	holds := stats.Held(r.Tally, func(s stats.Standing) string {
		to, _ := o.state.givenTo(link.Hold{Workflow: s.Workflow, Share: s.Share})
		return string(to.Node)
	})
	for i := range r.Datacenters {
		r.Datacenters[i].Parts = holds[r.Datacenters[i].Name]
	}
	if o.cfg.Datacenters { // what workers held their own managers know
		holds = nil
	}
	r.Workers = stats.Workers(r.Tally, holds)
	b, err := r.AppendBinary(nil)
	if err != nil {
		panic("owner: the result can't be written down: " + err.Error())
	}
	return b
}

// givenTo is whom a turn was given to, and whether it was to anybody.
func (st *state) givenTo(h link.Hold) (given, bool) {
	if st.turns == nil {
		st.turns = map[turn]int{}
	}
	for i := len(st.turns); i < len(st.Given); i++ {
		st.turns[st.Given[i].turn] = i
	}
	i, some := st.turns[turn{Workflow: h.Workflow, Share: h.Share}]
	if !some {
		return given{}, false
	}
	return st.Given[i], true
}

// partOf is the part by which the windows of a hold are joined: that of the parent
// which it is of; where children are datacenters its own, so that it stays known what
// each of them did; else none.
func (o *book) partOf(h link.Hold) hyperscale.Share {
	if o.cfg.Datacenters {
		return h.Share
	}
	to, _ := o.state.givenTo(h)
	return to.Part
}

// placeOf is the datacenter whose joint that is; "": children are none.
func (o *book) placeOf(joint *stats.Window) string {
	if !o.cfg.Datacenters {
		return ""
	}
	to, _ := o.state.givenTo(link.Hold{Workflow: joint.ID.Workflow, Share: joint.ID.Share})
	return string(to.Node)
}

// readjust computes a leg's schedule anew, with all adjustments so far.
func (o *book) readjust(l *leg) {
	l.changes, l.schedule, l.endKnown = schedule.Changes(o.state.adjustments(), l.workflow(), l.Begin), nil, false
}

// phase is where the job is in its life: waiting as long as nobody was told to start.
func (o *book) phase() hyperscale.Phase {
	if o.over != nil {
		return o.over.Phase
	}
	if phase := o.story.job.Phase(); phase != hyperscale.Running || o.state.Start != 0 {
		return phase
	}
	return hyperscale.Waiting
}

// holders are those who hold a share now.
func (st *state) holders() []link.Holder {
	var list []link.Holder
	seen := map[link.Holder]bool{}
	for _, l := range st.Legs {
		for _, s := range l.Shares {
			if s.placed() && !s.over() && !seen[s.Holder] {
				seen[s.Holder] = true
				list = append(list, s.Holder)
			}
		}
	}
	return list
}
