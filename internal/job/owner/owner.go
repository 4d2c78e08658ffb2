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

	// Reckoned says that its cores are what its load seems to need, not what its
	// submitter named: an adjustment must not need more.
	Reckoned bool

	// Accepted is the wall clock when the job was submitted: for people only.
	Accepted time.Time
	// Clock is the wall clock when the node's time was 0: for people only.
	Clock time.Time
	// OneHolder says that no slot may be held by two at any moment: who is not heard, or
	// whose stream ended, is taken to go on until it must have stopped. A plan with rows
	// that are used once is always run so.
	OneHolder bool
	// Autonomy is how long a holder goes on without word of its owner; 0: 60 s, and 10 s
	// with OneHolder.
	Autonomy time.Duration
	// Gone is how long a job may have been without an owner, as its children
	// heard it, and still go on; 0: 300 s.
	Gone time.Duration
	// Stalled is how long the last window cut of a started share may stay the same
	// while its holder is heard; 0: 60 s.
	Stalled time.Duration
	// Numbered says that somebody is to be shown each joint of windows once, over changes
	// of owner, too: the last are kept; see [Owner.Recent].
	Numbered bool
	// Datacenters says that its children are datacenters, not workers.
	Datacenters bool
	// Across is how it runs over them.
	Across hyperscale.Across
	// Parent is the parent of the job; nil: it has none, for it was submitted here.
	Parent *Parent
}

// Owner is the owner of one job. It belongs to one goroutine.
//
//	waiting   its first workflows wait for cores, or make ready; job time stands at 0
//	started   job time runs
//	over      the job has ended; the last save is under way
//	gone      that is done: nothing is left to be said
//
// It is made of parts, each of which stands on those before it and knows none that
// come after:
//
//	book       what is known of the job: its story, who holds what, what time it is
//	desk       what is to be saved, and what waits to be said until it is
//	orders     what holders of shares are told
//	holes      where the windows of lost holders would have been
//	placing    wants of cores, and shares for those who get them
//	losing     shares that are taken from their holders
//	course     the job as it goes on, and what follows for its legs
//	settling   legs that begin and end
//
//	leading    what the parent of the job wants, if there is one
//
// and of those that listen: stating, receiving and adjusting.
type Owner struct {
	*book
	desk      *desk
	orders    *orders
	placing   *placing
	losing    *losing
	course    *course
	settling  *settling
	leading   *leading
	stating   *stating
	receiving *receiving
	adjusting *adjusting
}

// New is the owner of a job that was just accepted.
func New(cfg Config) *Owner {
	o := blank(cfg)
	o.story = newStory(cfg)
	o.state.Turns = map[string]hyperscale.Turn{}
	return o
}

// blank is an owner that knows nothing yet, with its parts in order.
func blank(cfg Config) *Owner {
	cfg.OneHolder = cfg.OneHolder || usesRowsOnce(cfg.Plan)
	switch {
	case cfg.Autonomy != 0:
	case cfg.OneHolder:
		cfg.Autonomy = 10 * time.Second
	default:
		cfg.Autonomy = time.Minute
	}
	if cfg.Gone == 0 {
		cfg.Gone = 300 * time.Second
	}
	if cfg.Stalled == 0 {
		cfg.Stalled = 60 * time.Second
	}
	o := &Owner{book: &book{cfg: cfg, joints: stats.NewJoints(), kids: map[hyperscale.NodeID]*kid{}}}
	if cfg.Parent != nil {
		o.up = newUpward(cfg.Parent)
	}
	o.desk = &desk{book: o.book, changes: 1}
	o.orders = &orders{desk: o.desk}
	holes := &holes{orders: o.orders}
	o.placing = &placing{holes: holes}
	o.losing = &losing{placing: o.placing}
	o.course = &course{losing: o.losing}
	o.settling = &settling{course: o.course}
	o.leading = &leading{settling: o.settling}
	o.stating = &stating{settling: o.settling}
	o.receiving = &receiving{course: o.course, forgers: map[hyperscale.NodeID]bool{}}
	o.adjusting = &adjusting{course: o.course}
	return o
}

// Step decides what an event means. Times, on any clock that does not go back,
// never fall from one step to the next.
func (o *Owner) Step(now time.Duration, ev Event) []Effect {
	o.now, o.desk.effects = now, nil
	if o.desk.end == gone {
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
	if o.desk.end != gone {
		o.pass()
		o.settling.settle()
		o.desk.leave()
		o.desk.save()
		o.desk.glimpse()
		o.desk.goUp()
	}
	return o.desk.effects
}

// postpones reports whether an event is to wait: while nobody tells the job time it
// can't be said when a holder was lost, or the job cancelled.
func (d *darkness) postpones(ev Event) bool {
	if d.until == 0 {
		return false
	}
	switch ev := ev.(type) {
	case Lost, Cancel:
	case Delivered:
		if ev.Ending == nil || ev.Ending.Cancelled.By == "" {
			return false
		}
	default:
		return false
	}
	d.later = append(d.later, ev)
	return true
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
		o.stating.stated(ev)
	case Lost:
		o.course.lost(ev)
	case Moved:
		o.desk.moved(ev)
	case Delivered:
		o.receiving.delivered(ev)
	case Granted:
		o.placing.granted(ev)
	case Queued:
		o.placing.queued(ev)
	case Denied:
		o.course.denied(ev)
	case Unbriefed:
		o.course.unbriefed(ev)
	case Cancel:
		o.course.cancel(ev)
	case Adjust:
		o.adjusting.adjust(ev)
	case Saved:
		o.desk.saved(ev)
	case Ordered:
		o.leading.ordered(ev)
	case TopHeard:
		o.above.hear(o.now, ev.Age)
		o.leading.gathers()
	case ParentAt:
		o.desk.parentAt(ev)
	case ParentTells:
		o.desk.parentTells(ev)
	}
}

// Next is when a Tick is due, on the clock of Step.
func (o *Owner) Next() time.Duration {
	next := never
	if o.up != nil && o.desk.end < leaving {
		next = o.up.next(o.now)
	}
	switch {
	case o.over != nil:
		return next
	case o.dark.until != 0:
		return min(next, o.dark.until)
	case !o.clock.runs:
		return next
	}
	next = min(next, o.clock.when(o.seconds+time.Second+settleTime), o.clock.when(o.placing.frees()), o.clock.when(o.placing.tires()))
	if wake := o.story.wake; wake != never {
		next = min(next, o.clock.when(wake))
	}
	return next
}

// Phase is where the job is in its life: waiting as long as nobody was told to start.
func (o *Owner) Phase() hyperscale.Phase { return o.phase() }

// Holders are those who hold a part of the job now.
func (o *Owner) Holders() []link.Holder { return o.state.holders() }

// begin starts the job, or after a takeover tells the children.
func (o *Owner) begin() {
	o.began = o.now
	if o.over != nil {
		return // only the parent waits for something
	}
	if len(o.story.entries) == 0 {
		o.course.job(job.Start{})
		return
	}
	for _, l := range o.state.Legs {
		for _, s := range l.Shares {
			s.told = o.now // by the owner before, perhaps: what is under way is waited for
		}
	}
	for _, h := range o.state.holders() {
		o.orders.order(h, link.Order{Do: link.Own, Hold: link.Hold{Job: o.cfg.Job}}, nil)
	}
	if o.state.Start != 0 {
		o.dark.until = o.now + max(aloneAfter, o.lasts(lingering))
	}
}

// aloneAfter is how long a new owner waits for a child to tell what time it is:
// longer than children take to find a manager again.
const aloneAfter = 8 * time.Second

// goOnAlone goes on with a job of which no child could tell the time. If its first
// load was being started, and all who were to begin it say that they did not, it is
// begun anew. Who is not heard may have begun.
func (o *Owner) goOnAlone() {
	o.dark.until = 0
	if o.clock.runs || o.over != nil {
		return
	}
	o.dark.blind = true // until what waited is done
	if o.clock.last == 0 && !slices.ContainsFunc(o.state.Legs, (*leg).perhapsBegun) {
		o.state.Start = 0
		o.desk.change()
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
	o.clock.set(o.now, o.clock.last+o.lasts(lingering+unsaved)) // with one holder of a slot, what may have been begun is left out
	o.clock.guessed = true
	o.settling.resume()
}

// perhapsBegun reports whether somebody may run the leg.
func (l *leg) perhapsBegun() bool {
	return l.Stage == running || l.Stage == starting && slices.ContainsFunc(l.Shares, func(s *share) bool { return s.Started && !s.seen })
}

// pass does what the time has come for.
func (o *Owner) pass() {
	if !o.clock.runs || o.over != nil {
		return
	}
	for o.over == nil && o.story.wake <= o.at() {
		o.course.job(job.Tick{})
	}
	o.placing.free()
	for o.over == nil && o.at() >= o.seconds+time.Second+settleTime {
		o.receiving.second(o.seconds + time.Second)
	}
}
