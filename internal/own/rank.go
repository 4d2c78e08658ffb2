package own

import (
	"cmp"
	"hash/fnv"
	"slices"

	"hyperscale"
)

// Rank orders nodes by how near they are to owning a job: who is first takes it
// over first, and is asked first when it is handed over. Each node has its own
// order, so that the jobs of one that is lost spread over the others, and an order
// does not change among those that stay.
func Rank(job hyperscale.JobID, candidates []hyperscale.NodeID) []hyperscale.NodeID {
	ranked := slices.Clone(candidates)
	slices.SortFunc(ranked, func(a, b hyperscale.NodeID) int {
		return cmp.Or(cmp.Compare(nearness(job, b), nearness(job, a)), cmp.Compare(a, b))
	})
	return ranked
}

// nearness is a hash of both names.
func nearness(job hyperscale.JobID, node hyperscale.NodeID) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(job)) // never fails
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(node))
	x := h.Sum64()
	// The last letters of a name hardly reach the upper bits by themselves.
	x = (x ^ x>>33) * 0x9e3779b97f4a7c15
	x = (x ^ x>>29) * 0xbf58476d1ce4e5b9
	return x ^ x>>32
}
