package rpc

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Pressure is how near a node is to having too much to do, by its CPU, memory
// and latency. The zero value is none.
type Pressure int

// The pressures.
const (
	Calm     Pressure = iota
	Busy              // queries are cut
	Strained          // no queries, progress is cut
	Full              // critical calls only
)

// share is the part of all places, in percent, that calls of a priority may fill
// under a pressure. Critical calls take any number.
var share = map[Pressure]map[Priority]int{
	Calm:     {Work: 100, Progress: 85, Queries: 70},
	Busy:     {Work: 100, Progress: 85, Queries: 25},
	Strained: {Work: 100, Progress: 50, Queries: 0},
	Full:     {Work: 0, Progress: 0, Queries: 0},
}

// admission is the one limit on calls that are handled at once. Standing calls
// of watchers have places of their own, for they do little.
type admission struct {
	calls, watches int // places

	mu       sync.Mutex
	pressure Pressure
	used     [2]int // calls, watches
}

// enter takes a place and gives the function that gives it back, or nil if there
// is none for such a call.
func (a *admission) enter(m method) (leave func()) {
	which, places := 0, a.calls
	if m.standing {
		which, places = 1, a.watches
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.priority != Critical && a.used[which]*100 >= places*share[a.pressure][m.priority] {
		return nil
	}
	a.used[which]++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.used[which]--
	}
}

func (a *admission) press(p Pressure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pressure = min(max(p, Calm), Full)
}

// rates holds what each client has left of its rates. It forgets clients that
// have all of it.
type rates struct {
	rates [buckets]Rate

	mu    sync.Mutex
	tally map[rateKey]*rate.Limiter
}

type rateKey struct {
	client string
	bucket bucket
}

// mostRates is the number of clients and buckets after which those that are full
// are looked for.
const mostRates = 10_000

func newRates(l Limits) *rates {
	return &rates{
		rates: [buckets]Rate{submits: l.Submit, cancels: l.Cancel, queries: l.Query},
		tally: make(map[rateKey]*rate.Limiter),
	}
}

// take counts one call and says how long to wait if it is one too many; 0: it is
// not.
func (r *rates) take(now time.Time, client string, b bucket) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := rateKey{client, b}
	limiter, known := r.tally[key]
	if !known {
		if len(r.tally) >= mostRates {
			r.forget(now)
		}
		limit := r.rates[b]
		limiter = rate.NewLimiter(rate.Every(limit.Per/time.Duration(limit.Calls)), limit.Calls)
		r.tally[key] = limiter
	}
	if limiter.AllowN(now, 1) {
		return 0
	}
	missing := 1 - limiter.TokensAt(now)
	return max(time.Duration(missing/float64(limiter.Limit())*float64(time.Second)), time.Millisecond)
}

// forget drops those that have all their calls left, and if there are none,
// everybody: a crowd of new clients must not fill the memory.
func (r *rates) forget(now time.Time) {
	for key, limiter := range r.tally {
		if limiter.TokensAt(now) >= float64(limiter.Burst()) {
			delete(r.tally, key)
		}
	}
	if len(r.tally) >= mostRates {
		clear(r.tally)
	}
}
