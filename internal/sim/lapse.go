package sim

import (
	"encoding/json"

	"hyperscale/internal/worker/agent"
	"hyperscale/internal/worker/lapse"
)

// lapsed is what the schedule held while a share had no engine.
func lapsed(g agent.Gone) agent.Lapse {
	var b brief
	if err := json.Unmarshal(g.Brief, &b); err != nil {
		panic("sim: " + err.Error())
	}
	load := lapse.Load{Load: b.Load, Source: b.Source, First: b.First, Warmup: b.Warmup, From: b.From, Adjustments: b.Adjustments}
	return load.Of(g)
}
