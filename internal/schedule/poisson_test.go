package schedule

import (
	"math"
	"testing"
	"time"

	"hyperscale"
)

// Probability of k under the Poisson distribution, by the C library's way.
func probability(mean float64, k int64) float64 {
	lg, _ := math.Lgamma(float64(k + 1))
	return math.Exp(float64(k)*math.Log(mean) - mean - lg)
}

func TestPoissonIsDistributedSo(t *testing.T) {
	const grid = 200_000
	for _, mean := range []float64{1e-9, 0.3, 1, 7.5, 20, 127.99, 128, 128.5, 1000.9, 20_000} {
		counts := map[int64]int{}
		for i := range grid {
			counts[poisson(mean, (float64(i)+0.5)/grid)]++
		}
		if len(counts) < int(math.Sqrt(mean)) {
			t.Errorf("mean %v: only %d different numbers", mean, len(counts))
		}
		for k, n := range counts {
			want := probability(mean, k)
			if got := float64(n) / grid; math.Abs(got-want) > 1.5/grid+want*1e-6 {
				t.Errorf("mean %v: %d has probability %v, want %v", mean, k, got, want)
			}
		}
	}
}

func TestPoissonAtTheEdges(t *testing.T) {
	if n := poisson(0, 0.999); n != 0 {
		t.Errorf("mean 0 gave %d", n)
	}
	for _, mean := range []float64{0.5, 50, 5e4, 5e7} {
		far := poisson(mean, 1-0x1p-53)
		if d := math.Abs(float64(far) - mean); d > 20*math.Sqrt(mean)+20 {
			t.Errorf("mean %v: the rarest draw is %d", mean, far)
		}
	}
}

// A Poisson process has as much variance as mean in every interval.
func TestPoissonArrivalsOverASteadyRate(t *testing.T) {
	const seconds, mean = 4000, 30.0
	load := open(rate(mean, mean, seconds*time.Second))
	load.Poisson = true
	a := NewArrivals(load, hyperscale.NewSource(7, "search"))
	for _, tenths := range []int64{1, 3, 10, 25} {
		width := time.Duration(tenths) * 100 * time.Millisecond
		var n, sum, squares float64
		for at := time.Duration(0); at+width <= a.End(); at += width {
			x := float64(a.Before(at+width) - a.Before(at))
			n, sum, squares = n+1, sum+x, squares+x*x
		}
		want := mean * width.Seconds()
		got := sum / n
		variance := squares/n - got*got
		if math.Abs(got-want) > 4*math.Sqrt(want/n) || math.Abs(variance/want-1) > 6*math.Sqrt(2/n) {
			t.Errorf("%v: mean %v and variance %v, want %v", width, got, variance, want)
		}
	}
}

// Inside a second the times follow the rate, not the second's mean.
func TestPoissonArrivalsFollowARampWithinASecond(t *testing.T) {
	for _, load := range []hyperscale.Load{open(rate(0, 40_000, time.Second)), open(rate(40_000, 0, time.Second))} {
		load.Poisson = true
		a := NewArrivals(load, 3)
		even := NewArrivals(open(load.Stages...), 3)
		n := float64(a.Total())
		if math.Abs(n-20_000) > 4*math.Sqrt(20_000) {
			t.Errorf("%v arrivals, want about 20 000", n)
		}
		for at := 50 * time.Millisecond; at < time.Second; at += 50 * time.Millisecond {
			got, want := float64(a.Before(at))/n, float64(even.Before(at))/20_000
			if math.Abs(got-want) > 2/math.Sqrt(n) {
				t.Errorf("at %v: %v of the arrivals, want %v", at, got, want)
			}
		}
	}
}

func TestPoissonArrivalsKeepOutOfPauses(t *testing.T) {
	load := open(rate(0, 0, 300*time.Millisecond), rate(100, 100, 400*time.Millisecond), rate(0, 0, 2*time.Second), rate(500, 500, 100*time.Millisecond))
	load.Poisson = true
	for source := range hyperscale.Source(50) {
		for _, s := range walk(NewArrivals(load, source).Cursor(hyperscale.Whole, 0, 1)) {
			if s.due < 300*time.Millisecond || 700*time.Millisecond <= s.due && s.due < 2700*time.Millisecond || s.due >= 2800*time.Millisecond {
				t.Fatalf("source %d: slot %d is due at %v", source, s.slot, s.due)
			}
		}
	}
}

// The draws are part of what a plan means: another machine, architecture or
// version must give the same, so they are written down here.
func TestPoissonDrawsStay(t *testing.T) {
	load := open(rate(0, 2000, 10*time.Second), rate(300, 300, time.Hour))
	load.Poisson = true
	a := NewArrivals(load, hyperscale.NewSource(42, "browse"))
	if a.Total() != 1_090_645 {
		t.Errorf("total %d, want 1 090 645", a.Total())
	}
	for slot, want := range map[hyperscale.Slot]hyperscale.JobTime{
		0: 60_437_023, 1: 101_797_625, 100: 951_542_892, 9999: 9_934_614_053,
		10_500: 11_155_197_487, 1_000_000: 3_309_392_938_550,
	} {
		if due, ok := a.Due(slot); due != want || !ok {
			t.Errorf("slot %d is due at %d, want %d", slot, due, want)
		}
	}
}

// Points that share more bits than are split are one position, not an error.
func TestPointsCloserThanTheTreeIsDeep(t *testing.T) {
	var p points
	p.path[0] = node{name: 1, bits: 5 << 16, count: 1000}
	p.depth = 0
	p.fill(&p.path[0])
	if p.leaf.count != 1000 || p.position(999) != p.leaf.at[leafSize-1] || p.position(0) != p.leaf.at[0] {
		t.Errorf("leaf of %d: %v", p.leaf.count, p.leaf.at)
	}
}
