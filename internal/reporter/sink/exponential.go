package sink

import (
	"math"
	"time"

	"hyperscale/internal/stats"
)

// scale is that of the exponential histograms that we tell others: their buckets are
// bounded by whole powers of 2^(1/2^scale), which is 1.022.
const scale = 5

// power is one bucket of an exponential histogram: how many durations lie in
// (2^((index-1)/2^scale), 2^(index/2^scale)] seconds.
type power struct {
	index int
	count uint64
}

// powers puts a histogram into exponential buckets of seconds, by rising index. Count
// and sum stay exact. Here is where durations are rounded: each of our buckets, which
// is at most 1/128 wide, goes as a whole to where its middle lies. So a duration can
// be counted in the neighbour of its bucket, if it is within 0.4 % of its bound. (Our
// octaves are those of nanoseconds and divided evenly, theirs are of seconds and not:
// no scale makes the two the same.) What is below 1 µs is counted as 1 µs and what is
// above 1 h as 1 h, as everywhere.
func powers(h *stats.Histogram) []power {
	var list []power
	for b := range h.Buckets() {
		i := powerOf(middle(b))
		if n := len(list); n > 0 && list[n-1].index == i {
			list[n-1].count += b.Count
		} else {
			list = append(list, power{i, b.Count})
		}
	}
	return list
}

// middle is the middle of a bucket.
func middle(b stats.Bucket) time.Duration { return b.From + (b.To-b.From)/2 }

// powerOf is the index of the bucket that a duration falls into.
func powerOf(d time.Duration) int {
	return int(math.Ceil(math.Log2(d.Seconds()) * (1 << scale)))
}
