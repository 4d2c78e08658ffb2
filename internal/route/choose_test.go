package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

var names = []string{"a", "b", "c", "d", "e"}

// anyDatacenter draws one in any state.
func anyDatacenter(t *rapid.T, name string) Datacenter {
	n := func(label string, most int) int { return rapid.IntRange(0, most).Draw(t, name+" "+label) }
	d := Datacenter{
		Name: name, Managers: n("managers", 3), Open: n("open", 2), Cut: n("cut", 5) == 0, Doubted: n("doubted", 5) == 0, Failed: n("failed", 3) == 0,
		RTT: time.Duration(n("rtt", 300)) * ms, Samples: n("samples", 12), Age: time.Duration(n("age", 40)) * time.Second,
		Observed: time.Duration(n("observed", 300)) * ms, Believed: n("believed", 100),
		Capacity: Capacity{
			Cores: n("cores", 20), Workers: n("workers", 3), Unhealthy: n("unhealthy", 3),
			Queued: time.Duration(n("queued", 100)) * time.Second, Expected: time.Duration(n("expected", 200)) * time.Second,
		},
	}
	d.Heard = n("heard", d.Managers)
	d.Ailing = n("ailing", d.Heard)
	d.Free = n("free", d.Cores)
	return d
}

func anyDatacenters(t *rapid.T) []Datacenter {
	var all []Datacenter
	for _, name := range names[:rapid.IntRange(0, len(names)).Draw(t, "datacenters")] {
		all = append(all, anyDatacenter(t, name))
	}
	return all
}

func someNames(t *rapid.T, label string) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, len(names), rapid.ID[string]).Draw(t, label)
}

func anyWish(t *rapid.T) Wish {
	w := Wish{
		Count: rapid.IntRange(0, 4).Draw(t, "count"), Preferred: someNames(t, "preferred"),
		Least: rapid.IntRange(0, 30).Draw(t, "least"), Replicate: rapid.Bool().Draw(t, "replicate"), AllowPartial: rapid.Bool().Draw(t, "partial"),
		Held: rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(t, "held"),
	}
	w.Most = w.Least + rapid.IntRange(-1, 20).Draw(t, "more")
	if rapid.Bool().Draw(t, "listed") {
		w.Datacenters = someNames(t, "list")
	}
	if rapid.Bool().Draw(t, "slo") {
		w.SLO = &hyperscale.SLO{
			Latency: time.Duration(rapid.IntRange(0, 300).Draw(t, "latency")) * ms,
			Rate:    hyperscale.Rate(rapid.IntRange(0, 200_000).Draw(t, "rate")) * hyperscale.PerSecond,
		}
	}
	return w
}

// What is chosen may be, by the job and by its health, and gets exactly the cores that
// the job has use for, or all there are.
func TestChoices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known, w := anyDatacenters(t), anyWish(t)
		w.Current = someNames(t, "current")
		c := choose(Config{}.withDefaults(), w, known)
		if (c.Refused == "") != (len(c.Chosen) > 0) {
			t.Fatalf("chosen %v, refused %q", c.Chosen, c.Refused)
		}
		if len(c.Chosen) > 0 {
			checkNumber(t, w, len(c.Chosen))
			checkCores(t, w, c)
		}
		for _, row := range c.Table {
			if used := slices.Contains(c.Chosen, Part{row.Name, row.Use}); used != (row.Use > 0) || row.Why == "" {
				t.Fatalf("%v, with %v", row, c.Chosen)
			}
			if row.Use > 0 && (row.Class == Unhealthy || row.Heard == 0 && !row.Doubted || row.Workers == 0) {
				t.Fatalf("dead: %v", row)
			}
			if row.Use > 0 && len(w.Datacenters) > 0 && !slices.Contains(w.Datacenters, row.Name) {
				t.Fatalf("not in %v: %v", w.Datacenters, row)
			}
		}
	})
}

// checkNumber holds a choice to the number of datacenters that is asked for.
func checkNumber(t *rapid.T, w Wish, n int) {
	wanted := w.Count
	if wanted == 0 {
		wanted = len(w.Datacenters)
	}
	if wanted > 0 && (n > wanted || n < wanted && !w.AllowPartial) {
		t.Fatalf("%d, and %d are asked for", n, wanted)
	}
}

func checkCores(t *rapid.T, w Wish, c Choice) {
	least, sum, freeAll, coresAll, ready := max(w.Least, 1), 0, 0, 0, true
	most := max(w.Most, least)
	for _, row := range c.Table {
		if row.Use == 0 {
			continue
		}
		if row.Use > row.Cores || w.Replicate && (row.Use < least || row.Use > most) {
			t.Fatalf("%d cores of %d are used", row.Use, row.Cores)
		}
		sum, freeAll, coresAll = sum+row.Use, freeAll+row.Free, coresAll+row.Cores
		ready = ready && row.Free > 0 && row.Use <= row.Free
	}
	if exact := sum == min(most, coresAll) || ready && sum == min(most, freeAll); !w.Replicate && (!exact || sum < least) {
		t.Fatalf("%d cores are used of %d, of which %d are free; it wants %d to %d", sum, coresAll, freeAll, least, most)
	}
}

// improve makes one thing of a datacenter better that is known of it. What becomes
// known (by a first sample, or a fresh statement) may be bad news.
func improve(t *rapid.T, d *Datacenter) {
	switch rapid.IntRange(0, 12).Draw(t, "better") {
	case 0:
		d.RTT /= 2
	case 1:
		d.Observed /= 2
	case 2:
		d.Samples *= 2
	case 3:
		d.Expected /= 2
	case 4:
		d.Open = 0
	case 5:
		d.Failed = false
	case 6:
		d.Queued /= 2
	case 7:
		d.Free = d.Cores
	case 8:
		d.Free, d.Cores = d.Free+4, d.Cores+4
	case 9:
		d.Ailing = 0
	case 10:
		d.Heard = d.Managers
	case 11:
		d.Workers, d.Unhealthy = d.Workers+1, 0
	case 12:
		d.Cut = false
	}
}

// A datacenter that is chosen stays so when it gets better.
func TestBetterIsNoWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known, w := anyDatacenters(t), anyWish(t)
		before := choose(Config{}.withDefaults(), w, known)
		if len(before.Chosen) == 0 {
			t.Skip("refused")
		}
		name := rapid.SampledFrom(before.Chosen).Draw(t, "which").Datacenter
		i := slices.IndexFunc(known, func(d Datacenter) bool { return d.Name == name })
		improve(t, &known[i])
		after := choose(Config{}.withDefaults(), w, known)
		if !slices.ContainsFunc(after.Chosen, func(p Part) bool { return p.Datacenter == name }) {
			t.Fatalf("%s was chosen by\n%s\nand is not by\n%s", name, strings.Join(before.Lines(), "\n"), strings.Join(after.Lines(), "\n"))
		}
	})
}

// The same choice is made in whatever order things became known at one moment.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := New(Config{}), New(Config{})
		for second := range rapid.IntRange(1, 20).Draw(t, "seconds") {
			now := time.Duration(second) * time.Second
			events := moments(t, second)
			for _, ev := range events {
				one.Step(now, ev)
			}
			for _, ev := range rapid.Permutation(events).Draw(t, "permuted") {
				other.Step(now, ev)
			}
			one.Step(now, Tick{})
			other.Step(now, Tick{})
		}
		now, w := 20*time.Second, anyWish(t)
		w.Current = someNames(t, "current")
		was, is := one.Choose(now, w), other.Choose(now, w)
		if fmt.Sprintf("%+v", was) != fmt.Sprintf("%+v", is) {
			t.Fatalf("%v\n%v", was.Lines(), is.Lines())
		}
	})
}

// moments draws what may become known of each datacenter at one moment: all at the
// first, later one thing at most by which it may begin or cease to look dead.
func moments(t *rapid.T, second int) []Event {
	var all []Event
	manager := func(name string, node hyperscale.NodeID) Event {
		state := rapid.SampledFrom([]State{Silent, Heard, Heard, Ailing}).Draw(t, "state")
		return Manager{name, node, state, rapid.Bool().Draw(t, "open")}
	}
	for _, name := range names {
		d := anyDatacenter(t, name)
		stated := Stated{Datacenter: name, Epoch: 1, Seq: uint64(second), Capacity: d.Capacity}
		if second == 0 {
			all = append(all, manager(name, "m"), manager(name, "n"), stated)
			continue
		}
		all = append(all, Sampled{name, "m", d.RTT}, Sampled{name, "n", d.Observed})
		switch rapid.IntRange(0, 9).Draw(t, "changes") {
		case 0, 1:
			all = append(all, manager(name, "m"))
		case 2:
			all = append(all, manager(name, "n"))
		case 3:
			all = append(all, Cut{name})
		case 4, 5:
			all = append(all, Healed{name})
		case 6:
			all = append(all, Observed{name, d.Observed}, Failed{name})
		case 7, 8:
			all = append(all, stated)
		}
	}
	return all
}
