package own

import (
	"cmp"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/store"
)

// SuccessionConfig is the timing of takeovers.
type SuccessionConfig struct {
	RankWait time.Duration // how long each candidate waits for the one before it; 0: 300 ms
	Immune   time.Duration // how long a job got by evidence is not lost by evidence; 0: 5 s
	Between  time.Duration // between two attempts to reach who ended its stream; 0: 200 ms
	Stall    time.Duration // of the observer, from which on it begins to judge anew; 0: 1 s
	Again    time.Duration // until a takeover that came to nothing is tried again; 0: 1 s
}

func (c SuccessionConfig) complete() SuccessionConfig {
	return SuccessionConfig{
		RankWait: cmp.Or(c.RankWait, 300*time.Millisecond),
		Immune:   cmp.Or(c.Immune, 5*time.Second),
		Between:  cmp.Or(c.Between, 200*time.Millisecond),
		Stall:    cmp.Or(c.Stall, time.Second),
		Again:    cmp.Or(c.Again, time.Second),
	}
}

// beat is how often a succession wants to be stepped, to notice its own stalls.
const beat = 500 * time.Millisecond

// Succession decides when this node may try to take a job over. It is pure: time
// is given to it, from any beginning, and it only advises. That it is wrong costs a
// change of owner, nothing else: the store decides.
//
//	owner looks gone when                        known from
//	its node is not there under its session      NodeChange
//	that start of it left, or is dead,           MemberGone until MemberBack
//	  as the detector says
//	it ended its stream and refused twice        StreamEnded, then Probed
//
// Candidates are the nodes that are there and look alive.
type Succession struct {
	self   hyperscale.NodeID
	config SuccessionConfig
	peers  map[hyperscale.NodeID]*peer // those that are there, by the store
	claims map[hyperscale.JobID]*claim
	wake   time.Duration // when it asked to be stepped; 0: it was never stepped
	quiet  time.Duration // nothing is judged before, because of a stall
}

// peer is what is known of a node that is there.
type peer struct {
	session store.LeaseID
	boot    hyperscale.Boot
	away    string // why the detector thinks that it is gone; "": it does not
	ended   bool   // it ended its stream and was not reached since
	refused int    // attempts since then
	probe   time.Duration
	probing bool // an attempt is due at probe
}

// claim is what is known of a job.
type claim struct {
	owner  Owner
	immune time.Duration // until then it is not lost by evidence
	gone   bool
	since  time.Duration // gone: since when it is waited
	tried  bool
	next   time.Duration // tried: not again before
}

// NewSuccession makes one that knows nothing yet.
func NewSuccession(self hyperscale.NodeID, config SuccessionConfig) *Succession {
	return &Succession{
		self: self, config: config.complete(),
		peers: make(map[hyperscale.NodeID]*peer), claims: make(map[hyperscale.JobID]*claim),
	}
}

// SuccessionEvent is what a succession hears of: [OwnerChange], [NodeChange],
// [MemberGone], [MemberBack], [StreamEnded], [Probed] and [Tick].
type SuccessionEvent interface{ succession() }

// MemberGone says that the failure detector takes a node for dead, or that it
// left. It counts only of the start that the node's session is of: others of its
// name may never have been let in.
type MemberGone struct {
	Node hyperscale.NodeID
	Boot hyperscale.Boot
	Left bool
}

// MemberBack says that the failure detector takes that start of a node for alive.
type MemberBack struct {
	Node hyperscale.NodeID
	Boot hyperscale.Boot
}

// StreamEnded says that a peer ended its stream to us: not that it fell silent.
type StreamEnded struct{ Node hyperscale.NodeID }

// Probed says how an attempt to reach a peer went, whether it was asked for by
// [Probe] or not. Refused is the peer's host refusing; no answer is not.
type Probed struct {
	Node    hyperscale.NodeID
	Refused bool
}

// Tick says what time it is.
type Tick struct{}

func (OwnerChange) succession() {}
func (NodeChange) succession()  {}
func (MemberGone) succession()  {}
func (MemberBack) succession()  {}
func (StreamEnded) succession() {}
func (Probed) succession()      {}
func (Tick) succession()        {}

// SuccessionEffect is what is to be done: [Try], [Probe] or [Wake].
type SuccessionEffect interface{ effect() }

// Try asks for [TakeOver].
type Try struct {
	Job  hyperscale.JobID
	Gone Fence
	Why  string // in words

	// SessionEnded says that this is why. What is known of nodes may lag behind
	// what is known of owners, so the takeover looks again.
	SessionEnded bool
}

// Probe asks for an attempt to reach a node; [Probed] tells how it went.
type Probe struct{ Node hyperscale.NodeID }

// Wake asks for the next step, at that time at the latest; a later one replaces
// it.
type Wake struct{ At time.Duration }

func (Try) effect()   {}
func (Probe) effect() {}
func (Wake) effect()  {}

// Step takes an event in and says what is to be done, [Wake] last. Which jobs this
// node owns and runs itself the caller knows better: it ignores a Try for those.
func (s *Succession) Step(now time.Duration, ev SuccessionEvent) []SuccessionEffect {
	if s.wake != 0 && now > s.wake+s.config.Stall {
		s.restart(now)
	}
	s.hear(now, ev)
	effects, wake := s.probes(now)
	for _, job := range sortedKeys(s.claims) {
		try, due, ok := s.judge(now, job)
		if ok {
			effects = append(effects, try)
		}
		if due > now {
			wake = min(wake, due)
		}
	}
	s.wake = wake
	return append(effects, Wake{wake})
}

// restart begins all waiting anew after a stall of our own: we may have been the
// one who was not heard, and what clears the others may be about to arrive.
func (s *Succession) restart(now time.Duration) {
	s.quiet = now + s.config.Stall
	for _, p := range s.peers {
		if p.ended {
			p.refused, p.probing, p.probe = 0, true, now
		}
	}
	for _, c := range s.claims {
		c.gone = false
	}
}

func (s *Succession) hear(now time.Duration, ev SuccessionEvent) {
	switch ev := ev.(type) {
	case OwnerChange:
		s.owned(now, ev)
	case NodeChange:
		s.changed(ev)
	case MemberGone:
		if p := s.peers[ev.Node]; p != nil && ev.Boot == p.boot {
			p.away = "the failure detector says it is dead"
			if ev.Left {
				p.away = "it left"
			}
		}
	case MemberBack:
		if p := s.peers[ev.Node]; p != nil && ev.Boot == p.boot {
			p.away = ""
		}
	case StreamEnded:
		if p := s.peers[ev.Node]; p != nil {
			p.ended, p.refused, p.probing, p.probe = true, 0, true, now
		}
	case Probed:
		s.probed(now, ev)
	}
}

func (s *Succession) owned(now time.Duration, ev OwnerChange) {
	if ev.Owner.Fence == 0 {
		delete(s.claims, ev.Job)
		return
	}
	if c := s.claims[ev.Job]; c != nil && c.owner.Fence >= ev.Owner.Fence {
		return
	}
	c := &claim{owner: ev.Owner}
	if ev.Owner.How == ByEvidence {
		c.immune = now + s.config.Immune
	}
	s.claims[ev.Job] = c
}

// changed forgets a node that is not there, and what was held against one that
// is there under another session.
func (s *Succession) changed(ev NodeChange) {
	p := s.peers[ev.Node.ID]
	switch {
	case ev.Gone:
		delete(s.peers, ev.Node.ID)
	case p == nil || p.session != ev.Node.Session:
		s.peers[ev.Node.ID] = &peer{session: ev.Node.Session, boot: ev.Node.Boot}
	}
}

// refusals are how many attempts must be refused.
const refusals = 2

func (s *Succession) probed(now time.Duration, ev Probed) {
	p := s.peers[ev.Node]
	if p == nil || !p.ended {
		return
	}
	if !ev.Refused {
		p.ended, p.refused, p.probing = false, 0, false
		return
	}
	p.refused++
	p.probing, p.probe = p.refused < refusals, now+s.config.Between
}

// probes gives the attempts that are due, and when to be woken for the next.
func (s *Succession) probes(now time.Duration) ([]SuccessionEffect, time.Duration) {
	var effects []SuccessionEffect
	wake := now + beat
	for _, node := range sortedKeys(s.peers) {
		switch p := s.peers[node]; {
		case !p.probing:
		case p.probe <= now:
			p.probing = false
			effects = append(effects, Probe{node})
		default:
			wake = min(wake, p.probe)
		}
	}
	return effects, wake
}

// judge says whether a job is to be tried now, or when it is due.
func (s *Succession) judge(now time.Duration, job hyperscale.JobID) (Try, time.Duration, bool) {
	c := s.claims[job]
	why, ended := s.against(c.owner)
	if why == "" {
		c.gone, c.tried = false, false
		return Try{}, 0, false
	}
	if !c.gone {
		c.gone, c.since = true, now
	}
	rank := slices.Index(Rank(job, s.candidates()), s.self)
	if rank < 0 {
		return Try{}, 0, false // this node has no session, or looks gone itself
	}
	due := max(c.since, c.immune, s.quiet) + time.Duration(rank)*s.config.RankWait
	if c.tried {
		due = max(due, c.next)
	}
	if due > now {
		return Try{}, due, false
	}
	c.tried, c.next = true, now+s.config.Again
	return Try{job, c.owner.Fence, why, ended}, c.next, true
}

// against says why an owner looks gone, "" if it does not, and whether that is
// because its session has ended.
func (s *Succession) against(o Owner) (why string, ended bool) {
	p := s.peers[o.Node]
	switch {
	case o.Node == "":
		return "nobody owned it", false
	case p == nil || p.session != o.Session:
		return "its session has ended", true
	case o.Node == s.self:
		return "", false
	case p.away != "":
		return p.away, false
	case p.refused >= refusals:
		return "it ended its stream and refuses new ones", false
	}
	return "", false
}

func (s *Succession) candidates() []hyperscale.NodeID {
	var names []hyperscale.NodeID
	for name, p := range s.peers {
		if name == s.self || p.away == "" && p.refused < refusals {
			names = append(names, name)
		}
	}
	return names
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
