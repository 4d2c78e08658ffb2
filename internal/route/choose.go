package route

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"hyperscale"
)

// Wish is what a job asks for. The zero value is any one datacenter with a core.
type Wish struct {
	Datacenters  []string        // where it may run, and without Count all of these; none: anywhere
	Count        int             // in how many; 0: in all of the list, or without one in as few as hold it
	Preferred    []string        // where it would rather run
	Excluded     []string        // where it may not: they failed it, or lost what another is to take
	Cover        bool            // it is what another lost: one datacenter takes it, also with fewer cores than it has use for
	Least, Most  int             // cores it needs and has use for, of what runs at once; 0: 1, and Least
	Replicate    bool            // each runs the whole load; else each a part
	SLO          *hyperscale.SLO // of its plan; nil: none
	AllowPartial bool            // fewer datacenters than it asks for will do
	Current      []string        // what was chosen for it before; none: nothing was
	Held         time.Duration   // since then
}

// Choice is where a job runs, or why it can't.
type Choice struct {
	Chosen  []Part // best first; empty: refused
	Refused string // why, in words, with the reason of each datacenter; "": it is not
	Notes   []Note // for the events of the job
	Table   []Row  // all that is known, and all that were named, by name
}

// Part is what one datacenter gets: so many of all cores that are chosen, and with
// them that part of the load; of a load that is replicated all of it.
type Part struct {
	Datacenter string
	Cores      int // at least one
}

// Row is what a choice made of one datacenter.
type Row struct {
	Datacenter
	Class Class
	Score Score
	Asked bool   // the job's list allows it
	Use   int    // cores to use there; 0: it was not chosen
	Why   string // it was chosen, or was not
}

// Choose says where a job runs by what is known now. What it is to be weighed
// against, [Wish.Current], the caller keeps with the job: so it outlives the gate.
func (r *Router) Choose(now time.Duration, w Wish) Choice {
	if r.cut.within(now, w.Held) {
		w.Current = nil
	}
	return choose(r.config, w, r.Datacenters(now))
}

// choosing is a choice in the making.
type choosing struct {
	config Config
	wish   Wish
	rows   []*Row // by name
	order  []*Row // those that can run it, best first
	chosen []*Row
	notes  []Note
}

func choose(c Config, w Wish, known []Datacenter) Choice {
	w.Least = max(w.Least, 1)
	w.Most = max(w.Most, w.Least)
	ch := &choosing{config: c, wish: w}
	ch.lookAt(known)
	ch.rank()
	ch.pick()
	if len(ch.chosen) == 0 {
		return ch.refuse()
	}
	ch.spill()
	return ch.settle()
}

// lookAt makes a row for each datacenter that is known or named, and leaves out which
// can't run the job.
func (ch *choosing) lookAt(known []Datacenter) {
	for _, name := range ch.wish.Datacenters {
		if !slices.ContainsFunc(known, func(d Datacenter) bool { return d.Name == name }) {
			known = append(slices.Clip(known), Datacenter{Name: name})
		}
	}
	for _, d := range known {
		row := &Row{Datacenter: d, Class: d.Class(), Asked: ch.wish.allows(d.Name)}
		row.Score = d.score(ch.config, slices.Contains(ch.wish.Preferred, d.Name))
		ch.rows = append(ch.rows, row)
		if row.Why = ch.bar(d); row.Why == "" {
			ch.order = append(ch.order, row)
		}
	}
	slices.SortFunc(ch.rows, func(a, b *Row) int { return cmp.Compare(a.Name, b.Name) })
}

// allows reports whether the job may run there.
func (w Wish) allows(name string) bool {
	return len(w.Datacenters) == 0 || slices.Contains(w.Datacenters, name)
}

// bar says why a datacenter can't run the job; "": it can.
func (ch *choosing) bar(d Datacenter) string {
	w := ch.wish
	switch dead := d.dead(); {
	case !w.allows(d.Name):
		return "it is not in the job's list"
	case slices.Contains(w.Excluded, d.Name):
		return "it failed the job, or lost what is to be given on"
	case dead != "":
		return dead
	case w.Replicate && d.Cores < w.Least:
		return fmt.Sprintf("it has %s, and the whole load needs %d", hyperscale.Plural(d.Cores, "core"), w.Least)
	}
	return ""
}

// rank puts those that can run the job in order. Those chosen before come first until
// another beats them: of both lists the heads are held against each other.
func (ch *choosing) rank() {
	slices.SortFunc(ch.order, ch.compare)
	var now, others []*Row
	for _, row := range ch.order {
		if slices.Contains(ch.wish.Current, row.Name) {
			now = append(now, row)
		} else {
			others = append(others, row)
		}
	}
	ch.order = ch.order[:0:0]
	for len(now) > 0 && len(others) > 0 {
		if ch.beats(others[0], now[0]) {
			ch.order, others = append(ch.order, others[0]), others[1:]
		} else {
			ch.order, now = append(ch.order, now[0]), now[1:]
		}
	}
	ch.order = append(append(ch.order, now...), others...)
}

func (ch *choosing) compare(a, b *Row) int {
	return cmp.Or(cmp.Compare(ch.standing(a), ch.standing(b)), cmp.Compare(a.Score.Total, b.Score.Total), cmp.Compare(a.Name, b.Name))
}

// standing is the class by which a datacenter is ordered. For one that is preferred
// and has no core free the job waits as long as spillover lets it.
func (ch *choosing) standing(row *Row) Class {
	if row.Class == Busy && slices.Contains(ch.wish.Preferred, row.Name) {
		return Healthy
	}
	return row.Class
}

// beats reports whether another takes the place of one that was chosen before.
func (ch *choosing) beats(other, before *Row) bool {
	better := ch.wish.Held >= ch.config.Hold && 10*other.Score.Total < 8*before.Score.Total
	return ch.compare(other, before) < 0 && (better || slices.Contains(before.Worse, other.Name))
}

// pick takes the first that together hold the load, of those that meet the slo if
// these are enough, else of all.
func (ch *choosing) pick() {
	meet := slices.DeleteFunc(slices.Clone(ch.order), func(row *Row) bool { return row.misses(ch.config, ch.wish) != "" })
	all := slices.Clone(meet)
	for _, row := range ch.order {
		if !slices.Contains(meet, row) {
			all = append(all, row)
		}
	}
	for _, pool := range [][]*Row{meet, all} {
		for _, n := range ch.numbers(len(pool)) {
			if ch.chosen = ch.take(pool, n); ch.chosen != nil {
				return
			}
		}
	}
}

// wanted is the number of datacenters that the job asks for; 0: as few as hold it.
func (ch *choosing) wanted() int {
	switch {
	case ch.wish.Cover:
		return 1
	case ch.wish.Count > 0:
		return ch.wish.Count
	}
	return len(slices.Compact(slices.Sorted(slices.Values(ch.wish.Datacenters))))
}

// numbers are the numbers of datacenters that will do, in the order to be tried.
func (ch *choosing) numbers(there int) []int {
	var all []int
	switch wanted := ch.wanted(); {
	case wanted == 0:
		for n := 1; n <= there; n++ {
			all = append(all, n)
		}
	case ch.wish.AllowPartial:
		for n := wanted; n > 0; n-- {
			all = append(all, n)
		}
	default:
		all = []int{wanted}
	}
	return all
}

// take takes n of the pool that together have the cores: an early one is passed over
// only where no n of which it is one, with those taken before it, have them.
func (ch *choosing) take(pool []*Row, n int) []*Row {
	if !ch.wish.Replicate && n > ch.wish.Most {
		return nil
	}
	var taken []*Row
	sum := 0
	for i, row := range pool {
		rest := pool[i+1:]
		missing := n - len(taken) - 1
		if missing < 0 || missing > len(rest) {
			break
		}
		if ch.wish.Replicate || sum+row.Cores+largest(rest, missing) >= ch.wish.Least {
			taken, sum = append(taken, row), sum+row.Cores
		}
	}
	if len(taken) < n {
		return nil
	}
	return taken
}

// largest is how many cores the n largest have.
func largest(rows []*Row, n int) int {
	sizes := make([]int, len(rows))
	for i, row := range rows {
		sizes[i] = -row.Cores
	}
	slices.Sort(sizes)
	sum := 0
	for _, size := range sizes[:n] {
		sum -= size
	}
	return sum
}
