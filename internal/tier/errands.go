package tier

import (
	"sync"

	"hyperscale"
)

// errands are things done in the background, one at a time for each job.
type errands struct {
	mu      sync.Mutex
	under   map[hyperscale.JobID]bool
	running sync.WaitGroup
}

// do does work, unless something is being done for the job already.
func (e *errands) do(job hyperscale.JobID, work func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.under[job] {
		return
	}
	e.under[job] = true
	e.running.Go(func() {
		defer func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			delete(e.under, job)
		}()
		work()
	})
}

func (e *errands) wait() { e.running.Wait() }
