package sim

import (
	"encoding/json"

	"hyperscale/internal/spec"
	"hyperscale/internal/worker/agent"
	"hyperscale/internal/worker/lapse"
)

// lapsed is what the schedule held while a share had no engine.
func lapsed(g agent.Gone) agent.Lapse {
	var b brief
	if err := json.Unmarshal(g.Briefs[0], &b); err != nil {
		panic("sim: " + err.Error())
	}
	for _, text := range g.Briefs[1:] {
		if a, err := spec.DecodeAdjustments(text); err == nil && len(a.List) > len(b.Adjustments) {
			b.Adjustments = a.List
		}
	}
	return b.load().Of(g)
}

// load is what has to be known of a load whose engine died.
func (b *brief) load() *lapse.Load {
	return &lapse.Load{Load: b.Load, Source: b.Source, First: b.First, Warmup: b.Warmup, From: b.From, Adjustments: b.Adjustments}
}
