package node

import (
	"cmp"
	"slices"

	"hyperscale"
)

// kids are the children that are known, also in the order of their names: there
// may be thousands, and all of them are looked at ten times a second.
type kids struct {
	by   map[hyperscale.NodeID]*kid
	list []*kid
}

func newKids() kids { return kids{by: map[hyperscale.NodeID]*kid{}} }

// add takes a child in that is not known yet.
func (t *kids) add(k *kid) {
	at, _ := t.find(k.Node)
	t.by[k.Node] = k
	t.list = slices.Insert(t.list, at, k)
}

// remove forgets a child.
func (t *kids) remove(k *kid) {
	if at, found := t.find(k.Node); found {
		t.list = slices.Delete(t.list, at, at+1)
		delete(t.by, k.Node)
	}
}

// find is where a child stands in the list, or would.
func (t *kids) find(id hyperscale.NodeID) (at int, found bool) {
	return slices.BinarySearchFunc(t.list, id, func(k *kid, id hyperscale.NodeID) int { return cmp.Compare(k.Node, id) })
}

// all is the list as it stands, whatever is added or removed while it is walked.
func (t *kids) all() []*kid { return slices.Clone(t.list) }
