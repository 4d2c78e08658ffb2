package owner

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// Config is what an owner is made for.
type Config struct {
	Job   hyperscale.JobID
	Self  hyperscale.NodeID
	Epoch hyperscale.Epoch
	Plan  *hyperscale.Plan // complete, and never changed

	// Accepted is the wall clock when the job was submitted: for people only.
	Accepted time.Time
	// Gone is how long a job may have been without an owner, as its children
	// heard it, and still go on; 0: 300 s.
	Gone time.Duration
	// Stalled is how long the last window cut of a started share may stay the same
	// while its holder is heard; 0: 60 s.
	Stalled time.Duration
}

// Owner is the owner of one job. It belongs to one goroutine.
//
//	waiting   its first workflows wait for cores, or make ready; job time stands at 0
//	started   job time runs
//	over      the job has ended; the last save is under way
//	gone      that is done: nothing is left to be said
type Owner struct {
	cfg     Config
	story   *story // the job and its account
	clock   clock
	state   state
	joints  *stats.Joints
	desk    desk
	kids    map[hyperscale.NodeID]*kid
	seconds hyperscale.JobTime // the last whole second that was looked at
	now     time.Duration
	dark    darkness
	over    *job.Result
	gone    bool
	effects []Effect

	wanted   wanted
	received [stats.Broken + 1]uint64 // windows by receipt, since they were taken
}

// darkness is the time after a takeover in which nobody has told the job time yet.
type darkness struct {
	until time.Duration // a child may tell it; 0: it is known
	later []Event       // what waits until then
	blind bool          // what waited is being done, and nobody ever told: when a holder was lost is not known
}

// state is who holds what: saved as it is whenever it changed.
type state struct {
	Start       uint64 // number of the start that job time counts from; 0: not started
	Turns       map[string]hyperscale.Turn
	Legs        []*leg
	Wants       uint64 // number of the last want
	Given       []given
	Adjustments []adjustment
	Done        float64 // percentage, the most that was told
}

// given is a turn that was given out, and to whom.
type given struct {
	Workflow string
	Share    hyperscale.Share
	Node     hyperscale.NodeID
}

// kid is a child as the owner knows it.
type kid struct {
	link.Holder
	trip time.Duration
}

// New is the owner of a job that was just accepted.
func New(cfg Config) *Owner {
	o := blank(cfg)
	o.story = newStory(cfg.Plan)
	o.state.Turns = map[string]hyperscale.Turn{}
	return o
}

func blank(cfg Config) *Owner {
	if cfg.Gone == 0 {
		cfg.Gone = 300 * time.Second
	}
	if cfg.Stalled == 0 {
		cfg.Stalled = 60 * time.Second
	}
	return &Owner{cfg: cfg, joints: stats.NewJoints(), kids: map[hyperscale.NodeID]*kid{}}
}

// Step decides what an event means. Times, on any clock that does not go back,
// never fall from one step to the next.
func (o *Owner) Step(now time.Duration, ev Event) []Effect {
	o.now, o.effects = now, nil
	if o.gone {
		return nil
	}
	if o.dark.postpones(ev) {
		return nil
	}
	o.take(ev)
	if o.dark.until != 0 && now >= o.dark.until {
		o.goOnAlone()
	}
	o.catchUp()
	if !o.gone {
		o.pass()
		o.settle()
		o.save()
	}
	return o.effects
}

// postpones reports whether an event is to wait: while nobody tells the job time it
// can't be said when a holder was lost, or the job cancelled.
func (d *darkness) postpones(ev Event) bool {
	if d.until == 0 {
		return false
	}
	switch ev.(type) {
	case Lost, Cancel:
		d.later = append(d.later, ev)
		return true
	}
	return false
}

// catchUp takes the events that waited.
func (o *Owner) catchUp() {
	if o.dark.until != 0 {
		return
	}
	later := o.dark.later
	o.dark.later = nil
	for _, ev := range later {
		o.take(ev)
	}
	o.dark.blind = false
}

// take books what happened.
func (o *Owner) take(ev Event) {
	switch ev := ev.(type) {
	case Begin:
		o.begin()
	case Stated:
		o.stated(ev)
	case Lost:
		o.lost(ev)
	case Delivered:
		o.delivered(ev)
	case Granted:
		o.granted(ev)
	case Denied:
		o.denied(ev)
	case Unbriefed:
		o.unbriefed(ev)
	case Cancel:
		o.cancel(ev)
	case Adjust:
		o.adjust(ev)
	case Saved:
		o.saved(ev)
	}
}

// Next is when a Tick is due, on the clock of Step.
func (o *Owner) Next() time.Duration {
	switch {
	case o.gone || o.over != nil:
		return never
	case o.dark.until != 0:
		return o.dark.until
	case !o.clock.runs:
		return never
	}
	next := o.clock.when(o.seconds + time.Second + settleTime)
	if wake := o.story.wake; wake != never {
		next = min(next, o.clock.when(wake))
	}
	return next
}

// Phase is where the job is in its life: waiting as long as nobody was told to start.
func (o *Owner) Phase() hyperscale.Phase {
	if phase := o.story.job.Phase(); phase != hyperscale.Running || o.state.Start != 0 {
		return phase
	}
	return hyperscale.Waiting
}

// Owns reports whether a holder holds a part of the job, or once did and is not
// settled with: what the owner must hear of it.
func (o *Owner) Owns(node hyperscale.NodeID) bool {
	for _, l := range o.state.Legs {
		for _, s := range l.Shares {
			if s.Holder.Node == node && !s.over() {
				return true
			}
		}
	}
	return false
}

// Holders are those who hold a part of the job now.
func (o *Owner) Holders() []link.Holder {
	var list []link.Holder
	seen := map[link.Holder]bool{}
	for _, l := range o.state.Legs {
		for _, s := range l.Shares {
			if s.placed() && !s.over() && !seen[s.Holder] {
				seen[s.Holder] = true
				list = append(list, s.Holder)
			}
		}
	}
	return list
}

// do is what is done now. When a start is meant is reckoned at the last moment: it
// may have waited for a save.
func (o *Owner) do(e Effect) {
	if t, tell := e.(Tell); tell && t.Order.Do == link.Start {
		way := o.trip(t.To) / 2
		t.Order.At = max(t.Order.Begin, o.clock.at(o.now)+way)
		t.Order.In = o.clock.when(t.Order.At) - o.now - way
		e = t
	}
	o.effects = append(o.effects, e)
}

// begin starts the job, or after a takeover tells the children.
func (o *Owner) begin() {
	if len(o.story.entries) == 0 {
		o.job(job.Start{})
		return
	}
	for _, l := range o.state.Legs {
		for _, s := range l.Shares {
			s.told = o.now // by the owner before, perhaps: what is under way is waited for
		}
	}
	for _, h := range o.Holders() {
		o.order(h, link.Order{Do: link.Own, Hold: link.Hold{Job: o.cfg.Job}}, nil)
	}
	if o.state.Start != 0 {
		o.dark.until = o.now + aloneAfter
	}
}

// aloneAfter is how long a new owner waits for a child to tell what time it is:
// longer than children take to find a manager again.
const aloneAfter = 8 * time.Second

// goOnAlone goes on with a job of which no child could tell the time. If its first
// load was being started, and nobody that is heard began, all is begun anew.
func (o *Owner) goOnAlone() {
	o.dark.until = 0
	if o.clock.runs || o.over != nil {
		return
	}
	o.dark.blind = true // until what waited is done
	if o.clock.last == 0 && !slices.ContainsFunc(o.state.Legs, func(l *leg) bool { return l.Stage == running }) {
		o.state.Start = 0
		o.change()
		for _, l := range o.state.Legs {
			if l.Stage != starting {
				continue
			}
			l.Stage = preparing
			for _, s := range l.Shares {
				s.Started = false
			}
		}
		return
	}
	o.clock.set(o.now, o.clock.last)
	o.resume()
}

// marks are how far the turns are.
func (o *Owner) marks() *stats.Marks { return o.story.account.Tally.Marks() }

// at is the job time now.
func (o *Owner) at() hyperscale.JobTime { return o.clock.at(o.now) }

// job gives the state machine of the job an event and does what follows.
func (o *Owner) job(ev job.Event) {
	o.change()
	together := uint64(0) // the want of the legs that begin in this step
	for _, e := range o.story.step(o.at(), ev) {
		switch e := e.(type) {
		case job.StartLeg:
			l := (&leg{Leg: e, Stage: wanting, Want: together}).of(o.cfg.Plan)
			o.state.Legs = append(o.state.Legs, l)
			if together == 0 {
				o.want(l)
				together = l.Want
			}
		case job.StopLeg:
			o.halt(e.Workflow, e.Leg, halt{At: o.at(), Within: e.Within})
		case job.CutLeg:
			o.halt(e.Workflow, e.Leg, halt{At: o.at(), Cut: true})
		case job.Mark:
			o.tell(hyperscale.Event{At: e.At, What: string(e.What), Workflow: e.Workflow, Detail: e.Detail})
		case job.Finish:
			o.finish(e.Result)
		}
	}
	o.giveUp()
}

// pass does what the time has come for.
func (o *Owner) pass() {
	if !o.clock.runs || o.over != nil {
		return
	}
	for o.over == nil && o.story.wake <= o.at() {
		o.job(job.Tick{})
	}
	for o.over == nil && o.at() >= o.seconds+time.Second+settleTime {
		o.second(o.seconds + time.Second)
	}
}
