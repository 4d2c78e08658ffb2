package spec

import (
	"fmt"

	"hyperscale"
	"hyperscale/internal/spec/pack"
)

// Outline reads of a brief what is to be known beside the engine that runs it:
// the plan, and what is run of it. Rows are not read, and nothing is checked.
func Outline(b []byte) (*hyperscale.Plan, Run, error) {
	plan, run := new(hyperscale.Plan), Run{}
	c, err := begin(b, briefFormat)
	if err == nil {
		packed, rest := c.Bytes(), c.Bytes()
		if err = c.Err(); err == nil {
			err = pack.Decode(packed, plan, maxMemory)
		}
		if err == nil {
			err = pack.Decode(rest, &run, maxMemory)
		}
	}
	if err == nil && len(plan.Workflows) != 1 {
		err = fmt.Errorf("a brief of %d workflows", len(plan.Workflows))
	}
	if err != nil {
		return nil, Run{}, fmt.Errorf("read brief: %w", err)
	}
	return plan, run, nil
}
