package own

import (
	"encoding/json"
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/store"
)

// MaxHead bounds a head as stored, in bytes.
const MaxHead = 256 << 10

// Origin is what a submission said of a job; it never changes.
type Origin struct {
	Name      string    `json:"name"`   // of the plan
	Spec      Digest    `json:"spec"`   // of plan and options
	Client    string    `json:"client"` // whose job it is
	Priority  string    `json:"priority"`
	Options   []byte    `json:"options"`   // opaque here; ≤ 64 KiB
	Submitted time.Time `json:"submitted"` // by the clock of the node that took it; for people
}

// Head is what a job is and where it is: small, and read without its records.
type Head struct {
	Origin
	Phase   hyperscale.Phase `json:"phase"`
	Reason  string           `json:"reason"`  // of a phase that needs one; in words
	Ended   time.Time        `json:"ended"`   // zero until the phase is terminal; for people and the sweeper
	Percent float64          `json:"percent"` // of the planned work, 0 … 100
	Panics  int              `json:"panics"`  // takeovers because the loop of the job panicked
	Result  Version          `json:"result"`  // the manifest that is the result; 0: not ended
	Pending bool             `json:"pending"` // ended, but reporters or the parent still wait for something
	// Reporters is how far the reporters of the job are; opaque here, null: it has none.
	Reporters json.RawMessage `json:"reporters"`
	rest      others
}

// readHead reads a head as stored. Its errors are of kind [ErrDamaged].
func readHead(text []byte) (Head, error) {
	var h Head
	rest, err := decode(text, &h)
	if err != nil {
		return Head{}, fmt.Errorf("head: %w", err)
	}
	h.rest = rest
	return h, nil
}

func (h Head) text() ([]byte, error) {
	text, err := encode(h, h.rest)
	if err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	if len(text) > MaxHead {
		return nil, fmt.Errorf("head of %d bytes, %d are taken: %w", len(text), MaxHead, store.ErrTooLarge)
	}
	return text, nil
}
