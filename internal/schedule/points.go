package schedule

import (
	"math/bits"

	"hyperscale"
)

// points are the positions of one second's Poisson arrivals: uniform numbers in
// [0, 2⁶⁴) in ascending order, of which any can be had without making those
// before it.
//
// They are the leaves of a tree that is drawn while it is walked. A node stands
// for an interval of positions and has a count of points; each point falls into
// the lower or the upper half with equal chance, so the lower half's count is
// binomial: the number of ones among so many drawn bits. A node with few points
// draws them outright and sorts them. The zero value holds no point.
type points struct {
	of     *drawn // whose they are
	key    hyperscale.Source
	second int64
	first  int64 // slot of the second's first point
	count  int64
	before u128 // mass before the second
	mass   u128 // and within it

	path  [deepest + 1]node // from the root to where the leaf was cut
	depth int
	leaf  leaf
}

// node is an interval of positions: those that begin with its bits.
type node struct {
	name   int64  // of its draws: 1 is the root, 2n and 2n + 1 are the halves of n
	bits   uint64 // the depth's number of highest bits
	first  int64  // rank of its first point
	count  int64
	inHalf int64 // of count, those in the lower half; known once it has been split
}

// leaf is the points of one node.
type leaf struct {
	first, count int64
	at           [leafSize]uint64
}

// leafSize is the most points that a leaf holds: enough that the tree's upper
// levels cost little per point, and few enough to sort by insertion.
const leafSize = 16

// deepest is where splitting ends: points that share so many bits are taken to
// be at one position. Chance makes no such points.
const deepest = 48

// has reports whether slot i is one of the points.
func (p *points) has(i int64) bool { return p.first <= i && i < p.first+p.count }

// reset makes p the points of another second.
func (p *points) reset(key hyperscale.Source, second, first, count int64, before, mass u128) {
	p.key, p.second, p.first, p.count = key, second, first, count
	p.before, p.mass = before, mass
	p.depth = 0
	p.path[0] = node{name: 1, count: count}
	p.split(&p.path[0])
	p.leaf.count = 0
}

// position is that of the point of the rank, 0 ≤ rank < count.
func (p *points) position(rank int64) uint64 {
	if rank < p.leaf.first || rank >= p.leaf.first+p.leaf.count {
		p.seek(rank)
	}
	return p.leaf.at[min(rank-p.leaf.first, leafSize-1)]
}

// seek fills the leaf that has the rank: up to the node that has it, then down.
func (p *points) seek(rank int64) {
	for p.depth > 0 && !p.path[p.depth].has(rank) {
		p.depth--
	}
	for p.path[p.depth].count > leafSize && p.depth < deepest {
		n := &p.path[p.depth]
		p.depth++
		half := &p.path[p.depth]
		*half = node{name: 2 * n.name, bits: n.bits, first: n.first, count: n.inHalf}
		if rank >= n.first+n.inHalf {
			*half = node{
				name: 2*n.name + 1, bits: n.bits | 1<<(64-p.depth),
				first: n.first + n.inHalf, count: n.count - n.inHalf,
			}
		}
		p.split(half)
	}
	p.fill(&p.path[p.depth])
}

func (n *node) has(rank int64) bool { return n.first <= rank && rank < n.first+n.count }

// split draws how many of the node's points are in its lower half.
func (p *points) split(n *node) {
	n.inHalf = 0
	if n.count <= leafSize {
		return
	}
	for left, word := n.count, int64(0); left > 0; left, word = left-64, word+1 {
		ones := p.key.Draw(hyperscale.Slot(n.name), word, 0)
		if left < 64 {
			ones >>= 64 - left
		}
		n.inHalf += int64(bits.OnesCount64(ones))
	}
}

// fill draws the points of a node and sorts them.
func (p *points) fill(n *node) {
	p.leaf.first, p.leaf.count = n.first, n.count
	for k := range min(n.count, leafSize) {
		at := n.bits | p.key.Draw(hyperscale.Slot(n.name), k, 1)>>p.depth
		j := k
		for ; j > 0 && at < p.leaf.at[j-1]; j-- {
			p.leaf.at[j] = p.leaf.at[j-1]
		}
		p.leaf.at[j] = at
	}
}
