package sim

import (
	"encoding/json"

	"hyperscale/internal/worker/agent"
	"hyperscale/internal/worker/lapse"
)

// lapsed is what the schedule held while a share had no engine.
func lapsed(g agent.Gone) agent.Lapse {
	var b brief
	if err := json.Unmarshal(g.Briefs[0], &b); err != nil {
		panic("sim: " + err.Error())
	}
	return b.load().Of(g)
}

// load is what has to be known of a load whose engine died.
func (b *brief) load() *lapse.Load {
	return &lapse.Load{Load: b.Load, Source: b.Source, First: b.First, Warmup: b.Warmup, From: b.From}
}
