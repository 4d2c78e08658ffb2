package tier

import (
	"sync"

	"hyperscale"
)

// errand is what is done for a child about a job.
type errand struct {
	job   hyperscale.JobID
	child hyperscale.NodeID
}

// errands are things done in the background, one at a time of each.
type errands struct {
	mu      sync.Mutex
	under   map[errand]bool
	running sync.WaitGroup
}

// do does work, unless it is being done already.
func (e *errands) do(what errand, work func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.under[what] {
		return
	}
	e.under[what] = true
	e.running.Go(func() {
		defer func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			delete(e.under, what)
		}()
		work()
	})
}

func (e *errands) wait() { e.running.Wait() }
