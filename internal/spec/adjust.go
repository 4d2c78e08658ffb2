package spec

import (
	"fmt"

	"hyperscale"
	"hyperscale/internal/schedule"
	"hyperscale/internal/spec/pack"
)

// Adjustments are what a holder of a share is told when a load is adjusted: all
// that were made so far, in order, so that one which was not heard is made good
// by the next.
type Adjustments struct{ List []hyperscale.Adjustment }

// maxAdjustments bounds the memory of a list of adjustments.
const maxAdjustments = 16 << 20

// Encode gives their bytes.
func (a Adjustments) Encode() []byte { return pack.Append([]byte{briefFormat}, a) }

// DecodeAdjustments reads what Encode gave, all of b.
func DecodeAdjustments(b []byte) (Adjustments, error) {
	var a Adjustments
	c, err := begin(b, briefFormat)
	if err == nil {
		err = pack.Decode(c.Rest(), &a, maxAdjustments)
	}
	if err == nil {
		err = checkAdjustments(a.List)
	}
	if err != nil {
		return Adjustments{}, fmt.Errorf("read adjustments: %w", err)
	}
	return a, nil
}

// checkAdjustments refuses numbers that do not rise and levels out of range.
func checkAdjustments(list []hyperscale.Adjustment) error {
	before := uint64(0)
	for _, a := range list {
		if a.Number <= before {
			return fmt.Errorf("adjustment %d after %d", a.Number, before)
		}
		before = a.Number
		if !within(a.At, 0, longest) || !within(a.Rate, 0, mostRate) || !within(a.VUs, 0, mostVUs) {
			return fmt.Errorf("adjustment %d: at %v, rate %d, %d virtual users", a.Number, a.At, a.Rate, a.VUs)
		}
	}
	return nil
}

// Fits reports why a workflow's load can't be adjusted so; nil: it can.
func Fits(plan *hyperscale.Plan, a hyperscale.Adjustment) error {
	for i := range plan.Workflows {
		w := &plan.Workflows[i]
		if w.Name != a.Workflow {
			continue
		}
		if err := schedule.Adjustable(w.Load, a); err != nil {
			return err
		}
		for _, d := range plan.Data {
			if d.Pick == hyperscale.PickByVU && a.Do == hyperscale.AdjustVUs && a.VUs > d.Rows {
				return fmt.Errorf("%s: %d virtual users, and data set %s has a row for %d", w.Name, a.VUs, d.Name, d.Rows)
			}
		}
		return checkAdjustments([]hyperscale.Adjustment{{Number: 1, At: a.At, Rate: a.Rate, VUs: a.VUs}})
	}
	return fmt.Errorf("there is no workflow %q", a.Workflow)
}
