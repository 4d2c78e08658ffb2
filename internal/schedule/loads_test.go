package schedule

import (
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

const perSecond = int64(hyperscale.PerSecond)

// open is an open load of the stages.
func open(stages ...hyperscale.Stage) hyperscale.Load {
	return hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: stages}
}

// rate is a stage that goes from one number of slots per second to another.
func rate(from, to int64, over time.Duration) hyperscale.Stage {
	return hyperscale.Stage{From: from * perSecond, To: to * perSecond, Over: over}
}

// users is a stage that goes from one number of virtual users to another.
func users(from, to int64, over time.Duration) hyperscale.Stage {
	return hyperscale.Stage{From: from, To: to, Over: over}
}

// drawStages draws up to five stages, many of them level or from or to nothing.
func drawStages(t *rapid.T, highest int64, longest time.Duration) []hyperscale.Stage {
	level := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 100), rapid.Int64Range(0, highest))
	stages := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) hyperscale.Stage {
		s := hyperscale.Stage{
			From: level.Draw(t, "from"),
			To:   level.Draw(t, "to"),
			Over: time.Duration(rapid.Int64Range(1, int64(longest)).Draw(t, "over")),
		}
		if rapid.Bool().Draw(t, "level") {
			s.To = s.From
		}
		return s
	}), 1, 5).Draw(t, "stages")
	return stages
}

// drawShare draws one share of a division, from the start.
func drawShare(t *rapid.T) hyperscale.Share {
	of := rapid.Int64Range(1, 50).Draw(t, "of")
	lo := rapid.Int64Range(0, of-1).Draw(t, "lo")
	return hyperscale.Share{Lo: lo, Hi: rapid.Int64Range(lo+1, of).Draw(t, "hi"), Of: of}
}

// drawLanes draws a whole division: of the slots into shares, and of each share
// into lanes.
func drawLanes(t *rapid.T) []Lane {
	of := rapid.Int64Range(1, 20).Draw(t, "of")
	var lanes []Lane
	for lo := int64(0); lo < of; {
		share := hyperscale.Share{Lo: lo, Hi: rapid.Int64Range(lo+1, of).Draw(t, "hi"), Of: of}
		count := rapid.Int64Range(1, 4).Draw(t, "lanes")
		for k := range count {
			lanes = append(lanes, Lane{Share: share, Index: k, Of: count})
		}
		lo = share.Hi
	}
	return lanes
}
