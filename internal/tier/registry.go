package tier

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/member"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
)

// registry is what this node knows of who owns what and who is there, and the
// jobs that it runs itself.
type registry struct {
	mu     sync.Mutex
	owners map[hyperscale.JobID]own.Owner
	peers  map[hyperscale.NodeID]own.Node
	desks  map[hyperscale.JobID]*desk
	gone   map[hyperscale.NodeID]departed // peers that were there
	said   map[start]member.Kind          // Dead or Left, by the failure detector
	drains map[start]bool                 // peers that take nothing new
}

// start is one of a node. What is heard of one that has no session is of nobody here.
type start struct {
	id   hyperscale.NodeID
	boot hyperscale.Boot
}

// departed is a peer whose session has ended.
type departed struct {
	own.Node
	at time.Time
}

func newRegistry() *registry {
	return &registry{
		owners: map[hyperscale.JobID]own.Owner{}, peers: map[hyperscale.NodeID]own.Node{}, desks: map[hyperscale.JobID]*desk{},
		gone: map[hyperscale.NodeID]departed{}, said: map[start]member.Kind{}, drains: map[start]bool{},
	}
}

// owned notes who owns a job, and gives its desk if this node runs it.
func (r *registry) owned(c own.OwnerChange) *desk {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.Owner == (own.Owner{}) {
		delete(r.owners, c.Job)
	} else {
		r.owners[c.Job] = c.Owner
	}
	return r.desks[c.Job]
}

// without are the changes that a list of all owners tells by what it leaves out.
func (r *registry) without(all []own.OwnerChange) []own.OwnerChange {
	r.mu.Lock()
	defer r.mu.Unlock()
	there := map[hyperscale.JobID]bool{}
	for _, c := range all {
		there[c.Job] = true
	}
	var gone []own.OwnerChange
	for job := range r.owners {
		if !there[job] {
			gone = append(gone, own.OwnerChange{Job: job})
		}
	}
	return gone
}

// absent are the changes that a list of all nodes tells by what it leaves out.
func (r *registry) absent(all []own.Node) []own.NodeChange {
	r.mu.Lock()
	defer r.mu.Unlock()
	there := map[hyperscale.NodeID]bool{}
	for _, n := range all {
		there[n.ID] = true
	}
	var gone []own.NodeChange
	for id, n := range r.peers {
		if !there[id] {
			gone = append(gone, own.NodeChange{Node: n, Gone: true})
		}
	}
	return gone
}

// there notes that a node is there, or is not, and gives all that are.
func (r *registry) there(c own.NodeChange) []link.Parent {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n, was := r.peers[c.Node.ID]; c.Gone && was {
		r.gone[c.Node.ID] = departed{n, time.Now()}
		delete(r.peers, c.Node.ID)
		delete(r.drains, start{n.ID, n.Boot})
	} else if !c.Gone {
		r.peers[c.Node.ID] = c.Node
		delete(r.gone, c.Node.ID)
	}
	var all []link.Parent
	for _, n := range r.peers {
		all = append(all, link.Parent{Node: n.ID, Address: n.Address})
	}
	slices.SortFunc(all, func(a, b link.Parent) int { return cmp.Compare(a.Node, b.Node) })
	return all
}

// changes are all that is known, as a succession that begins is to hear it.
func (r *registry) changes() []own.SuccessionEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []own.SuccessionEvent
	for _, n := range r.peers {
		all = append(all, own.NodeChange{Node: n})
	}
	for job, o := range r.owners {
		all = append(all, own.OwnerChange{Job: job, Owner: o})
	}
	return all
}

// ownerOf is who owns a job, as far as is known here.
func (r *registry) ownerOf(job hyperscale.JobID) (own.Owner, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, known := r.owners[job]
	return o, known
}

// parent is where a node is reached.
func (r *registry) parent(id hyperscale.NodeID) link.Parent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return link.Parent{Node: id, Address: r.peers[id].Address}
}

// heard notes what the failure detector says of a peer.
func (r *registry) heard(of start, kind member.Kind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch kind {
	case member.Dead, member.Left:
		r.said[of] = kind
	case member.Reaped:
		delete(r.said, of)
		delete(r.drains, of)
	default:
		delete(r.said, of)
	}
}

// drain notes whether a peer takes nothing new.
func (r *registry) drain(of start, drains bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.drains, of)
	if drains {
		r.drains[of] = true
	}
}

// state is how a peer that has a session is, in a word: alive, suspect (it looks
// gone) or draining.
func (r *registry) state(id hyperscale.NodeID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := start{id, r.peers[id].Boot}
	switch _, said := r.said[of]; {
	case said:
		return "suspect"
	case r.drains[of]:
		return "draining"
	}
	return "alive"
}

// shownGone is for how long a peer that is gone is still told of.
const shownGone = 120 * time.Second

// departures are the peers that were there until a while ago, and whether each left.
func (r *registry) departures(now time.Time) map[hyperscale.NodeID]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := map[hyperscale.NodeID]bool{}
	for id, d := range r.gone {
		if now.Sub(d.at) > shownGone {
			delete(r.gone, id)
			delete(r.said, start{id, d.Boot})
			continue
		}
		list[id] = r.said[start{id, d.Boot}] == member.Left
	}
	return list
}

// nodes are those of the tier that are there, by name.
func (r *registry) nodes() []own.Node {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []own.Node
	for _, n := range r.peers {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b own.Node) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// others are the names of the other nodes of the tier that are there.
func (r *registry) others(self hyperscale.NodeID) []hyperscale.NodeID {
	var list []hyperscale.NodeID
	for _, n := range r.nodes() {
		if n.ID != self {
			list = append(list, n.ID)
		}
	}
	return list
}

// counts is how many jobs each node owns.
func (r *registry) counts() map[hyperscale.NodeID]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	owned := map[hyperscale.NodeID]int{}
	for _, o := range r.owners {
		owned[o.Node]++
	}
	return owned
}

// desk is a job's, if this node runs it; else nil.
func (r *registry) desk(job hyperscale.JobID) *desk {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.desks[job]
}

// all are the jobs that this node runs.
func (r *registry) all() []*desk {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*desk
	for _, d := range r.desks {
		list = append(list, d)
	}
	return list
}

// open notes that this node runs a job. It is false if it does already, or somebody
// is known to own it under a higher epoch.
func (r *registry) open(d *desk) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.desks[d.job] != nil || r.owners[d.job].Epoch > d.epoch {
		return false
	}
	r.desks[d.job] = d
	r.owners[d.job] = d.tenure.Owner()
	return true
}

// shut notes that it does no more.
func (r *registry) shut(d *desk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.desks, d.job)
}

// notOwner says who owns a job, to somebody who asked the wrong node.
func (r *registry) notOwner(job hyperscale.JobID) error {
	o, known := r.ownerOf(job)
	if !known {
		return rpc.Errorf(rpc.Unavailable, "nobody is known to own job %s now", job)
	}
	return &rpc.Error{
		Kind: rpc.NotOwner, Text: "job " + string(job) + " is owned by " + string(o.Node),
		Owner: o.Node, Address: r.parent(o.Node).Address, Epoch: o.Epoch,
	}
}
