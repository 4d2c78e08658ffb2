package route

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/place"
)

// with is a datacenter without a fault, but for that.
func with(change func(*Datacenter)) Datacenter {
	d := fine("a")
	change(&d)
	return d
}

func TestClass(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Datacenter)
		want   Class
	}{
		{"fine", func(*Datacenter) {}, Healthy},
		{"one of three managers silent", func(d *Datacenter) { d.Heard = 2 }, Healthy},
		{"two of three", func(d *Datacenter) { d.Heard = 1 }, Degraded},
		{"one silent, one ailing", func(d *Datacenter) { d.Heard, d.Ailing = 2, 1 }, Degraded},
		{"two of four are no majority", func(d *Datacenter) { d.Managers, d.Heard = 4, 2 }, Healthy},
		{"all ailing", func(d *Datacenter) { d.Ailing = 3 }, Degraded},
		{"none heard", func(d *Datacenter) { d.Heard = 0 }, Unhealthy},
		{"none heard, and doubted", func(d *Datacenter) { d.Heard, d.Doubted = 0, true }, Degraded},
		{"none known", func(d *Datacenter) { d.Managers, d.Heard = 0, 0 }, Unhealthy},
		{"cut", func(d *Datacenter) { d.Cut = true }, Unhealthy},
		{"cut, and doubted", func(d *Datacenter) { d.Cut, d.Doubted = true, true }, Degraded},
		{"half of the workers unhealthy", func(d *Datacenter) { d.Unhealthy = 4 }, Healthy},
		{"most of them", func(d *Datacenter) { d.Unhealthy = 5 }, Degraded},
		{"no worker", func(d *Datacenter) { d.Workers = 0 }, Unhealthy},
		{"no worker, though doubted", func(d *Datacenter) { d.Heard, d.Doubted, d.Workers = 0, true, 0 }, Unhealthy},
		{"no core", func(d *Datacenter) { d.Cores, d.Free = 0, 0 }, Unhealthy},
		{"one core free", func(d *Datacenter) { d.Free = 1 }, Healthy},
		{"no core free", func(d *Datacenter) { d.Free = 0 }, Busy},
		{"no core free, and degraded", func(d *Datacenter) { d.Free, d.Heard = 0, 1 }, Degraded},
	} {
		if got := with(test.change).Class(); got != test.want {
			t.Errorf("%s: %v, not %v", test.name, got, test.want)
		}
	}
}

func TestScore(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Datacenter)
		prefer bool
		want   time.Duration
	}{
		{"round trip", func(*Datacenter) {}, false, 20 * ms},
		{"preferred", func(*Datacenter) {}, true, 18 * ms},
		{"half of what jobs saw", func(d *Datacenter) { d.Observed, d.Believed = 60*ms, 50 }, false, 40 * ms},
		{"all of it", func(d *Datacenter) { d.Observed, d.Believed = 10*ms, 100 }, false, 10 * ms},
		{"half used", func(d *Datacenter) { d.Free = 4 }, false, 25 * ms},
		{"all used is busy", func(d *Datacenter) { d.Free = 0 }, false, 45 * ms},
		{"its only core used", func(d *Datacenter) { d.Cores, d.Free = 1, 0 }, false, 45 * ms},
		{"ten seconds of work for each core", func(d *Datacenter) { d.Queued = 80 * time.Second }, false, 23 * ms},
		{"work without end", func(d *Datacenter) { d.Queued = 1<<63 - 1 }, false, 25980 * time.Microsecond},
		{"two open breakers", func(d *Datacenter) { d.Open = 2 }, false, 28 * ms},
		{"degraded", func(d *Datacenter) { d.Heard = 1 }, false, 60 * ms},
		{"stale", func(d *Datacenter) { d.Age = 31 * time.Second }, false, 30 * ms},
		{"four samples", func(d *Datacenter) { d.Samples = 4 }, false, 26 * ms},
		{"failed", func(d *Datacenter) { d.Failed = true }, false, 40 * ms},
		{"everything", func(d *Datacenter) { d.Free, d.Open, d.Failed, d.Heard = 4, 1, true, 1 }, true, 20 * ms * 145 * 2 * 3 * 9 / 1000},
		{"no time at all", func(d *Datacenter) { d.RTT = 0 }, false, time.Microsecond},
		{"an hour", func(d *Datacenter) { d.RTT = time.Hour }, false, time.Minute},
	} {
		if got := with(test.change).score(Config{}.withDefaults(), test.prefer).Total; got != test.want {
			t.Errorf("%s: %v, not %v", test.name, got, test.want)
		}
	}
}

func TestCorrelate(t *testing.T) {
	for _, test := range []struct {
		fell, all int
		want      Correlation
	}{
		{0, 0, None}, {0, 9, None}, {1, 1, None}, {1, 9, None},
		{2, 2, High}, {2, 3, Low}, {2, 9, Low},
		{3, 3, High}, {3, 4, Medium}, {3, 99, Medium},
		{4, 4, High}, {4, 8, High}, {4, 9, Medium}, {5, 10, High},
	} {
		if got := correlate(test.fell, test.all); got != test.want {
			t.Errorf("%d of %d: %v, not %v", test.fell, test.all, got, test.want)
		}
	}
}

func TestApportion(t *testing.T) {
	for _, test := range []struct {
		n             int
		weights, want []int
	}{
		{10, []int{90, 10}, []int{9, 1}},
		{10, []int{1, 1, 1}, []int{1, 1, 1}},
		{2, []int{1, 1, 1}, []int{1, 1, 1}},
		{5, []int{8, 8}, []int{3, 2}},
		{20, []int{100, 100, 1}, []int{9, 10, 1}},
		{7, []int{3, 3, 3}, []int{3, 2, 2}},
		{1 << 30, []int{5, 7}, []int{5, 7}},
	} {
		if got := apportion(test.n, test.weights); !slices.Equal(got, test.want) {
			t.Errorf("%d by %v: %v, not %v", test.n, test.weights, got, test.want)
		}
	}
}

// The load is divided by the cores that are free where all can begin now, else by all.
func TestDivision(t *testing.T) {
	for _, test := range []struct {
		freeA, freeB int // of eight
		wish         Wish
		want         []Part
	}{
		{1, 8, Wish{Least: 2, Most: 4}, []Part{{"b", 3}, {"a", 1}}},
		{0, 8, Wish{Least: 2, Most: 4}, []Part{{"b", 2}, {"a", 2}}},
		{1, 8, Wish{Least: 9, Most: 12}, []Part{{"b", 8}, {"a", 1}}},
		{1, 8, Wish{Least: 10, Most: 12}, []Part{{"b", 6}, {"a", 6}}},
		{2, 8, Wish{Least: 2, Most: 4, Replicate: true}, []Part{{"b", 4}, {"a", 2}}},
		{1, 8, Wish{Least: 2, Most: 4, Replicate: true}, []Part{{"b", 4}, {"a", 4}}},
		{8, 8, Wish{Least: 8, Replicate: true}, []Part{{"a", 8}, {"b", 8}}},
	} {
		a, b := fine("a"), fine("b")
		a.Free, b.Free, test.wish.Count = test.freeA, test.freeB, 2
		got := choose(Config{}.withDefaults(), test.wish, []Datacenter{a, b})
		if !slices.Equal(got.Chosen, test.want) {
			t.Errorf("%d and %d free, %+v: %v", test.freeA, test.freeB, test.wish, got.Chosen)
		}
	}
}

// What is divided is divided exactly, nobody gets more than its weight or nothing,
// and nobody is off its part by one or more but for those who would get nothing.
func TestApportionIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 50), 1, 8).Draw(t, "weights")
		n := rapid.IntRange(len(weights), 500).Draw(t, "n")
		all, sum, small := 0, 0, 0
		for _, weight := range weights {
			all += weight
		}
		n = min(n, all)
		for _, weight := range weights {
			if n*weight < all {
				small++
			}
		}
		for i, part := range apportion(n, weights) {
			sum += part
			if off := part*all - n*weights[i]; part < 1 || part > weights[i] || off >= all || off <= -all*(1+small) {
				t.Fatalf("%d of %d by %d of %v", part, n, weights[i], weights)
			}
		}
		if sum != n {
			t.Fatalf("%d of %d are given", sum, n)
		}
	})
}

func TestLatency(t *testing.T) {
	var l Latency
	if l.Samples() != 0 || l.Upper() != 0 || l.Slow(time.Hour, 0) {
		t.Error("it knows something")
	}
	for i := range 150 {
		l.Add(0, time.Duration(i)*ms)
	}
	// 50 … 149 are left, and neighbours differ by 1 ms.
	if l.Samples() != 100 || l.Percentile(50) != 99*ms || l.Percentile(95) != 144*ms || l.Percentile(99) != 148*ms || l.Percentile(100) != 149*ms {
		t.Errorf("%d: %v, %v, %v, %v", l.Samples(), l.Percentile(50), l.Percentile(95), l.Percentile(99), l.Percentile(100))
	}
	if j := l.Jitter(); j > ms || j < ms*99/100 || l.Upper() != 144*ms+2*j {
		t.Errorf("jitter %v, at most %v", j, l.Upper())
	}
	l = Latency{}
	l.Add(0, 0)
	l.Add(0, 16*ms)
	l.Add(0, 16*ms)
	if l.Jitter() != ms-ms/16 {
		t.Errorf("jitter %v", l.Jitter())
	}
}

func TestSlow(t *testing.T) {
	const usual = 5 * ms
	var l Latency
	second := time.Duration(0)
	add := func(n int, rtt time.Duration) {
		for range n {
			second += time.Second
			l.Add(second, rtt)
		}
	}
	slow := func(want bool) {
		t.Helper()
		if got := l.Slow(second, 30*time.Second); got != want {
			t.Errorf("after %v, p50 %v, p99 %v: %v", second, l.Percentile(50), l.Percentile(99), got)
		}
	}
	add(10, time.Second)
	add(89, usual)
	slow(false) // too few to say
	add(1, usual)
	add(29, usual)
	slow(false) // the first are gone again
	add(100, usual)
	add(1, 10*usual+1)
	add(40, usual)
	slow(false) // one of a hundred is no p99
	add(1, 10*usual+1)
	add(29, usual)
	slow(false)
	add(1, usual)
	slow(true)
	add(100, usual)
	slow(false)
	add(100, ms/10)
	add(50, 10*ms)
	slow(false) // what is near may be ten times slower
}

// A core is reckoned with what placers reckon with.
func TestPerCoreIsThatOfPlacers(t *testing.T) {
	per := Config{}.withDefaults().PerCore
	level := func(rate hyperscale.Rate) int {
		return place.Level(hyperscale.Adjustment{Do: hyperscale.AdjustRate, Rate: rate})
	}
	if level(per) != 1 || level(per+1) != 2 {
		t.Errorf("%v a core: %s", per, place.Reckoned)
	}
}
