package place

import (
	"hyperscale"
	"hyperscale/internal/link"
)

// Divide cuts all slots of a workflow into one share for each grant, in their
// order and as wide as its cores: what a worker gets is its part of all slots,
// virtual users, rates and bounds, and the parts add up exactly (see
// [hyperscale.Share.Count]). The shares are of the first turn.
func Divide(grants []link.Cores) []hyperscale.Share {
	total := int64(0)
	for _, g := range grants {
		total += int64(g.N)
	}
	return Cut(hyperscale.Share{Hi: total, Of: total}, grants)
}

// Cut divides a share that lost its holder among others, in proportion to their
// cores and in their order, with the next turn. Ask for at most as many cores as
// the share is wide: beyond that some of the shares hold nothing and are not
// valid.
func Cut(lost hyperscale.Share, grants []link.Cores) []hyperscale.Share {
	total, width := int64(0), lost.Width()
	for _, g := range grants {
		total += int64(g.N)
	}
	shares := make([]hyperscale.Share, len(grants))
	lo, sum := lost.Lo, int64(0)
	for i, g := range grants {
		sum += int64(g.N)
		hi := lost.Lo + width*sum/total
		shares[i] = hyperscale.Share{Lo: lo, Hi: hi, Of: lost.Of, From: lost.From, Turn: lost.Turn + 1}
		lo = hi
	}
	return shares
}
