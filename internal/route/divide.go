package route

import (
	"cmp"
	"fmt"
	"slices"

	"hyperscale"
)

// spill lets others take the places of those that can't begin soon.
func (ch *choosing) spill() {
	need := ch.divide(ch.wish.Least)
	for i, from := range ch.chosen {
		for _, to := range ch.order {
			if !ch.spills(from, to, need[i]) {
				continue
			}
			from.Why = fmt.Sprintf("it can't begin now, and expects cores in %s: spilled over to %s", whole(from.Expected), to.Name)
			ch.notes = append(ch.notes, Note{"spillover", to.Name, fmt.Sprintf(
				"datacenter %s can't begin now and expects cores in %s: %s has %s free and is %s farther",
				from.Name, whole(from.Expected), to.Name, hyperscale.Plural(to.Free, "core"), short(max(to.RTT-from.RTT, 0)))})
			to.Why = "chosen: spilled over from " + from.Name
			ch.chosen[i] = to
			break
		}
	}
}

// spills reports whether what needs so many cores goes from one that was chosen to
// one that was not.
func (ch *choosing) spills(from, to *Row, need int) bool {
	stale := from.stale(ch.config) || to.stale(ch.config)
	waits := from.Free < need && from.Expected > ch.config.SpillWait
	ready := to.Class == Healthy && to.Free >= need && 2*to.Expected <= from.Expected
	return waits && ready && !stale && to.RTT-from.RTT <= ch.config.SpillRTT &&
		to.misses(ch.config, ch.wish) == "" && !slices.Contains(ch.chosen, to)
}

// ready reports whether all that were chosen have the cores free.
func (ch *choosing) ready() bool {
	sum := 0
	for _, row := range ch.chosen {
		if row.Free <= 0 || ch.wish.Replicate && row.Free < ch.wish.Least {
			return false
		}
		sum += row.Free
	}
	return sum >= ch.wish.Least && sum >= len(ch.chosen)
}

// weights are the cores by which the load is divided: those free if all can begin
// now, else all, for some have to wait anyway.
func (ch *choosing) weights() []int {
	free := ch.ready()
	all := make([]int, len(ch.chosen))
	for i, row := range ch.chosen {
		all[i] = row.Cores
		if free {
			all[i] = row.Free
		}
	}
	return all
}

// divide gives each of those chosen its cores of so many, and of a load that is
// replicated all of them.
func (ch *choosing) divide(n int) []int {
	weights := ch.weights()
	if !ch.wish.Replicate {
		return apportion(n, weights)
	}
	for i, weight := range weights {
		weights[i] = min(n, weight)
	}
	return weights
}

// Need is how many cores a workflow needs, and has use for.
type Need struct{ Least, Most int }

// Divide gives workflows that begin together their cores in the datacenters that were
// chosen for all of them: each what it needs, and of what there is beyond that its part;
// in no datacenter more than was chosen there. It is for a load that is not replicated.
func (c Choice) Divide(needs []Need) [][]Part {
	left := make([]int, len(c.Chosen))
	extra, wide := 0, 0
	for i, part := range c.Chosen {
		left[i] = part.Cores
		extra += part.Cores
	}
	for _, need := range needs {
		extra -= need.Least
		wide += need.Most - need.Least
	}
	extra = max(min(extra, wide), 0)
	all := make([][]Part, len(needs))
	for i, need := range needs {
		more := 0
		if more = need.Most - need.Least; more > 0 {
			share := extra * more / wide
			extra, wide, more = extra-share, wide-more, share
		}
		all[i] = c.spread(max(need.Least+more, 1), left)
	}
	return all
}

// Repeat is the same for a load that is replicated: each workflow has its cores in each of
// the datacenters.
func (c Choice) Repeat(needs []Need) [][]Part {
	all := make([][]Part, len(needs))
	for _, part := range c.Chosen {
		for i, parts := range (Choice{Chosen: []Part{part}}).Divide(needs) {
			all[i] = append(all[i], parts...)
		}
	}
	return all
}

// spread takes n cores of what is left, in proportion to that, from no more datacenters
// than there are cores.
func (c Choice) spread(n int, left []int) []Part {
	var from, weights []int
	for i, cores := range left {
		if cores > 0 && len(from) < n {
			from, weights = append(from, i), append(weights, cores)
		}
	}
	if len(from) == 0 {
		return []Part{{c.Chosen[0].Datacenter, n}} // it waits there
	}
	var parts []Part
	for k, cores := range apportion(n, weights) {
		left[from[k]] -= cores
		parts = append(parts, Part{c.Chosen[from[k]].Datacenter, cores})
	}
	return parts
}

// apportion divides n in proportion to the weights, which are above zero: exactly, by
// the largest remainder, of equal ones the first; nobody more than its weight, and
// everybody at least one. No more is divided than there is, and no less than one for
// each.
func apportion(n int, weights []int) []int {
	sum := 0
	for _, weight := range weights {
		sum += weight
	}
	n = max(min(n, sum), len(weights))
	parts, order, left := make([]int, len(weights)), make([]int, len(weights)), n
	for i, weight := range weights {
		parts[i], order[i] = n*weight/sum, i
		left -= parts[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(n*weights[b]%sum, n*weights[a]%sum) })
	for _, i := range order[:left] {
		parts[i]++
	}
	for i := range parts {
		if parts[i] == 0 {
			parts[slices.Index(parts, slices.Max(parts))]--
			parts[i]++
		}
	}
	return parts
}
