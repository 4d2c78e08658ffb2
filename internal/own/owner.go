package own

import (
	"fmt"

	"hyperscale"
	"hyperscale/internal/store"
)

// Fence is the revision at which an owner wrote its key. As long as the key has
// it, nobody else owns what it stands for. 0: none.
type Fence store.Revision

// How says how an owner came to what it owns.
type How string

// The ways. What was got by evidence that the owner before was gone is not lost
// by evidence for some time ([SuccessionConfig]).
const (
	BySubmission How = "submission"
	ByEvidence   How = "evidence" // the one before looked gone
	ByOffer      How = "offer"    // it handed the job over
	ByPanic      How = "panic"    // its loop for the job panicked
)

// Owner is who owns a job, or has a hold, under which session and epoch. With an
// empty Node nobody does.
type Owner struct {
	Node    hyperscale.NodeID `json:"node"`
	Session store.LeaseID     `json:"session"`
	Epoch   hyperscale.Epoch  `json:"epoch"`
	How     How               `json:"how"`
	Fence   Fence             `json:"-"`
}

// readOwner reads an owner or hold as stored; the zero Owner if there is none.
func readOwner(e store.Entry) (Owner, error) {
	if e.Mod == 0 {
		return Owner{}, nil
	}
	var o Owner
	if _, err := decode(e.Value, &o); err != nil {
		return Owner{}, fmt.Errorf("%s: %w", e.Key, err)
	}
	o.Fence = Fence(e.Mod)
	return o, nil
}

func (o Owner) text() ([]byte, error) { return encode(o, nil) }
