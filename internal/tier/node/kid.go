package node

import (
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/place"
)

// kid is everything that is known of one child. When it is forgotten all of it
// goes.
//
//	expected → (a stream) linked
//	linked → (stream ended) away → gone after Back; silent, if it did not hear us
//	expected, linked → (beats missed) silent → others asked → gone after Ask, unless one hears it
//	gone → (a statement) linked; (an order for it) silent
//
// Expected is who holds something by the word of another manager, of an owner
// before or of the placer, and never said anything here.
type kid struct {
	link.Holder
	conn   uint64 // of its stream; 0: it has none
	last   lastWord
	stated bool // it said something since its stream stands, or ever
	fresh  bool // its next statement is the first on its stream
	holds  map[hyperscale.JobID][]link.Held
	heard  time.Duration                       // when it last said something, or delivered
	left   time.Duration                       // when it ended its last stream, for whatever reason but our silence; 0: it did not
	asked  time.Duration                       // when others were asked whether they hear it; 0: they are not
	by     hyperscale.NodeID                   // who hears it and passes on, while we don't; ""
	deaf   map[hyperscale.NodeID]time.Duration // who asked us to pass on, and when
	gone   bool
	dead   bool // … because its stream ended
	word   word
	trip   time.Duration
	pulse  place.Pulse
}

// lastWord is the last statement of a child.
type lastWord struct {
	link.Statement
	came time.Duration // when it did
}

// word is the last word that a child was told.
type word struct {
	seq uint64
	at  time.Duration // when
	due time.Duration // when the next is
}

// renew makes it the record of a later start of the child. The stream that stands
// stays, and so does the count of words on it: one of a lower number is not heard.
func (k *kid) renew(boot hyperscale.Boot, heard time.Duration) {
	*k = kid{Holder: link.Holder{Node: k.Node, Boot: boot}, conn: k.conn, word: k.word, heard: heard, fresh: true}
}

// attached begins a stream. The child hears at once whom it reached: before that it
// says nothing.
func (n *Node) attached(ev Attached) {
	k := n.kids.by[ev.Child]
	if k == nil {
		k = &kid{Holder: link.Holder{Node: ev.Child}}
		n.kids.add(k)
	}
	k.conn, k.fresh, k.asked, k.by = ev.Conn, true, 0, ""
	if !k.gone { // else it is forgotten in time, whoever goes by its name
		k.heard = n.now
	}
	n.sayTo(k)
	k.word.due = n.now + n.cfg.Beat*time.Duration(1+ev.Conn%spread)/spread
}

// detached ends a stream. The child has a while to come back. One that had not
// heard us for two beats hung up because of it, and is no more than silent.
func (k *kid) detached(now time.Duration, conn uint64, beat time.Duration) {
	if k == nil || k.conn != conn {
		return
	}
	k.conn = 0
	if k.last.HeardAgo < 2*beat {
		k.left = now
	}
}

// delivered takes a window for a beat. Who never stated anything, or has no stream to
// be spoken to, is not heard by that.
func (k *kid) delivered(now time.Duration) {
	if k != nil && k.conn != 0 && k.stated {
		k.heard = now
	}
}

// said takes in what a child says.
func (n *Node) said(ev Said) {
	k := n.kids.by[ev.Child]
	if k == nil || k.conn != ev.Conn {
		return
	}
	switch up := ev.Up.(type) {
	case link.Statement:
		n.stated(k, up)
	case link.Fenced:
		if j := n.jobs[up.Job]; j != nil && up.Highest > j.epoch {
			n.do(Fenced{Job: up.Job, Highest: up.Highest})
		}
	}
}

// stated takes in a statement, unless it is older than one that was.
func (n *Node) stated(k *kid, s link.Statement) {
	numbered := !n.cfg.Datacenters // whoever speaks for a datacenter has numbers of its own, which were judged
	if s.Node != k.Node || numbered && s.Boot == k.Boot && s.Seq <= k.last.Seq && k.stated {
		return
	}
	if s.Boot < k.Boot {
		// It went by this name while another did, or its clock was set back.
		n.do(HangUp{Child: k.Node, Conn: k.conn, Reason: "a later start of it was here, and is not forgotten yet"})
		k.conn = 0
		return
	}
	if s.Boot > k.Boot && k.Boot != 0 {
		n.lose(k, owner.Lost{Dead: true, Sure: true}) // what held something was an earlier start of it
		k.renew(s.Boot, 0)
	}
	if s.Heard == k.word.seq && k.word.seq != 0 {
		k.trip = max(n.now-k.word.at-s.HeardAgo, 0)
	}
	if k.gone {
		n.router.healed(n, k.Node)
	}
	k.Boot, k.last, k.stated, k.heard = s.Boot, lastWord{s, n.now}, true, n.now
	k.gone, k.dead, k.asked, k.left = false, false, 0, 0
	if k.conn != 0 {
		k.by = ""
	}
	k.holds = map[hyperscale.JobID][]link.Held{}
	for _, h := range s.Holds {
		k.holds[h.Job] = append(k.holds[h.Job], h)
	}
	n.tellJobs(k)
	k.fresh = false
	if k.by == "" {
		peering{n}.passOn(k, s)
	}
	health := k.pulse.Step(place.Read(s.Free, s.Vitals.CPU, s.Vitals.Memory, s.Stall))
	n.placer.step(n, place.State(s, health))
}

// tellJobs passes a statement on to the jobs here that it concerns, and asks about
// jobs that nobody claims.
func (n *Node) tellJobs(k *kid) {
	told := map[hyperscale.JobID]bool{}
	for _, h := range k.last.Holds {
		if told[h.Job] {
			continue
		}
		told[h.Job] = true
		if n.jobs[h.Job] != nil {
			n.jobs[h.Job].kids[k.Node] = k.Boot
			n.do(ToJob{h.Job, k.statedTo(h.Job, k.fresh)})
		} else if h.Silence > n.cfg.Orphaned {
			n.do(Unclaimed{Child: k.Node, Job: h.Job})
		}
	}
	for _, name := range n.jobs.of(k.Node) {
		if !told[name] {
			n.do(ToJob{name, k.statedTo(name, k.fresh)})
		}
	}
}

// statedTo is what a child's last statement says of one job.
func (k *kid) statedTo(job hyperscale.JobID, fresh bool) owner.Stated {
	return owner.Stated{Holder: k.Holder, Held: k.holds[job], Trip: k.trip, Fresh: fresh}
}

// watch judges whether a child is still to be heard.
func (n *Node) watch(k *kid) {
	if k.gone {
		if n.now-k.heard > n.cfg.Forget && k.conn == 0 {
			n.kids.remove(k)
			n.placer.step(n, place.Left{Holder: k.Holder})
		}
		return
	}
	if k.left != 0 && k.conn == 0 && k.by == "" && n.now-k.left >= n.cfg.Back && k.asked == 0 {
		n.lose(k, owner.Lost{Dead: true})
		return
	}
	patience := time.Duration(float64(n.cfg.Missed) * (1 + k.last.Stall) * float64(n.cfg.Beat))
	if !k.stated {
		patience *= 2 // it may be about to dial
	}
	if n.now-k.heard < patience {
		return
	}
	n.silent(k)
}

// silent asks the other managers whether they hear the child, and gives it up when
// none does.
func (n *Node) silent(k *kid) {
	switch {
	case k.asked == 0:
		k.asked = n.now
		k.pulse.Step(place.Silence)
		for _, peer := range sorted(n.peers) {
			n.do(ToPeer{peer, link.Hear{Holder: k.Holder}})
		}
		if k.conn != 0 {
			n.do(HangUp{Child: k.Node, Conn: k.conn, Reason: "it missed its beats"})
			k.conn, k.left = 0, 0
		}
	case n.now-k.asked >= n.cfg.Ask:
		if (n.hushed == 0 || n.now-n.hushed >= hush) && n.router.lets(n, k.Node) {
			n.lose(k, owner.Lost{})
		}
	}
}

// hush is how long nothing is given up while most children are silent.
const hush = 10 * time.Second

// listen looks whether so many children fell silent at once that it may be this
// node that hears nothing: then nothing is given up until another manager has
// spoken, or so long.
func (n *Node) listen() {
	quiet, all := 0, 0
	for _, k := range n.kids.list {
		if k.gone || !k.stated {
			continue
		}
		all++
		if k.asked != 0 {
			quiet++
		}
	}
	switch {
	case all < 2 || quiet*2 <= all || len(n.peers) > 0:
		n.hushed = 0
	case n.hushed == 0:
		n.hushed = n.now
	}
}

// lose gives a child up: the jobs here that it holds a part of hear it.
func (n *Node) lose(k *kid, how owner.Lost) {
	if k.gone || k.Boot == 0 {
		return
	}
	k.gone, k.dead, k.by = true, how.Dead, ""
	k.pulse.Step(place.Death)
	how.Holder, how.Since = k.Holder, k.left
	for _, name := range n.jobs.of(k.Node) {
		n.do(ToJob{name, how})
	}
	n.placer.step(n, place.Left{Holder: k.Holder})
}
