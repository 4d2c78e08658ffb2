package own

import (
	"context"
	"fmt"

	"hyperscale/internal/store"
)

// readNode reads a node as stored.
func readNode(e store.Entry) (Node, error) {
	id, ok := nodeOf(e.Key)
	n := Node{ID: id, Session: e.Lease}
	if !ok {
		return Node{}, fmt.Errorf("key %q: %w", e.Key, ErrDamaged)
	}
	if _, err := decode(e.Value, &n); err != nil {
		return Node{}, fmt.Errorf("%s: %w", e.Key, err)
	}
	return n, nil
}

// Nodes gives those that are there, and the revision at which they are.
func Nodes(ctx context.Context, st store.Store) ([]Node, store.Revision, error) {
	var there []Node
	at, err := scan(ctx, st, store.Range{From: nodes, Until: store.After(nodes)}, func(e store.Entry) error {
		n, err := readNode(e)
		there = append(there, n)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("reading who is there: %w", err)
	}
	return there, at, nil
}

// NodeChange says that a node is there, or is not.
type NodeChange struct {
	Node Node // of one that is gone: its ID only
	Gone bool
}

// WatchNodes calls got for every change after the revision that [Nodes] gave, in
// order. It returns ctx's error, [store.ErrCompacted] (ask Nodes again) or the
// error of got.
func WatchNodes(ctx context.Context, st store.Store, after store.Revision, got func(NodeChange) error) error {
	return st.Watch(ctx, nodes, store.After(nodes), after+1, func(_ store.Revision, events []store.Event) error {
		for _, ev := range events {
			c, err := ReadNodeChange(ev)
			if err == nil {
				err = got(c)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ReadNodeChange reads a change of a key from [NodesFrom] up to [NodesUntil], for
// those who watch by other means.
func ReadNodeChange(ev store.Event) (NodeChange, error) {
	if !ev.Deleted {
		n, err := readNode(ev.Entry)
		return NodeChange{Node: n}, err
	}
	id, ok := nodeOf(ev.Key)
	if !ok {
		return NodeChange{}, fmt.Errorf("key %q: %w", ev.Key, ErrDamaged)
	}
	return NodeChange{Node: Node{ID: id}, Gone: true}, nil
}

// The range of keys in which nodes are, and the one in which jobs are.
const (
	NodesFrom, NodesUntil = nodes, "node0"
	JobsFrom, JobsUntil   = jobs, "job0"
)

// page is how many entries a scan asks for at once.
const page = 1000

// scan calls got for every entry of a range, all at one revision.
func scan(ctx context.Context, st store.Store, r store.Range, got func(store.Entry) error) (store.Revision, error) {
	if r.Limit == 0 {
		r.Limit = page
	}
	for {
		p, err := st.Range(ctx, r)
		if err != nil {
			return 0, unanswered(err)
		}
		for _, e := range p.Entries {
			if err := got(e); err != nil {
				return 0, err
			}
		}
		if !p.More {
			return p.Revision, nil
		}
		r.At, r.From = p.Revision, next(p.Entries[len(p.Entries)-1].Key)
	}
}
