package rpc

import (
	"cmp"
	"slices"
	"sync"
)

// Count is how often something happened since the server was made.
type Count struct {
	What string // "calls", "failed", "refused", "panics"
	Of   string // which call, or why
	N    uint64
}

// counts is safe for concurrent use.
type counts struct {
	mu sync.Mutex
	n  map[[2]string]uint64
}

func (c *counts) add(what, of string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = make(map[[2]string]uint64)
	}
	c.n[[2]string{what, of}]++
}

// all gives the counts in order of their names.
func (c *counts) all() []Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Count
	for name, n := range c.n {
		all = append(all, Count{name[0], name[1], n})
	}
	slices.SortFunc(all, func(a, b Count) int { return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Of, b.Of)) })
	return all
}
