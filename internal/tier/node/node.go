package node

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/place"
	"hyperscale/internal/route"
)

// Config is what a node is made for. Zero durations are those of the design.
type Config struct {
	Self hyperscale.NodeID
	Boot hyperscale.Boot

	Beat     time.Duration // between beats; 0: 1 s
	Missed   int           // beats that a child may miss before it is silent; 0: 3
	Back     time.Duration // how long a child whose stream ended has to come back; 0: 600 ms
	Ask      time.Duration // how long other managers have to say that they hear it; 0: 1 s
	Forget   time.Duration // when a child that is gone is forgotten; 0: 120 s
	Place    place.Config
	Orphaned time.Duration // how long a job's owner may be silent before it is asked whether it has one; 0: 10 s
	Above    bool          // a tier above wants to know what the datacenter can take: the placer says it each second

	// Datacenters says that children are datacenters, as a bundle of their managers tells
	// of them: what jobs want is given by a router, and no node is the placer.
	Datacenters bool
	Route       route.Config
}

// Node is the state of one node. It belongs to one goroutine.
type Node struct {
	cfg     Config
	now     time.Duration
	kids    kids
	peers   map[hyperscale.NodeID]bool
	jobs    jobs
	placer  placing
	router  *routing // nil: children are workers
	level   link.Level
	parents []link.Parent // where children find this tier's nodes
	survey  survey
	beat    time.Duration // when the placer is told again what the jobs here want
	ticked  time.Duration // the last tick
	hushed  time.Duration // since when most children are silent; 0: they are not

	effects []Effect
}

// jobs are those that are owned here, by name.
type jobs map[hyperscale.JobID]*job

// job is a job that is owned here.
type job struct {
	epoch hyperscale.Epoch
	kids  map[hyperscale.NodeID]hyperscale.Boot // who holds, or held, a part of it
	wants []link.Want
	runs  []link.Run
	where []route.Wish             // as wants
	here  time.Duration            // since when it is
	since map[uint64]time.Duration // when each want was first listed
	top   *time.Duration           // when its top owner was last heard; nil: that is this one
}

// New is a node that knows nobody.
func New(cfg Config) *Node {
	cfg.Beat = cmp.Or(cfg.Beat, time.Second)
	cfg.Missed = cmp.Or(cfg.Missed, 3)
	cfg.Back = cmp.Or(cfg.Back, 600*time.Millisecond)
	cfg.Ask = cmp.Or(cfg.Ask, time.Second)
	cfg.Forget = cmp.Or(cfg.Forget, 120*time.Second)
	cfg.Orphaned = cmp.Or(cfg.Orphaned, 10*time.Second)
	n := &Node{
		cfg: cfg, kids: newKids(), peers: map[hyperscale.NodeID]bool{},
		jobs: jobs{}, survey: survey{mates: map[hyperscale.NodeID]time.Duration{}},
	}
	if cfg.Datacenters {
		n.router = &routing{Router: route.New(cfg.Route)}
	}
	return n
}

// Step decides what an event means. Times never fall from one step to the next.
func (n *Node) Step(now time.Duration, ev Event) []Effect {
	n.now, n.effects = now, nil
	switch ev := ev.(type) {
	case Attached:
		n.attached(ev)
	case Detached:
		n.kids.by[ev.Child].detached(n.now, ev.Conn, n.cfg.Beat)
	case Said:
		n.said(ev)
	case Delivered:
		n.kids.by[ev.Child].delivered(n.now)
	case PeerUp:
		n.peers[ev.Node] = true
	case PeerDown:
		delete(n.peers, ev.Node)
	case PeerSaid:
		peering{n}.said(ev)
	case JobHere:
		n.jobHere(ev)
	case JobTop:
		if j := n.jobs[ev.Job]; j != nil && j.top != nil {
			*j.top = max(*j.top, n.now-ev.Age)
		}
	case JobGone:
		delete(n.jobs, ev.Job)
		n.placer.note(ev.Job)
	case JobTells:
		n.jobTells(ev)
	case JobAnswers:
		n.jobAnswers(ev)
	case JobWants:
		n.jobWants(ev)
	case Placer:
		n.placer.appoint(n, ev.Node)
	case Presses:
		n.level = ev.Level
	case Moved:
		if n.jobs[ev.Job] != nil {
			n.do(ToJob{ev.Job, owner.Moved{From: ev.From, To: ev.To, Epoch: ev.Epoch}})
		}
	case Surveyed:
		n.router.step(n, ev.Event)
	case Parents:
		n.parents = ev.All
		n.survey.there(n.now, ev.All)
	case Tick:
		n.tick()
	}
	n.ask()
	n.router.answer(n)
	return n.effects
}

func (n *Node) do(e Effect) { n.effects = append(n.effects, e) }

// tick does what time alone brings.
func (n *Node) tick() {
	n.lookAtItself()
	n.listen()
	for _, k := range n.kids.all() {
		n.watch(k)
		n.say(k)
	}
	if n.now >= n.beat {
		n.beat = n.now + n.cfg.Beat
		n.placer.all = true
		n.survey.take(n)
		n.router.beat(n)
	}
	n.placer.step(n, place.Tick{})
}

// lookAtItself gives all children their time again after this node stood still:
// it can't know who was silent meanwhile.
func (n *Node) lookAtItself() {
	stood := n.now - n.ticked
	n.ticked = n.now
	if stood <= time.Second {
		return
	}
	for _, k := range n.kids.list {
		k.heard, k.asked = max(k.heard, n.now), 0
		k.left = 0 // who hung up meanwhile did so because of us
	}
}

// spread is into how many parts of a beat the words to children are spread, by the
// order in which they came: thousands that came back together are not all spoken to
// in one moment.
const spread = 10

// say is this node's beat to one child, when it is due.
func (n *Node) say(k *kid) {
	if n.now < k.word.due || k.conn == 0 && k.by == "" {
		return
	}
	n.sayTo(k)
	if k.word.due += n.cfg.Beat; k.word.due <= n.now {
		k.word.due = n.now + n.cfg.Beat
	}
}

// sayTo is this node's beat to one child.
func (n *Node) sayTo(k *kid) { n.tell(k, n.nextWord(k)) }

// nextWord is the next word for a child.
func (n *Node) nextWord(k *kid) link.Word {
	k.word.seq++
	k.word.at = n.now
	heard := k.last.At
	if k.fresh {
		heard = 0 // it may be of another start of the child, and of another clock
	}
	return link.Word{
		HeardAt: heard,
		Node:    n.cfg.Self, Boot: n.cfg.Boot, Seq: k.word.seq, Level: n.pressure(), Owns: n.jobs.owns(k.Node, n.now), Parents: n.parents,
	}
}

// From so many children on their windows are longer, so that what comes in does
// not grow with them.
const (
	manyChildren     = 2000
	veryManyChildren = 5000
)

// pressure is how much of windows the node can take, by what was told and by the
// number of its children.
func (n *Node) pressure() link.Level {
	switch {
	case len(n.kids.list) > veryManyChildren:
		return max(n.level, link.Batch)
	case len(n.kids.list) > manyChildren:
		return max(n.level, link.Throttle)
	}
	return n.level
}

// ownsOf are the jobs here that a child holds a part of.
func (all jobs) owns(child hyperscale.NodeID, now time.Duration) []link.Owned {
	var owns []link.Owned
	for _, name := range all.of(child) {
		o := link.Owned{Job: name, Epoch: all[name].epoch}
		if top := all[name].top; top != nil {
			o.Age = now - *top
		}
		owns = append(owns, o)
	}
	return owns
}

func (j *job) has(kid hyperscale.NodeID) bool { _, ok := j.kids[kid]; return ok }

// jobHere takes a job's owner in.
func (n *Node) jobHere(ev JobHere) {
	j := &job{epoch: ev.Epoch, kids: map[hyperscale.NodeID]hyperscale.Boot{}, here: n.now, since: map[uint64]time.Duration{}}
	n.jobs[ev.Job] = j
	if ev.Led {
		long := n.now - owner.Unheard
		j.top = &long
	}
	for _, h := range ev.Holders {
		j.kids[h.Node] = h.Boot
		n.router.expect(n, h.Node)
		switch k := n.expect(h); {
		case k.Boot > h.Boot:
			n.do(ToJob{ev.Job, owner.Lost{Holder: h, Dead: true}})
		case k.gone:
			n.do(ToJob{ev.Job, owner.Lost{Holder: h, Dead: k.dead}})
		} // else it states what it holds when it hears of its new owner
	}
}

// jobTells passes an order on to the child, if it is linked. One that is not hears
// it when it states what it holds.
func (n *Node) jobTells(ev JobTells) {
	j := n.jobs[ev.Job]
	if j == nil {
		return
	}
	if ev.Order.Do == link.Prepare {
		j.kids[ev.To.Node] = ev.To.Boot
	}
	k := n.expect(ev.To)
	switch {
	case k.Boot > ev.To.Boot:
		n.do(ToJob{ev.Job, owner.Lost{Holder: ev.To, Dead: true}})
		return
	case k.gone && ev.Order.Do == link.Prepare:
		// The placer hears it: it is looked for once more before it is given up.
		k.gone, k.dead, k.asked, k.left = false, false, 0, 0
		n.silent(k)
	}
	n.tell(k, ev.Order)
}

// expect is the record of a start of a child that another manager told of. If it
// was never heard here it is to be before long, or it is lost.
func (n *Node) expect(h link.Holder) *kid {
	k := n.kids.by[h.Node]
	if k == nil {
		k = &kid{Holder: h, heard: n.now}
		n.kids.add(k)
	}
	if k.Boot < h.Boot {
		n.lose(k, owner.Lost{Dead: true, Sure: true})
		k.renew(h.Boot, n.now)
	}
	return k
}

// jobAnswers passes an answer on to the child, if there is a way to it.
func (n *Node) jobAnswers(ev JobAnswers) {
	k := n.kids.by[ev.To.Node]
	if k == nil || ev.To.Boot != 0 && k.Boot != ev.To.Boot {
		return
	}
	ev.Receipt.Level = n.pressure()
	n.tell(k, ev.Receipt)
}

// tell says something to a child: on its stream, or through the manager that
// hears it.
func (n *Node) tell(k *kid, down link.Down) {
	switch {
	case k.conn != 0:
		n.do(ToChild{Child: k.Node, Conn: k.conn, Down: down})
	case k.by != "":
		n.do(ToPeer{k.by, relayDown(k.Holder, down)})
	}
}

// Room is how many children can be given something, and the cores that they have.
//
// At a gate it is how many workers there are in the datacenters that can be given
// something.
func (n *Node) Room() (children, cores int) {
	if n.router != nil {
		return n.router.room(n.now)
	}
	for _, k := range n.kids.list {
		if k.stated && !k.gone && !k.last.Draining && k.pulse.Health() != place.Unhealthy {
			children, cores = children+1, cores+k.last.Cores
		}
	}
	return children, cores
}

// Jobs are the jobs that are owned here, by name.
func (n *Node) Jobs() []hyperscale.JobID { return slices.Sorted(maps.Keys(n.jobs)) }

// JobTime is what time it is now for a job, by the children that are heard and run a
// part of it: the earliest of what they say, so that none alone can put it off; 0: none
// runs it.
func (n *Node) JobTime(now time.Duration, job hyperscale.JobID) hyperscale.JobTime {
	var earliest hyperscale.JobTime
	for _, k := range n.kids.list {
		for _, h := range k.holds[job] {
			if h.State != link.Running || k.gone {
				continue
			}
			if at := h.JobTime + k.trip/2 + now - k.last.came; earliest == 0 || at < earliest {
				earliest = at
			}
		}
	}
	return earliest
}

// standing is how a child stands with this node, for people.
func (k *kid) standing() string {
	switch {
	case k.gone && k.last.Draining && len(k.last.Holds) == 0:
		return "left"
	case k.gone:
		return "dead"
	case k.asked != 0, k.conn == 0 && k.by == "":
		return "suspect"
	case k.last.Draining:
		return "draining"
	}
	return "alive"
}

// Children are all children known, by name.
func (n *Node) Children() []Child {
	var list []Child
	for _, k := range n.kids.list {
		if !k.stated {
			continue
		}
		list = append(list, Child{
			Holder: k.Holder, Cores: k.last.Cores, Free: k.last.Free, Draining: k.last.Draining,
			State: k.standing(), Heard: !k.gone, Age: n.now - k.heard, Health: k.pulse.Health().String(), Jobs: len(k.holds), Vitals: k.last.Vitals,
		})
	}
	return list
}
