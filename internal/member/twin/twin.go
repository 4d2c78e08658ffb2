// Package twin is a failure detector in memory: it keeps the promises of
// [member.Members] on a time that its caller keeps and over a network that its
// caller cuts. It serves simulations and tests; nothing in it runs by itself,
// and a group is used by one goroutine.
package twin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/member"
)

// How fast the detector is.
const (
	Beat    = 100 * time.Millisecond  // news is passed on so often
	Silence = 2500 * time.Millisecond // who was not heard for so long is dead
)

// Group is the members of a tier with the network between them.
type Group struct {
	now   time.Duration
	nodes map[hyperscale.NodeID]*Node // that run
	cut   map[way]bool
	quiet bool // nothing but time has changed since all heard all
}

// way is one direction between two members.
type way struct{ from, to hyperscale.NodeID }

// Config is one member and those it looks for.
type Config struct {
	ID   hyperscale.NodeID
	Boot hyperscale.Boot
	Meta []byte
	Join []hyperscale.NodeID // configured peers
}

// start is one of a member.
type start struct {
	id   hyperscale.NodeID
	boot hyperscale.Boot
}

func (c Config) start() start { return start{c.ID, c.Boot} }

// Node is a member of a group.
type Node struct {
	group  *Group
	config Config
	heard  member.Heard
	roster member.Roster
	last   map[start]time.Duration    // when it last heard a member
	found  map[hyperscale.NodeID]bool // configured peers that it heard
	stall  int
}

var _ member.Members = (*Node)(nil)

// NewGroup makes a group without members at time 0.
func NewGroup() *Group {
	return &Group{nodes: make(map[hyperscale.NodeID]*Node), cut: make(map[way]bool)}
}

// New makes a member, which takes part from [Node.Start] on.
func (g *Group) New(config Config, heard member.Heard) (*Node, error) {
	if err := cmp.Or(member.CheckID(config.ID), member.CheckMeta(config.Meta)); err != nil {
		return nil, fmt.Errorf("twin: %w", err)
	}
	if heard == nil {
		heard = func(member.Event) {}
	}
	return &Node{
		group: g, config: config, heard: heard,
		last: make(map[start]time.Duration), found: make(map[hyperscale.NodeID]bool),
	}, nil
}

// Cut cuts what one member sends off from another, or lets it through again.
func (g *Group) Cut(from, to hyperscale.NodeID, cut bool) {
	g.stir()
	if cut {
		g.cut[way{from, to}] = true
		return
	}
	delete(g.cut, way{from, to})
}

// Isolate cuts a member off from all others that run, both ways, or lets all
// through again.
func (g *Group) Isolate(id hyperscale.NodeID, cut bool) {
	for other := range g.nodes {
		if other != id {
			g.Cut(id, other, cut)
			g.Cut(other, id, cut)
		}
	}
}

// Advance lets time pass until now, and tells the listeners, in it, what
// happens.
func (g *Group) Advance(now time.Duration) {
	for g.now+Beat <= now {
		if g.quiet {
			g.now += (now - g.now).Truncate(Beat)
			return
		}
		g.now += Beat
		g.beat()
	}
}

// beat lets every member hear what reaches it, and tell what is new.
func (g *Group) beat() {
	g.quiet = true
	all := g.running()
	for _, n := range all {
		n.listen(all)
	}
	for _, n := range all {
		n.tell()
	}
}

// running is the members that run, by name.
func (g *Group) running() []*Node {
	all := slices.Collect(maps.Values(g.nodes))
	slices.SortFunc(all, func(a, b *Node) int { return cmp.Compare(a.config.ID, b.config.ID) })
	return all
}

// stir ends a quiet time, in which everybody heard everybody.
func (g *Group) stir() {
	if !g.quiet {
		return
	}
	g.quiet = false
	for _, n := range g.nodes {
		for of := range n.last {
			n.last[of] = g.now
		}
	}
}

// linked reports whether two members can ask and answer each other.
func (g *Group) linked(a, b hyperscale.NodeID) bool {
	return len(g.cut) == 0 || !g.cut[way{a, b}] && !g.cut[way{b, a}]
}

// reaches reports whether a hears b, itself or through another that both hear.
func (g *Group) reaches(a, b *Node, all []*Node) bool {
	if g.linked(a.config.ID, b.config.ID) {
		return true
	}
	return slices.ContainsFunc(all, func(c *Node) bool {
		return c != a && c != b && g.linked(a.config.ID, c.config.ID) && g.linked(c.config.ID, b.config.ID)
	})
}

// listen is one member's part of a beat.
func (n *Node) listen(all []*Node) {
	g := n.group
	for _, other := range all {
		switch {
		case other == n:
		case g.reaches(n, other, all) && n.knows(other, all):
			n.hear(other)
		default:
			g.quiet = false
		}
	}
	for _, m := range n.roster.Alive() {
		of := start{m.ID, m.Boot}
		if of == n.config.start() || n.last[of] == g.now {
			continue
		}
		g.quiet = false
		if g.now-n.last[of] >= Silence {
			n.roster.Gone(g.now, m.ID, m.Boot, false)
			delete(n.last, of)
		}
	}
	if n.roster.Reap(g.now); n.roster.Len() > len(n.roster.Alive()) {
		g.quiet = false // somebody is to be reaped
	}
}

// hear notes that another member is there.
func (n *Node) hear(other *Node) {
	n.roster.Heard(other.self())
	n.last[other.config.start()] = n.group.now
	n.found[other.config.ID] = true
}

// knows reports whether a member has heard of another: it is configured to look
// for it or was looked for by it, or somebody that it hears knows it.
func (n *Node) knows(other *Node, all []*Node) bool {
	id := other.config.ID
	if n.roster.Has(id, other.config.Boot) || slices.Contains(n.config.Join, id) || slices.Contains(other.config.Join, n.config.ID) {
		return true
	}
	return slices.ContainsFunc(all, func(c *Node) bool {
		return c != n && n.roster.Has(c.config.ID, c.config.Boot) && c.roster.Has(id, other.config.Boot)
	})
}

// tell passes news on to the listener.
func (n *Node) tell() {
	for _, e := range n.roster.Take() {
		n.heard(e)
	}
}

// self is the member as others hear it. Its address is its name.
func (n *Node) self() member.Member {
	return member.Member{ID: n.config.ID, Boot: n.config.Boot, Meta: n.config.Meta, Addr: string(n.config.ID)}
}

// Start takes part from now on, and tells of itself.
func (n *Node) Start() {
	n.group.stir()
	n.group.nodes[n.config.ID] = n
	n.roster.Heard(n.self())
	n.tell()
}

// Kill takes part no more: the others will find the member dead. Another with
// its name may have taken its place; that one goes on.
func (n *Node) Kill() {
	if n.group.nodes[n.config.ID] == n {
		n.group.stir()
		delete(n.group.nodes, n.config.ID)
	}
}

// Run takes part until ctx ends. Where nothing else runs, Start and Kill do the
// same.
func (n *Node) Run(ctx context.Context) error {
	n.Start()
	<-ctx.Done()
	n.Kill()
	return nil
}

// Alive is the members that are not known to be gone, by name.
func (n *Node) Alive() []member.Member { return n.roster.Alive() }

// Unheard is the configured peers that were never heard from.
func (n *Node) Unheard() []string {
	var all []string
	for _, id := range n.config.Join {
		if !n.found[id] {
			all = append(all, string(id))
		}
	}
	return all
}

// Update changes what the member tells of itself, from the next beat on.
func (n *Node) Update(meta []byte) error {
	if err := member.CheckMeta(meta); err != nil {
		return err
	}
	n.group.stir()
	n.config.Meta = slices.Clone(meta)
	if n.group.nodes[n.config.ID] == n {
		n.roster.Heard(n.self())
	}
	return nil
}

// Leave tells those that it reaches, at once, that the member goes, and takes
// part no more.
func (n *Node) Leave(context.Context) error {
	g := n.group
	all := g.running()
	for _, other := range all {
		if other != n && g.reaches(other, n, all) {
			other.roster.Gone(g.now, n.config.ID, n.config.Boot, true)
			delete(other.last, n.config.start())
		}
	}
	n.Kill()
	n.roster.Gone(g.now, n.config.ID, n.config.Boot, true)
	for _, other := range all {
		other.tell()
	}
	return nil
}

// Stall is what [Node.SetStall] says.
func (n *Node) Stall() int { return n.stall }

// SetStall says how unwell the detector is.
func (n *Node) SetStall(stall int) { n.stall = stall }
