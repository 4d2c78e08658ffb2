package own

import (
	"fmt"

	"hyperscale"
	"hyperscale/internal/store"
)

// Tenure is one node's ownership of one job, from when it got it to when another
// does or the job is over. It is the only way to write what belongs to a job. One
// goroutine uses it.
type Tenure struct {
	st    store.Store
	job   hyperscale.JobID
	owner Owner

	head     Head
	manifest manifest
	mod      store.Revision // of the manifest; 0: none was written yet
	open     *attempt       // told to be written, and not known to be; nil: none
	over     error          // why nothing can be written any more; nil: it can
	released bool           // it is over because this tenure ended the job and let go of it
}

// Job is the job owned.
func (t *Tenure) Job() hyperscale.JobID { return t.job }

// Epoch is what every order of this owner carries.
func (t *Tenure) Epoch() hyperscale.Epoch { return t.owner.Epoch }

// Owner is the owner key as this tenure put it. Who is offered the job takes it
// over by its Fence.
func (t *Tenure) Owner() Owner { return t.owner }

// Head is the head as it is known to be stored.
func (t *Tenure) Head() Head { return t.head }

// Version is that of the last commit known to be stored; 0: none.
func (t *Tenure) Version() Version { return t.manifest.Version }

// Events is the number of the last event known to be stored.
func (t *Tenure) Events() uint64 { return t.manifest.Events }

// namingCosts is about how many bytes of the manifest name one commit.
const namingCosts = 64

// Weight gives the bytes of the first commit that is kept, a base as a rule, and
// of all that was written since, with what it costs that each manifest names all
// of them again. A base pays when since outweighs it.
func (t *Tenure) Weight() (base, since int) {
	for i, p := range t.manifest.Pieces {
		if i == 0 {
			base = p.size()
			continue
		}
		since += p.size() + i*namingCosts
	}
	return base, since
}

// Unresolved reports whether a commit is kept whose outcome is open.
func (t *Tenure) Unresolved() bool { return t.open != nil }

// guard is what every write of this owner compares: the fence, and the manifest,
// so that one that was given up and comes late does nothing.
func (t *Tenure) guard() []store.If {
	return []store.If{is(ownerKey(t.job), store.Revision(t.owner.Fence)), is(manifestKey(t.job), t.mod)}
}

// look is what tells why a guarded write was not done.
func (t *Tenure) look() []store.Op {
	return []store.Op{get(ownerKey(t.job)), get(manifestKey(t.job))}
}

// end makes the tenure refuse everything from now on.
func (t *Tenure) end(why string) error {
	t.over = fmt.Errorf("job %s, epoch %d: %s: %w", t.job, t.owner.Epoch, why, ErrFenced)
	t.open = nil
	return t.over
}
