package spec

import (
	"errors"
	"fmt"

	"hyperscale"
	"hyperscale/internal/spec/pack"
)

// Assignment is a part of a job, as a gate gives it to a datacenter. All that the
// datacenter has to know of the job is in each of them, for any may be the first
// that comes.
type Assignment struct {
	Spec   []byte // the submission, as [Encode] gives it
	Origin []byte // whose job it is and how it is run, in words of the tier's
	Part
}

// Room is what an assignment has at most beside the submission, in bytes.
const Room = 256 << 10

// Part is a part of one workflow's load.
type Part struct {
	Workflow string
	Run                         // without lanes
	Begun    bool               // the load has begun, at Begin, and the part goes on with it
	Begin    hyperscale.JobTime // Begun
	Group    uint64             // parts of one group get cores together, once all are there; 0: it is of none
	Parts    int                // so many are in the group
}

// Encode gives its bytes.
func (a *Assignment) Encode() []byte {
	b := appendPart([]byte{briefFormat}, a.Spec)
	b = appendPart(b, a.Origin)
	return pack.Append(b, a.Part)
}

// DecodeAssignment reads what Encode gave, all of b. The submission in it is not
// read.
func DecodeAssignment(b []byte) (*Assignment, error) {
	c, err := begin(b, briefFormat)
	if err != nil {
		return nil, fmt.Errorf("read assignment: %w", err)
	}
	a := &Assignment{Spec: c.Bytes(), Origin: c.Bytes()}
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("read assignment: %w", err)
	}
	if err := pack.Decode(c.Rest(), &a.Part, maxMemory); err != nil {
		return nil, fmt.Errorf("read assignment: %w", err)
	}
	if err := a.check(); err != nil {
		return nil, fmt.Errorf("read assignment: %w", err)
	}
	return a, nil
}

// check refuses what can't be run.
func (a *Assignment) check() error {
	r := &a.Part
	switch {
	case len(a.Spec) == 0:
		return errors.New("it is of no submission")
	case r.Workflow == "":
		return errors.New("it is of no workflow")
	case !within(r.Begin, 0, longest), r.Parts < 0:
		return fmt.Errorf("begun at %v, one of %d", r.Begin, r.Parts)
	}
	if err := r.checkRun(); err != nil {
		return err
	}
	return checkAdjustments(r.Adjustments)
}
